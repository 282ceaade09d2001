/**
 * Whatever breaks the modern protocol ends the session that it came in, says why, and harms nobody
 * else (docs/protocol.md, "Failures of a session").
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { PassThrough } from "node:stream";
import {
  INTERIM_OVERHEAD_BYTES,
  MAX_BATCH_BYTES,
  MAX_INTERIM_BYTES,
  SEGMENT_BYTES,
} from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { HttpAnswer } from "../../lib/http/message.ts";
import { ANSWER, DATA, END, FAIL, HEAD, INFORM, LEAVE, REQUEST } from "../../lib/wire/modern.ts";
import {
  encodeAnswer,
  encodeInform,
  encodePing,
  encodeStreamHead,
  encodeWelcome,
} from "../../lib/wire/modern_messages.ts";
import { encodeEmptyRecord, encodeRecord } from "../../lib/wire/records.ts";
import { concatBytes, fromHex, fromLatin1, ID, toHex } from "../support/bytes.ts";
import { readAnswer } from "../support/fake_request.ts";
import { PolledProcess } from "../support/polled_process.ts";
import { assertText, OTHER_KEY, RelayWorld, type Visitor } from "../support/relay_world.ts";

const OK = { status: 200, headers: [] };
const NO_BYTES = new Uint8Array();

/** A process that will do wrong, another one of the same name, and one of another name. */
class World extends RelayWorld {
  culprit!: PolledProcess;
  /** An exchange of the culprit whose body can be asked for, and that has no answer. */
  id = "";
  /** Its visitor. */
  victim!: Visitor;
  #others: { process: PolledProcess; id: string; visitor: Visitor }[] = [];

  static async start(): Promise<World> {
    const world = new World();
    world.culprit = await PolledProcess.open(world);
    world.victim = world.visit("/servers/alpha/x", { method: "PUT", body: new PassThrough() });
    world.id = (await world.culprit.takeRequest()).id;
    for (const [name, key] of [["alpha"], ["beta", OTHER_KEY]] as const) {
      const process = await PolledProcess.open(world, {
        name,
        ...key === undefined ? {} : { key },
      });
      const visitor = world.visit(`/servers/${name}/x`);
      world.#others.push({ process, visitor, id: (await process.takeRequest()).id });
    }
    return world;
  }

  /** Expects that the culprit's session has ended for this reason, and nothing else. */
  async assertEnded(reason: string): Promise<void> {
    const answer = await this.victim.answer;
    await assertText(answer, 502, "broke before it answered");
    assertEquals(
      headerValue(answer.headers, "proxy-status"),
      "ptth_relay; error=connection_terminated",
    );
    assertEquals(this.state.sessions.find(this.culprit.session), undefined);
    const [line = "", ...more] = this.logged("WARN");
    assertEquals(more, []);
    assertStringIncludes(line, "Session ended: the server broke the protocol name=alpha");
    assertStringIncludes(line, reason);
    this.victim.request.finish("delivered");
    for (const { process, id, visitor } of this.#others) {
      assertEquals((await process.say(encodeAnswer(id, OK, fromLatin1("fine")))).status, 204);
      assertEquals(await readAnswer(await visitor.answer), "fine");
      visitor.request.finish("delivered");
    }
    this.state.sessions.endAll("stopped");
    assertEquals(this.clock.pendingCount, 0);
  }
}

/** A record that announces a TiB. */
function hugeOf(type: number): Uint8Array {
  return fromHex(`${type.toString(16)} 010000000000 00`);
}

function headOf(status: number, texts = "0000"): Uint8Array {
  return encodeRecord(HEAD, fromHex(`${status.toString(16).padStart(4, "0")} ${texts}`));
}

type Wrong = readonly [what: string, bytes: (id: string) => Uint8Array, reason: string];

const MESSAGES: readonly Wrong[] = [
  ["of an unknown type", () => encodeEmptyRecord(0x7f), "type 7f may not come here"],
  ["of the type 0", () => encodeEmptyRecord(0), "type 00 may not come here"],
  ["of a relay: WELCOME", () => encodeWelcome(ID, undefined), "type 01 may not come here"],
  ["of a relay: REQUEST", () => encodeEmptyRecord(REQUEST), "type 02 may not come here"],
  ["of a stream: HEAD", () => headOf(200), "type 21 may not come here"],
  ["of a stream: DATA", () => encodeEmptyRecord(DATA), "type 22 may not come here"],
  ["that announces a TiB: ANSWER", () => hugeOf(ANSWER), "type 11 is over 262144 bytes"],
  ["that announces a TiB: INFORM", () => hugeOf(INFORM), "type 12 is over 262144 bytes"],
  ["that announces a TiB: FAIL", () => hugeOf(FAIL), "type 13 is over 26 bytes"],
  ["that announces a TiB: LEAVE", () => hugeOf(LEAVE), "type 14 is over 0 bytes"],
  ["that is cut short", (id) => encodeAnswer(id, OK, fromLatin1("x")).subarray(0, -1), "cut short"],
  ["that is cut in its head", () => encodePing().subarray(0, 6), "cut short"],
  ["of a bad id", (id) => encodeAnswer(`-${id.slice(1)}`, OK, NO_BYTES), "there is no id"],
  ["of an odd field", (id) => odd(ANSWER, id), "a field has no value"],
  ["of an odd field: INFORM", (id) => odd(INFORM, id, 103), "a field has no value"],
  ["of status 103: ANSWER", (id) => answerOf(id, 103), "its status is 103"],
  ["of status 101: ANSWER", (id) => answerOf(id, 101), "its status is 101"],
  ["of status 100: INFORM", (id) => informOf(id, 100), "its status is 100"],
  ["of status 101: INFORM", (id) => informOf(id, 101), "its status is 101"],
  ["of status 200: INFORM", (id) => informOf(id, 200), "its status is 200"],
  ["that repeats INFORM without end", (id) => informs(id), "Interim answers without end"],
  [
    "of a body over 64 KiB",
    (id) => encodeAnswer(id, OK, new Uint8Array(64 * 1024 + 1)),
    "body is over 65536 bytes",
  ],
];

function answerOf(id: string, status: number): Uint8Array {
  return encodeAnswer(id, { status, headers: [] }, NO_BYTES);
}

function informOf(id: string, status: number): Uint8Array {
  return encodeInform(id, { status, headers: [] });
}

/** One more than may come, counted with 66 bytes each. */
function informs(id: string): Uint8Array {
  const count = Math.floor(MAX_INTERIM_BYTES / (INTERIM_OVERHEAD_BYTES + 2)) + 1;
  return concatBytes(Array.from({ length: count }, () => informOf(id, 103)));
}

function odd(type: number, id: string, status = 200): Uint8Array {
  const hex = `${toHex(fromLatin1(id))} ${status.toString(16).padStart(4, "0")} 0001 0001 61`;
  return encodeRecord(type, fromHex(hex));
}

for (const [what, bytes, reason] of MESSAGES) {
  Deno.test(`violation: a message ${what}`, async () => {
    const world = await World.start();
    const held = world.culprit.poll();
    const wrong = bytes(world.id);
    // What comes behind it is not looked at, but where it is a part of it.
    const behind = what.includes("cut") ? [] : [answerOf(world.id, 200)];
    const reply = world.culprit.say(encodePing(), wrong, ...behind);
    await assertText(reply, 400, reason);
    await assertText(held.answer, 410, reason);
    await world.assertEnded(reason);
  });
}

Deno.test("violation: messages over 512 KiB, of which no more is read", async () => {
  const world = await World.start();
  const body = new PassThrough();
  const reply = world.culprit.ask("messages/1", { body });
  const pings = concatBytes(Array.from({ length: 1000 }, encodePing));
  let written = 0;
  while (!body.destroyed && written < 4 * MAX_BATCH_BYTES) {
    body.write(pings);
    written += pings.length;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assertEquals(Math.ceil(written / pings.length), Math.ceil((MAX_BATCH_BYTES + 1) / pings.length));
  await assertText(reply, 400, "over 524288 bytes");
  await world.assertEnded("Messages are over 524288 bytes");
});

for (const number of [0, 2, 999_999_999]) {
  Deno.test(`violation: messages out of step, ${number} for 1`, async () => {
    const world = await World.start();
    const body = answerOf(world.id, 200);
    await assertText(world.culprit.ask(`messages/${number}`, { body }), 409, "out of step");
    await world.assertEnded("Messages are out of step");
  });
}

Deno.test("violation: messages older than the last", async () => {
  const world = await World.start();
  for (let i = 0; i < 2; i++) assertEquals((await world.culprit.say(encodePing())).status, 204);
  await assertText(world.culprit.ask("messages/1", { body: encodePing() }), 409, "out of step");
  await world.assertEnded("Messages are out of step");
});

for (const ahead of [1, 2, -2]) {
  Deno.test(`violation: a poll out of step by ${ahead}`, async () => {
    const world = await World.start();
    const { culprit } = world;
    assertEquals((await culprit.say(encodePing())).status, 204);
    assertEquals(await culprit.take(culprit.poll()), [{ type: "pong" }]);
    const held = culprit.poll();
    await assertText(culprit.poll(culprit.received + ahead).answer, 409, "out of step");
    await assertText(held.answer, 410, "out of step");
    await world.assertEnded("A poll is out of step");
  });
}

const ENDED = fromHex("23000000000002 0000");

const STREAMS: readonly Wrong[] = [
  ["without HEAD", () => encodeRecord(DATA, fromLatin1("x")), "type 22 may not come here"],
  ["that ends without HEAD", () => ENDED, "type 23 may not come here"],
  ["of an unknown type", () => encodeEmptyRecord(0x7f), "type 7f may not come here"],
  ["of messages", (id) => answerOf(id, 200), "type 11 may not come here"],
  ["of status 100", () => headOf(100), "has the status 100"],
  ["of status 103", () => headOf(103), "has the status 103"],
  ["of a HEAD that announces a TiB", () => hugeOf(HEAD), "type 21 is over 262144 bytes"],
  ["of a HEAD that is cut short", () => encodeRecord(HEAD, fromHex("00c8")), "it is cut short"],
  ["of an odd field", () => headOf(200, "0001 0001 61"), "a field has no value"],
];

/** Wrong behind a head: the visitor has that already, and is cut. */
const LATE_STREAMS: readonly Wrong[] = [
  ["of two HEADs", () => headOf(200), "type 21 may not come here"],
  ["of an END that announces a TiB", () => hugeOf(END), "type 23 is over 262144 bytes"],
  ["of an odd trailer", () => encodeRecord(END, fromHex("0001 0001 61")), "a field has no value"],
  ["of an ABORT with a payload", () => fromHex("24 000000000001 00"), "type 24 is over 0 bytes"],
  ["of an IDLE with a payload", () => fromHex("25 000000000001 00"), "type 25 is over 0 bytes"],
  ["of bytes behind its END", () => concatBytes([ENDED, ENDED]), "type 23 may not come here"],
];

for (const kind of ["stream", "segment"] as const) {
  const path = (id: string): string => kind === "stream" ? `answer/${id}` : `answer/${id}/0`;

  for (const [what, bytes, reason] of STREAMS) {
    Deno.test(`violation: an answer ${kind} ${what}`, async () => {
      const world = await World.start();
      const reply = world.culprit.ask(path(world.id), { body: bytes(world.id) });
      await world.assertEnded(reason);
      await assertText(reply, 400, reason);
    });
  }

  for (const [what, bytes, reason] of LATE_STREAMS) {
    Deno.test(`violation: an answer ${kind} ${what}`, async () => {
      const world = await World.start();
      const data = encodeRecord(DATA, fromLatin1("some"));
      const body = concatBytes([encodeStreamHead(OK), data, bytes(world.id)]);
      const reply = world.culprit.ask(path(world.id), { body });
      const { status, body: answered } = await world.victim.answer;
      assertEquals(status, 200);
      const isWhole = what.includes("behind its END");
      const read = readAnswer({ status, headers: [], body: answered });
      assertEquals(await read.catch(() => "cut"), isWhole ? "some" : "cut");
      world.victim.request.finish(isWhole ? "delivered" : "cut");
      await assertText(reply, 400, reason);
      assertEquals(world.state.sessions.find(world.culprit.session), undefined);
      assertEquals(world.logged("WARN").length, 1);
      world.state.sessions.endAll("stopped");
    });
  }
}

Deno.test("violation: an answer stream without a body", async () => {
  const world = await World.start();
  const target = `/7ZSFUKGV/modern/answer/${world.culprit.session}/${world.id}`;
  const headers = ["X-ApiKey", "test key of alpha"];
  await assertText(world.get(target, { method: "POST", headers }), 400, "empty");
  await world.assertEnded("An answer stream is empty");
});

const WRONG_REQUESTS: readonly (readonly [
  what: string,
  request: (culprit: PolledProcess, id: string) => Promise<HttpAnswer>,
  status: number,
  reason: string,
])[] = [
  [
    "a first answer segment that is not 0",
    (culprit, id) => culprit.ask(`answer/${id}/1`, { body: encodeStreamHead(OK) }),
    409,
    "egment is out of step",
  ],
  [
    "an answer segment over 64 KiB",
    (culprit, id) => culprit.ask(`answer/${id}/0`, { body: new Uint8Array(SEGMENT_BYTES + 1) }),
    400,
    "A segment is over 65536 bytes",
  ],
  [
    "a first segment of a body that is not 0",
    (culprit, id) => culprit.ask(`body/${id}/1`),
    409,
    "egment is out of step",
  ],
  [
    "a probe whose nonce is too short",
    (culprit) => culprit.ask("probe", { body: encodeRecord(DATA, new Uint8Array(15)) }),
    400,
    "A probe has no nonce",
  ],
  [
    "a probe whose nonce is too long",
    (culprit) => culprit.ask("probe", { body: encodeRecord(DATA, new Uint8Array(17)) }),
    400,
    "type 22 is over 16 bytes",
  ],
  [
    "a probe that announces a TiB",
    (culprit) => culprit.ask("probe", { body: hugeOf(DATA) }),
    400,
    "",
  ],
  [
    "a probe of another record",
    (culprit) => culprit.ask("probe", { body: encodePing() }),
    400,
    "type 15 may not come here",
  ],
  [
    "an ANSWER behind the beginning of an answer in segments",
    async (culprit, id) => {
      const began = culprit.ask(`answer/${id}/0`, { body: headOf(200).subarray(0, 3) });
      assertEquals((await began).status, 204);
      return await culprit.say(answerOf(id, 200));
    },
    400,
    "A second answer to an exchange",
  ],
];

for (const [what, request, status, reason] of WRONG_REQUESTS) {
  Deno.test(`violation: ${what}`, async () => {
    const world = await World.start();
    await assertText(request(world.culprit, world.id), status, reason);
    await world.assertEnded(reason);
  });
}

Deno.test("violation: a second ANSWER, in the same POST and in the next", async () => {
  for (const isNext of [false, true]) {
    const world = await World.start();
    const answer = encodeAnswer(world.id, OK, fromLatin1("first"));
    const again = encodeAnswer(world.id, OK, fromLatin1("second"));
    const reply = isNext
      ? (await world.culprit.say(answer), world.culprit.say(again))
      : world.culprit.say(answer, again);
    await assertText(reply, 400, "A second answer");
    // The visitor has the first.
    assertEquals(await readAnswer(await world.victim.answer), "first");
    assertEquals(world.state.sessions.find(world.culprit.session), undefined);
    assertEquals(world.logged("WARN").length, 1);
    world.victim.request.finish("delivered");
    world.state.sessions.endAll("stopped");
  }
});
