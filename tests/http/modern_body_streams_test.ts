/**
 * Body streams, whole and in segments, at the relay's end, and what becomes of streams when their
 * session is lost (docs/protocol.md, "Streams", "Paths", "Failures of a session").
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { PassThrough, Readable } from "node:stream";
import { ClosedError } from "../../lib/base/errors.ts";
import { CHANNEL_SILENCE_MS, SEGMENT_BYTES } from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import { ABORT, IDLE } from "../../lib/wire/modern.ts";
import { encodeEmptyRecord } from "../../lib/wire/records.ts";
import { concatBytes, fromHex, patternOf, toHex } from "../support/bytes.ts";
import { readAnswer } from "../support/fake_request.ts";
import { dataOf, END, ExchangeWorld, HEAD } from "../support/given_exchange.ts";
import { readBody } from "../support/read_body.ts";
import { assertText, KEY } from "../support/relay_world.ts";
import { turn } from "../support/turn.ts";

const NO_BYTES = new Uint8Array();

Deno.test("body: is read when it is asked for, once; of a known length it has a Content-Length", async () => {
  for (const bodyLength of [40_000, null]) {
    const world = await ExchangeWorld.start({ bodyLength });
    world.body.end(patternOf(40_000));
    await turn();
    assert(world.body.readableFlowing !== true, "nobody has asked yet");
    const answer = await world.process.ask(`body/${world.id}`);
    assertEquals(answer.status, 200);
    const declared = headerValue(answer.headers, "content-length");
    for (const path of [`body/${world.id}`, `body/${world.id}/0`, `body/${world.id}/1`]) {
      await assertText(world.process.ask(path), 409, "asked for before");
    }
    const bytes = await readBody(answer.body);
    const whole = concatBytes([dataOf(patternOf(40_000)), END]);
    if (bodyLength !== null) assertEquals(toHex(bytes), toHex(whole));
    assertEquals(declared, bodyLength === null ? undefined : `${whole.length}`);
    world.visitor.request.finish("cut");
    await world.visitor.answer;
    world.assertOver();
  }
});

Deno.test("body: one that came with the request cannot be asked for", async () => {
  const world = await ExchangeWorld.start();
  const small = world.visit("/servers/alpha/small", { method: "PUT", body: "hi" });
  const { id, body } = await world.process.takeRequest();
  assert(body instanceof Uint8Array);
  assertEquals(toHex(body), "6869");
  for (const path of [`body/${id}`, `body/${id}/0`]) {
    assertEquals((await world.process.ask(path)).status, 409);
  }
  for (const { request, answer } of [small, world.visitor]) {
    request.finish("cut");
    await answer;
  }
  world.assertOver();
});

Deno.test("body segments: the last once more is the same, and the next lets it be forgotten", async () => {
  const world = await ExchangeWorld.start({ bodyLength: 150_000 });
  world.body.end(patternOf(150_000));
  const ask = async (index: number): Promise<Uint8Array> => {
    const answer = await world.process.ask(`body/${world.id}/${index}`);
    assertEquals(answer.status, 200);
    return await readBody(answer.body);
  };
  const expected = concatBytes([dataOf(patternOf(150_000)), END]);
  let bytes = NO_BYTES;
  for (let index = 0; bytes.length < expected.length; index++) {
    const segment = await ask(index);
    assert(segment.length <= SEGMENT_BYTES);
    assertEquals(toHex(await ask(index)), toHex(segment));
    bytes = concatBytes([bytes, segment]);
  }
  assertEquals(toHex(bytes), toHex(expected));
  await assertText(world.process.ask(`body/${world.id}`), 409, "asked for before");
  await assertText(world.process.ask(`body/${world.id}/0`), 409, "out of step");
  assertEquals((await world.visitor.answer).status, 502);
  assertEquals(world.logged("WARN").length, 1);
  world.visitor.request.finish("delivered");
});

Deno.test("body segments: 204 after 5 s without a byte, of the same number then", async () => {
  const world = await ExchangeWorld.start();
  for (let i = 0; i < 2; i++) {
    const asked = world.process.ask(`body/${world.id}/0`);
    await turn();
    world.clock.advance(4_000);
    await turn();
    // IDLE is among what it may bring.
    const { status, body } = await (world.clock.advance(1_000), asked);
    assert(status === 204 || toHex(await readBody(body)) === toHex(encodeEmptyRecord(IDLE)));
    if (status === 200) break;
  }
  world.visitor.request.finish("cut");
  await world.visitor.answer;
  world.assertOver();
});

Deno.test("body segments: however many ask for one at once, all that are told are told the same", async () => {
  const world = await ExchangeWorld.start({ bodyLength: 300_000 });
  world.body.end(patternOf(300_000));
  const expected = concatBytes([dataOf(patternOf(300_000)), END]);
  let bytes = NO_BYTES;
  for (let index = 0; bytes.length < expected.length; index++) {
    // So that there is more than one segment to take.
    await turn();
    const asked = Array.from({ length: 4 }, () => world.process.ask(`body/${world.id}/${index}`));
    const told = (await Promise.all(asked)).filter(({ status }) => status === 200);
    const parts = await Promise.all(told.map(async ({ body }) => toHex(await readBody(body))));
    assertEquals(new Set(parts).size, 1);
    bytes = concatBytes([bytes, fromHex(parts[0] ?? "")]);
  }
  assertEquals(toHex(bytes), toHex(expected));
  world.visitor.request.finish("cut");
  await world.visitor.answer;
  world.assertOver();
});

Deno.test("body: one that breaks off is ABORT in a stream, and 410 for a segment", async () => {
  const world = await ExchangeWorld.start();
  const answer = await world.process.ask(`body/${world.id}`);
  const bytes = readBody(answer.body);
  world.body.write("so");
  await turn();
  world.body.destroy(new ClosedError("The peer is gone"));
  assertEquals(toHex(await bytes), toHex(concatBytes([dataOf("so"), encodeEmptyRecord(ABORT)])));
  world.visitor.request.finish("cut");
  await world.visitor.answer;
  world.assertOver();

  const other = await ExchangeWorld.start({ bodyLength: 100_000 });
  other.body.destroy(new ClosedError("The peer is gone"));
  await assertText(other.process.ask(`body/${other.id}/0`), 410, "broke off");
  other.visitor.request.finish("cut");
  await other.visitor.answer;
  other.assertOver();
});

Deno.test("session lost: a stream of its own goes on while it moves, and is cut after 8 s of silence", async () => {
  const world = await ExchangeWorld.start();
  const stream = new PassThrough();
  const reply = world.process.ask(`answer/${world.id}`, { body: stream });
  stream.write(concatBytes([HEAD, dataOf("so")]));
  const answer = await world.visitor.answer;
  assert(answer.body instanceof Readable);
  let text = "";
  let isCut = false;
  answer.body.on("data", (chunk: Uint8Array) => text += String.fromCharCode(...chunk));
  answer.body.once("error", () => isCut = true);
  world.state.sessions.find(world.process.session)?.end("lost");
  for (let i = 0; i < 5; i++) {
    world.clock.advance(CHANNEL_SILENCE_MS - 1_000);
    stream.write(i % 2 === 0 ? dataOf("m") : encodeEmptyRecord(IDLE));
    await turn();
  }
  assertEquals([text, isCut], ["sommm", false]);
  world.clock.advance(CHANNEL_SILENCE_MS - 1);
  await turn();
  assertEquals(isCut, false);
  world.clock.advance(CHANNEL_SILENCE_MS / 4 + 1);
  await turn();
  assertEquals(isCut, true);
  world.visitor.request.finish("cut");
  assertEquals((await reply).status, 410);
  world.assertOver();
});

Deno.test("session lost: nobody is cut for a visitor that reads nothing", async () => {
  const world = await ExchangeWorld.start();
  const stream = new PassThrough();
  const reply = world.process.ask(`answer/${world.id}`, { body: stream });
  stream.write(concatBytes([HEAD, dataOf(patternOf(SEGMENT_BYTES)), dataOf("rest")]));
  const answer = await world.visitor.answer;
  assert(answer.body instanceof Readable);
  await turn();
  world.state.sessions.find(world.process.session)?.end("lost");
  world.clock.advance(10 * CHANNEL_SILENCE_MS);
  assertEquals(answer.body.destroyed, false);
  stream.end(END);
  assertEquals((await readAnswer(answer)).length, SEGMENT_BYTES + 4);
  world.visitor.request.finish("delivered");
  assertEquals((await reply).status, 200);
  world.assertOver();
});

Deno.test("session lost: an answer in segments is cut, and its body broken off", async () => {
  const world = await ExchangeWorld.start();
  assertEquals(await world.segment(0, HEAD, dataOf("some")), 204);
  const body = world.process.ask(`body/${world.id}/0`);
  const answer = await world.visitor.answer;
  const read = assertRejects(() => readAnswer(answer));
  await turn();
  world.state.sessions.find(world.process.session)?.end("lost");
  await read;
  assertEquals((await body).status, 410);
  world.visitor.request.finish("cut");
  const headers = ["X-ApiKey", KEY];
  const target = `/7ZSFUKGV/modern/answer/${world.process.session}/${world.id}/1`;
  assertEquals((await world.get(target, { method: "POST", headers, body: END })).status, 410);
  world.assertOver();
});
