/** Answer streams, whole and in segments, at the relay's end (docs/protocol.md, "Streams", "Paths"). */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { PassThrough, Readable } from "node:stream";
import { SEGMENT_BYTES, SEGMENT_HOLD_MS } from "../../lib/base/limits.ts";
import { ABORT, IDLE } from "../../lib/wire/modern.ts";
import { encodeAnswer, encodeStreamHead } from "../../lib/wire/modern_messages.ts";
import { encodeEmptyRecord } from "../../lib/wire/records.ts";
import { concatBytes, fromHex, fromLatin1, patternOf } from "../support/bytes.ts";
import { readAnswer } from "../support/fake_request.ts";
import { dataOf, END, ExchangeWorld, HEAD, isHeld, OK } from "../support/given_exchange.ts";
import { assertText } from "../support/relay_world.ts";
import { turn } from "../support/turn.ts";

const NO_BYTES = new Uint8Array();

Deno.test("answer stream: head, bytes and trailers go to the visitor, who has them before the reply", async () => {
  const world = await ExchangeWorld.start();
  const stream = new PassThrough();
  const reply = world.process.ask(`answer/${world.id}`, { body: stream });
  stream.write(encodeStreamHead({ status: 404, headers: ["X-A", "\xe9", "x-a", "2"] }));
  const answer = await world.visitor.answer;
  assertEquals([answer.status, answer.headers], [404, ["X-A", "\xe9", "x-a", "2"]]);
  stream.end(concatBytes([
    ...[dataOf("so"), encodeEmptyRecord(IDLE), dataOf("me")],
    fromHex("23000000000008 0002 0001 0001 6162"),
  ]));
  assertEquals(await readAnswer(answer), "some");
  assertEquals(answer.trailers?.(), ["a", "b"]);
  assertEquals(await isHeld(reply), true);
  world.visitor.request.finish("delivered");
  await assertText(reply, 200, "delivered");
  world.assertOver();
});

Deno.test("answer stream: a visitor that leaves ends it by 410, with the rest unread, and one CANCEL", async () => {
  const world = await ExchangeWorld.start();
  const stream = new PassThrough();
  const reply = world.process.ask(`answer/${world.id}`, { body: stream });
  stream.write(concatBytes([HEAD, dataOf("some")]));
  await world.visitor.answer;
  world.visitor.request.finish("cut");
  await assertText(reply, 410, "has left");
  assertEquals(stream.destroyed, true);
  assertEquals(await world.process.take(world.process.poll()), [{ type: "cancel", id: world.id }]);
  assertEquals((await world.process.ask(`answer/${world.id}`, { body: HEAD })).status, 410);
  world.assertOver();
});

Deno.test("answer stream: ABORT, and an end without END, cut the visitor, and the session goes on", async () => {
  for (const last of [encodeEmptyRecord(ABORT), NO_BYTES, dataOf("cut").subarray(0, -1)]) {
    const world = await ExchangeWorld.start();
    const body = concatBytes([HEAD, dataOf("some"), last]);
    const reply = world.process.ask(`answer/${world.id}`, { body });
    const answer = await world.visitor.answer;
    assertEquals(answer.status, 200);
    await assertRejects(() => readAnswer(answer));
    world.visitor.request.finish("cut");
    assertEquals((await reply).status, 410);
    world.assertOver();
  }
});

Deno.test("answer stream: one that breaks off in its head is 502, and the session goes on", async () => {
  for (const bytes of [NO_BYTES, HEAD.subarray(0, 3), HEAD.subarray(0, -1)]) {
    const world = await ExchangeWorld.start();
    const reply = world.process.ask(`answer/${world.id}`, { body: Readable.from([bytes]) });
    await assertText(world.visitor.answer, 502, "broke before it answered");
    world.visitor.request.finish("delivered");
    assertEquals((await reply).status, 410);
    world.assertOver();
  }
});

Deno.test("answer: a second stream is 409 in either way, and harms the first one not", async () => {
  for (const first of ["", "/0"]) {
    const world = await ExchangeWorld.start();
    const stream = new PassThrough();
    const path = `answer/${world.id}`;
    const reply = world.process.ask(path + first, { body: stream });
    if (first === "") {
      stream.write(concatBytes([HEAD, dataOf("so")]));
      await world.visitor.answer;
    } else {
      stream.end(concatBytes([HEAD, dataOf("so")]));
      assertEquals((await reply).status, 204);
    }
    const others = first === "" ? ["", "/0", "/1"] : [""];
    for (const other of others) {
      const body = concatBytes([encodeStreamHead({ ...OK, status: 404 }), dataOf("forged"), END]);
      await assertText(world.process.ask(path + other, { body }), 409, "begun already");
    }
    const rest = concatBytes([dataOf("me"), END]);
    if (first === "") stream.end(rest);
    const last = first === "" ? reply : world.process.ask(`${path}/1`, { body: rest });
    assertEquals(await readAnswer(await world.visitor.answer), "some");
    world.visitor.request.finish("delivered");
    await assertText(last, 200, "delivered");
    world.assertOver();
  }
});

Deno.test("answer: a stream behind ANSWER is 410; ANSWER in a stream is a violation", async () => {
  const world = await ExchangeWorld.start();
  assertEquals((await world.process.say(encodeAnswer(world.id, OK, fromLatin1("x")))).status, 204);
  assertEquals((await world.process.ask(`answer/${world.id}`, { body: HEAD })).status, 410);
  assertEquals(await world.segment(0, HEAD), 410);
  assertEquals(await readAnswer(await world.visitor.answer), "x");
  world.visitor.request.finish("delivered");
  world.assertOver();

  const other = await ExchangeWorld.start();
  const stream = new PassThrough();
  const reply = other.process.ask(`answer/${other.id}`, { body: stream });
  stream.write(concatBytes([HEAD, dataOf("so")]));
  const answer = await other.visitor.answer;
  const message = encodeAnswer(other.id, OK, fromLatin1("x"));
  await assertText(other.process.say(message), 400, "A second answer");
  // It is on a connection of its own, and goes on.
  stream.end(concatBytes([dataOf("me"), END]));
  assertEquals(await readAnswer(answer), "some");
  other.visitor.request.finish("delivered");
  assertEquals((await reply).status, 200);
});

Deno.test("answer segments: records go on from one to the next, and the last is answered at the end", async () => {
  const world = await ExchangeWorld.start();
  const bytes = concatBytes([HEAD, dataOf("some"), END]);
  for (let i = 0; i + 1 < bytes.length; i++) {
    assertEquals(await world.segment(i, bytes.subarray(i, i + 1)), 204);
  }
  const last = world.segment(bytes.length - 1, bytes.subarray(-1));
  assertEquals(await readAnswer(await world.visitor.answer), "some");
  world.visitor.request.finish("delivered");
  assertEquals(await last, 200);
  world.assertOver();
});

Deno.test("answer segments: the last number once more is answered again, and its bytes ignored", async () => {
  const world = await ExchangeWorld.start();
  for (let i = 0; i < 3; i++) assertEquals(await world.segment(0, HEAD, dataOf("so")), 204);
  assertEquals(await world.segment(0, dataOf("forged")), 204);
  assertEquals(await world.segment(1, dataOf("me")), 204);
  const last = [world.segment(2, END), world.segment(2, END), world.segment(2, dataOf("forged"))];
  assertEquals(await readAnswer(await world.visitor.answer), "some");
  world.visitor.request.finish("delivered");
  for (const status of last) assertEquals(await status, 200);
  world.assertOver();
});

Deno.test("answer segments: a slow visitor makes it 202 after 5 s, and 204 as soon as it reads", async () => {
  const world = await ExchangeWorld.start();
  const big = patternOf(SEGMENT_BYTES - 100);
  let index = 0;
  let held: Promise<number> | undefined;
  // Until the visitor's side holds as much as it likes.
  while (held === undefined) {
    const reply = world.segment(index, ...index === 0 ? [HEAD] : [], dataOf(big));
    index++;
    if (await isHeld(reply)) held = reply;
    else assertEquals(await reply, 204);
  }
  world.clock.advance(SEGMENT_HOLD_MS);
  assertEquals(await held, 202);
  // Asked again, without bytes.
  const asked = world.segment(index++);
  await turn();
  const answer = await world.visitor.answer;
  assert(answer.body instanceof Readable);
  answer.body.resume();
  assertEquals(await asked, 204);
  const last = world.segment(index++, END);
  await turn();
  // Else the session would be given up.
  const poll = world.process.poll();
  world.clock.advance(SEGMENT_HOLD_MS);
  // All has come, but the visitor has not all of it.
  assertEquals(await last, 202);
  const end = world.segment(index);
  world.visitor.request.finish("delivered");
  assertEquals(await end, 200);
  world.assertOver();
  assertEquals((await poll.answer).status, 410);
});

Deno.test("answer segments: a visitor that leaves makes the next one 410", async () => {
  const world = await ExchangeWorld.start();
  assertEquals(await world.segment(0, HEAD, dataOf("some")), 204);
  await world.visitor.answer;
  world.visitor.request.finish("cut");
  await turn();
  assertEquals(await world.segment(1, END), 410);
  world.assertOver();
});
