/** The long poll of a session, with all that may get lost on its way (docs/protocol.md, "Long poll"). */

import { assert, assertEquals } from "@std/assert";
import { PassThrough } from "node:stream";
import { ClosedError } from "../../lib/base/errors.ts";
import { MODERN_PARK_MS } from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import { DATA } from "../../lib/wire/modern.ts";
import { encodeAnswer, encodeLeave, encodePing } from "../../lib/wire/modern_messages.ts";
import { encodeRecord } from "../../lib/wire/records.ts";
import { concatBytes, fromLatin1 } from "../support/bytes.ts";
import { readAnswer } from "../support/fake_request.ts";
import { messagesIn, PolledProcess } from "../support/polled_process.ts";
import { readBody } from "../support/read_body.ts";
import { assertText, OTHER_KEY, RelayWorld, type Visitor } from "../support/relay_world.ts";
import { turn } from "../support/turn.ts";

const OK = { status: 200, headers: [] };

async function assertAnswers(
  process: PolledProcess,
  id: string,
  { answer, request }: Visitor,
): Promise<void> {
  assertEquals((await process.say(encodeAnswer(id, OK, fromLatin1(id)))).status, 204);
  assertEquals(await readAnswer(await answer), id);
  request.finish("delivered");
}

function assertAllOver({ state, clock }: RelayWorld): void {
  state.sessions.endAll("stopped");
  assertEquals(clock.pendingCount, 0);
}

Deno.test("poll: is held until there is something to say, at most 8 s", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const held = process.poll();
  world.clock.advance(MODERN_PARK_MS - 1);
  let isAnswered = false;
  void held.answer.then(() => isAnswered = true);
  await turn();
  assertEquals(isAnswered, false);
  world.clock.advance(1);
  const { status, body } = await held.answer;
  assertEquals([status, body], [204, null]);
  const next = process.poll();
  const visitor = world.visit("/servers/alpha/x?q");
  const answer = await next.answer;
  assertEquals(headerValue(answer.headers, "cache-control"), "no-store");
  assertEquals(headerValue(answer.headers, "content-type"), "application/octet-stream");
  const [message, ...more] = messagesIn(await readBody(answer.body));
  assert(message?.type === "request" && more.length === 0);
  assertEquals(message.request.target, "/x?q");
  await assertAnswers(process, message.request.id, visitor);
  assertAllOver(world);
});

Deno.test("poll: what comes in one turn travels together, and what waits for a poll in order", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const held = process.poll();
  const visitors = ["/a", "/b", "/c"].map((path) => world.visit(`/servers/alpha${path}`));
  const targets = (await process.take(held)).map((one) =>
    one.type === "request" ? one.request.target : one.type
  );
  assertEquals(targets, ["/a", "/b", "/c"]);
  // Nobody polls: they wait for whoever takes them.
  visitors.push(world.visit("/servers/alpha/d"));
  for (const { request } of visitors.slice(0, 2)) request.finish("cut");
  await turn();
  assertEquals((await process.take(process.poll())).map(({ type }) => type), [
    "cancel",
    "cancel",
    "request",
  ]);
  for (const { request } of visitors) request.finish("cut");
  await turn();
  assertAllOver(world);
});

Deno.test("poll: a newer one takes the place of one that is held, which gets 204", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const first = process.poll();
  const second = process.poll();
  assertEquals((await first.answer).status, 204);
  const visitor = world.visit("/servers/alpha/x");
  const [message] = await process.take(second);
  assert(message?.type === "request");
  await assertAnswers(process, message.request.id, visitor);
  assertAllOver(world);
});

Deno.test("poll: one whose connection is gone is given nothing", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const gone = process.poll();
  gone.request.finish("cut");
  const visitor = world.visit("/servers/alpha/x");
  assertEquals((await gone.answer).status, 204);
  const [message] = await process.take(process.poll());
  assert(message?.type === "request");
  await assertAnswers(process, message.request.id, visitor);
  assertAllOver(world);
});

Deno.test("poll: exchanges in an answer that was lost get 502, others go on, and none is given again", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const kept = world.visit("/servers/alpha/kept");
  const { id } = await process.takeRequest();
  const lost = ["/a", "/b"].map((path) => world.visit(`/servers/alpha${path}`));
  const answer = await process.poll().answer;
  assertEquals(messagesIn(await readBody(answer.body)).length, 2);
  // It has not come: the number is the one before.
  const again = process.poll();
  for (const { answer: told, request } of lost) {
    await assertText(told, 502, "broke before it answered");
    request.finish("delivered");
  }
  // They may have come all the same, so the process is told.
  assertEquals((await process.take(again)).map(({ type }) => type), ["cancel", "cancel"]);
  const next = world.visit("/servers/alpha/next");
  const request = await process.takeRequest();
  assertEquals(request.target, "/next");
  await assertAnswers(process, id, kept);
  await assertAnswers(process, request.id, next);
  assertEquals(world.logged("WARN"), []);
  assertAllOver(world);
});

Deno.test("poll: of an answer that was lost all but the exchanges is said again", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const gone = world.visit("/servers/alpha/gone");
  const { id } = await process.takeRequest();
  const lost = world.visit("/servers/alpha/lost");
  gone.request.finish("cut");
  const probe = process.ask("probe", { body: encodeRecord(DATA, new Uint8Array(16)) });
  assertEquals((await process.say(encodeLeave())).status, 204);
  assertEquals((await probe).status, 204);
  const answer = await process.poll().answer;
  const said = messagesIn(await readBody(answer.body));
  assertEquals(said.map(({ type }) => type).toSorted(), ["cancel", "last", "seen"]);
  // Twice, to be sure.
  assertEquals((await process.poll().answer).status, 200);
  assertEquals(await process.take(process.poll()), said);
  assertEquals(said.find(({ type }) => type === "cancel"), { type: "cancel", id });
  lost.request.finish("cut");
  await Promise.all([gone.answer, lost.answer]);
  assertAllOver(world);
});

Deno.test("messages: the last number once more is answered again, and otherwise ignored", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const visitor = world.visit("/servers/alpha/x");
  const { id } = await process.takeRequest();
  const answer = encodeAnswer(id, OK, fromLatin1("once"));
  // Taken twice, the second would be a violation.
  for (let i = 0; i < 3; i++) {
    assertEquals((await process.ask("messages/1", { body: answer })).status, 204);
  }
  // Whatever it is.
  assertEquals((await process.ask("messages/1", { body: encodeLeave() })).status, 204);
  assertEquals((await process.ask("messages/1", { body: new Uint8Array(9) })).status, 204);
  assertEquals((await process.ask("messages/2", { body: encodePing() })).status, 204);
  assertEquals(await process.take(process.poll()), [{ type: "pong" }]);
  assertEquals(await readAnswer(await visitor.answer), "once");
  visitor.request.finish("delivered");
  assertEquals(world.logged("WARN"), []);
  assertAllOver(world);
});

Deno.test("messages: two of the same number at once are taken once", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const bodies = [new PassThrough(), new PassThrough()];
  const replies = bodies.map((body) => process.ask("messages/1", { body }));
  for (const body of bodies) body.write(encodePing());
  await turn();
  for (const body of bodies) body.end();
  for (const reply of replies) assertEquals((await reply).status, 204);
  assertEquals(await process.take(process.poll()), [{ type: "pong" }]);
  assertAllOver(world);
});

Deno.test("messages: one whose request breaks off is not taken, and can be sent again", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const body = new PassThrough();
  const broken = process.ask("messages/1", { body });
  body.write(encodeLeave());
  await turn();
  body.destroy(new ClosedError("The peer is gone"));
  assertEquals((await broken).status, 400);
  assertEquals((await process.ask("messages/1", { body: encodePing() })).status, 204);
  assertEquals(await process.take(process.poll()), [{ type: "pong" }]);
  assertEquals(world.logged("WARN"), []);
  assertAllOver(world);
});

Deno.test("messages: none at all are no violation", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  assertEquals((await process.say()).status, 204);
  assertAllOver(world);
});

Deno.test("session: is lost when no poll has been held for 8 s, noticed within 10 s", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const visitor = world.visit("/servers/alpha/x");
  await process.takeRequest();
  world.clock.advance(7_999);
  const held = process.poll();
  world.clock.advance(MODERN_PARK_MS);
  assertEquals((await held.answer).status, 204);
  world.clock.advance(7_999);
  assertEquals(world.state.sessions.of("alpha").length, 1);
  // Messages alone do not keep it.
  assertEquals((await process.say(encodePing())).status, 204);
  world.clock.advance(2_001);
  await assertText(visitor.answer, 502, "broke");
  await assertText(process.poll().answer, 410, "over");
  visitor.request.finish("delivered");
  assertAllOver(world);
});

Deno.test("session: a new one of the process ends the one that it has lost, and no other", async () => {
  const world = new RelayWorld();
  const id = "01KVR8V0P6GQ4ZB7M3E9T5XAWC";
  const lost = await PolledProcess.open(world, { process: id });
  const visitor = world.visit("/servers/alpha/x");
  await lost.takeRequest();
  const held = lost.poll();
  const other = await PolledProcess.open(world);
  // The same id under another name is another process.
  const stranger = await PolledProcess.open(world, { name: "beta", key: OTHER_KEY, process: id });
  await PolledProcess.open(world, { process: id });
  await assertText(visitor.answer, 502, "broke");
  visitor.request.finish("delivered");
  await assertText(held.answer, 410, "taken over");
  for (const { session } of [other, stranger]) assert(world.state.sessions.find(session));
  assertAllOver(world);
});

Deno.test("session: one that is named gets LAST and goes on, as one that has said LEAVE does", async () => {
  const world = new RelayWorld();
  const id = "01KVR8V0P6GQ4ZB7M3E9T5XAWC";
  const first = await PolledProcess.open(world, { process: id });
  const visitor = world.visit("/servers/alpha/x");
  const request = await first.takeRequest();
  const held = first.poll();
  const second = await PolledProcess.open(world, { process: id, successorOf: first.session });
  assertEquals(await first.take(held), [{ type: "last" }]);
  const next = world.visit("/servers/alpha/next");
  const old = first.poll();
  // It is leaving now, so a third one that names nobody ends only the second.
  const third = await PolledProcess.open(world, { process: id });
  assertEquals(world.state.sessions.find(second.session), undefined);
  const taken = await third.takeRequest();
  assertEquals(taken.target, "/next");
  await assertAnswers(first, request.id, visitor);
  await assertAnswers(third, taken.id, next);
  old.request.finish("cut");
  await old.answer;
  assertAllOver(world);
});

Deno.test("session: a successor of another process, or of nobody's, ends no other process", async () => {
  const world = new RelayWorld();
  const other = await PolledProcess.open(world);
  const held = other.poll();
  await PolledProcess.open(world, { successorOf: other.session });
  await PolledProcess.open(world, { successorOf: "nosuch" });
  let isAnswered = false;
  void held.answer.then(() => isAnswered = true);
  await turn();
  assertEquals(isAnswered, false);
  assertAllOver(world);
});

Deno.test("session: LEAVE is answered by LAST, once, and no further exchange is given", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const visitor = world.visit("/servers/alpha/x");
  const { id } = await process.takeRequest();
  const held = process.poll();
  assertEquals((await process.say(encodeLeave(), encodeLeave())).status, 204);
  assertEquals(await process.take(held), [{ type: "last" }]);
  const late = process.poll();
  const next = world.visit("/servers/alpha/next");
  world.clock.advance(MODERN_PARK_MS);
  assertEquals(await process.take(late), []);
  await assertAnswers(process, id, visitor);
  world.clock.advance(10_000);
  await assertText(next.answer, 503, "not connected");
  assertAllOver(world);
});

Deno.test("session: one that leaves with nothing in hand is over when its poll is", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const visitor = world.visit("/servers/alpha/x");
  const { id } = await process.takeRequest();
  const held = process.poll();
  await process.say(encodeLeave());
  await process.take(held);
  const early = process.poll();
  early.request.finish("cut");
  await process.take(early);
  assert(world.state.sessions.find(process.session));
  await assertAnswers(process, id, visitor);
  const late = process.poll();
  late.request.finish("cut");
  await process.take(late);
  assertEquals(world.state.sessions.find(process.session), undefined);
  assertAllOver(world);
});

Deno.test("session: a name that is taken away, or gets another key, ends it by 410", async () => {
  for (const isGone of [true, false]) {
    const world = new RelayWorld();
    const process = await PolledProcess.open(world);
    const visitor = world.visit("/servers/alpha/x");
    await process.takeRequest();
    const held = process.poll();
    const waiting = world.visit("/servers/alpha/waiting");
    await process.take(held);
    const poll = process.poll();
    const entry = { name: "alpha", tripcode: "another", displayName: "alpha" };
    world.state.registry.update(isGone ? [] : [entry]);
    await assertText(poll.answer, 410, "does not know this name");
    for (const { answer, request } of [visitor, waiting]) {
      await assertText(answer, 502, "broke");
      request.finish("delivered");
    }
    await assertText(process.say(encodePing()), 410, "over");
    assertAllOver(world);
  }
});

Deno.test("session: as many messages wait as one answer may hold; a process that reads none is cut off", async () => {
  const world = new RelayWorld();
  const process = await PolledProcess.open(world);
  const flood = concatBytes(Array.from({ length: 60_000 }, encodePing));
  assertEquals((await process.say(flood)).status, 204);
  await assertText(process.say(flood), 400, "are not read");
  await assertText(process.poll().answer, 410, "");
  assertEquals(world.logged("WARN").length, 1);
  assertAllOver(world);
});
