/** A session at the server's end: what the relay says, and what it may say wrong. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { PassThrough } from "node:stream";
import { ClosedError, ProtocolError } from "../../lib/base/errors.ts";
import { MAX_ACTIVE_EXCHANGES } from "../../lib/base/limits.ts";
import type { HttpAnswer } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { createId } from "../../lib/wire/create_id.ts";
import {
  encodeCancel,
  encodeLast,
  encodePing,
  encodePong,
  encodeRequest,
  encodeSeen,
} from "../../lib/wire/modern_messages.ts";
import { encodeEmptyRecord } from "../../lib/wire/records.ts";
import { concatBytes, fromLatin1, ID, toHex } from "../support/bytes.ts";
import { SESSION, SessionWorld, WELCOME } from "../support/session_world.ts";
import { turn } from "../support/turn.ts";

/** Never aborts. */
const patience = new AbortController().signal;

Deno.test("ModernSession tells the welcome, and begins to probe the path", async () => {
  const world = new SessionWorld();
  assertEquals(world.session.path, undefined);
  world.session.receive(WELCOME);
  assertEquals(await world.session.welcome, { session: SESSION, host: "home.relay.test" });
  assertEquals(world.session.id, SESSION);
  assertEquals(world.relay.asked.map(({ path }) => path), [`probe/${SESSION}`, `probe/${SESSION}`]);
  await world.end();
});

for (
  const [what, record] of [
    [
      "REQUEST",
      encodeRequest({
        ...{ id: ID, method: "GET", target: "/", address: "", headers: [] },
        ...{ body: new Uint8Array(), wantsUpgrade: false },
      }),
    ],
    ["CANCEL", encodeCancel(ID)],
    ["LAST", encodeLast()],
    ["SEEN", encodeSeen(new Uint8Array(16))],
    ["PONG", encodePong()],
  ] as const
) {
  Deno.test(`ModernSession takes no ${what} before the welcome`, async () => {
    const world = new SessionWorld();
    assertThrows(() => world.session.receive(record), ProtocolError, "The welcome is missing");
    assertEquals(world.requests, []);
    world.session.end("the relay broke the protocol");
    await assertRejects(() => world.session.welcome, ClosedError, "broke the protocol");
    assertEquals(await world.session.over, "the relay broke the protocol");
  });
}

Deno.test("ModernSession takes one welcome, and no message that a relay may not send", async () => {
  const world = await SessionWorld.start();
  assertThrows(() => world.session.receive(WELCOME), ProtocolError, "A second welcome");
  for (
    const [record, reason] of [
      [encodePing(), "type 15 may not come here"],
      [encodeEmptyRecord(0x7f), "type 7f may not come here"],
      [encodeEmptyRecord(0x22), "type 22 may not come here"],
      [concatBytes([encodeLast(), encodeLast().subarray(0, 3)]), "cut short"],
    ] as const
  ) {
    assertThrows(() => world.session.receive(record), ProtocolError, reason);
  }
  await world.end();
});

Deno.test("ModernSession answers a request, whole and at once where that is small", async () => {
  const world = await SessionWorld.start();
  world.handler = async (request) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request.body ?? []) chunks.push(chunk);
    return textAnswer(201, toHex(concatBytes(chunks)));
  };
  const id = world.give(ID, { method: "PUT", target: "/a?b", body: fromLatin1("hi") });
  await world.session.whenIdle();
  const [request] = world.requests;
  assertEquals([request?.method, request?.target, request?.bodyLength], ["PUT", "/a?b", 2]);
  assertEquals(request?.remoteAddress, "192.0.2.1");
  assertEquals(await request?.finished, "delivered");
  const [said, ...more] = world.channel.said;
  assert(said?.type === "answer" && more.length === 0);
  assertEquals([said.id, said.head.status, toHex(said.body)], [
    id,
    201,
    toHex(fromLatin1("6869\n")),
  ]);
  await world.end();
});

Deno.test("ModernSession does not take the same exchange twice", async () => {
  const world = await SessionWorld.start();
  world.give(ID);
  assertThrows(() => world.give(ID), ProtocolError, "An exchange was given twice");
  assertEquals(world.requests.length, 1);
  await world.end();
});

Deno.test("ModernSession aborts what is cancelled, and says nothing more of it", async () => {
  const world = await SessionWorld.start();
  const [first, second] = [world.give(), world.give()];
  world.session.receive(concatBytes([encodeCancel(first), encodeCancel(createId())]));
  assertEquals(world.requests.map(({ signal }) => signal.aborted), [true, false]);
  assertEquals(await world.requests[0]?.finished, "cut");
  // Too late to matter, and once more.
  world.session.receive(encodeCancel(first));
  await turn();
  assertEquals([world.channel.said, world.lines.filter((line) => line.includes("cut"))], [[], []]);
  world.session.receive(encodeCancel(second));
  await world.end();
});

Deno.test("ModernSession gives up the body of an answer that comes after its cancellation", async () => {
  const world = await SessionWorld.start();
  const { promise, resolve } = Promise.withResolvers<HttpAnswer>();
  world.handler = () => promise;
  world.session.receive(encodeCancel(world.give()));
  const body = new PassThrough();
  resolve({ status: 200, headers: [], body });
  await turn();
  assertEquals(body.destroyed, true);
  assertEquals(world.channel.said, []);
  await world.end();
});

Deno.test("ModernSession says FAIL where there is no answer: it cannot be encoded, its body fails, all is given up", async () => {
  const world = await SessionWorld.start();
  const answers: HttpAnswer[] = [
    { status: 200, headers: ["X", "\u0100"], body: null },
    { status: 200, headers: ["X", "a".repeat(70_000)], body: null },
    { status: 200, headers: ["Content-Length", "5"], body: new PassThrough().end("four") },
  ];
  for (const answer of answers) {
    world.handler = () => answer;
    const id = world.give();
    await world.session.whenIdle();
    assertEquals(world.channel.said.splice(0), [{ type: "fail", id }]);
  }
  assertEquals(world.lines.filter((line) => line.startsWith("WARN Answer was cut")).length, 3);
  world.handler = () => new Promise(() => {});
  const id = world.give();
  world.working.abort();
  await world.session.whenIdle();
  assertEquals(world.channel.said, [{ type: "fail", id }]);
  await world.end();
});

Deno.test("ModernSession answers 500 where the handler throws", async () => {
  const world = await SessionWorld.start();
  world.handler = () => Promise.reject(new Error("broken"));
  world.give();
  await world.session.whenIdle();
  const [said] = world.channel.said;
  assertEquals(said?.type === "answer" && said.head.status, 500);
  assertEquals(world.lines.filter((line) => line.startsWith("ERROR Handler failed")).length, 1);
  await world.end();
});

Deno.test("ModernSession answers 503 to more than it may have in hand, and takes more when it has less", async () => {
  const world = await SessionWorld.start();
  for (let i = 0; i < MAX_ACTIVE_EXCHANGES; i++) world.give();
  const id = world.give();
  assertEquals(world.requests.length, MAX_ACTIVE_EXCHANGES);
  const [said] = world.channel.said;
  assert(said?.type === "answer" && said.id === id);
  assertEquals(said.head.status, 503);
  const { headers } = said.head;
  assertEquals(headers[headers.indexOf("Retry-After") + 1], "5");
  assertEquals(
    headers[headers.indexOf("Proxy-Status") + 1],
    "ptth_server; error=connection_limit_reached",
  );
  // It was never in hand, so it can be given once more.
  world.session.receive(encodeCancel(world.give(id)));
  world.requests[0]?.signal.addEventListener("abort", () => {});
  world.working.abort();
  await world.session.whenIdle();
  await world.end();
});

Deno.test("ModernSession lost: what is at work, or in segments, ends; a stream of its own goes on", async () => {
  for (const up of ["streams", "segments"] as const) {
    const world = await SessionWorld.start(up);
    world.relay.reply = () => "held";
    const body = new PassThrough();
    world.handler = ({ target }) =>
      target === "/stream" ? { status: 200, headers: [], body } : new Promise(() => {});
    world.give(createId(), { target: "/hold" });
    const id = world.give(createId(), { target: "/stream" });
    body.write("some");
    // Its end is waited for a moment, in case it is a small one; and a segment for more bytes.
    await world.pass(300);
    const [upload] = world.relay.of(`answer/${SESSION}/${id}`);
    assert(upload !== undefined);
    world.session.end("lost");
    assertEquals(world.requests.map(({ signal }) => signal.aborted), [true, up === "segments"]);
    if (up === "segments") assertEquals(body.destroyed, true);
    else {
      body.end("more");
      assertEquals(await upload.whole, true);
      upload.answer({ status: 200 });
      assertEquals(await world.requests[1]?.finished, "delivered");
    }
    await world.session.whenIdle();
    await world.end();
  }
});

Deno.test("ModernSession leaves in order: LEAVE, LAST, the exchanges' ends, and then the close", async () => {
  const world = await SessionWorld.start();
  const answers = new Map<string, (answer: HttpAnswer) => void>();
  world.handler = ({ target }) => new Promise((resolve) => answers.set(target, resolve));
  world.give(createId(), { target: "/before" });
  let hasLeft = false;
  const left = world.session.leave(patience).then(() => hasLeft = true);
  assertEquals(world.channel.said, [{ type: "leave" }]);
  // It was on the way.
  world.give(createId(), { target: "/between" });
  answers.get("/before")?.(textAnswer(200, "before"));
  await turn();
  assertEquals([hasLeft, world.channel.closings], [false, 0]);
  world.session.receive(encodeLast());
  await turn();
  assertEquals([hasLeft, world.channel.closings], [false, 0]);
  answers.get("/between")?.(textAnswer(200, "between"));
  await left;
  assertEquals(world.channel.closings, 1);
  assertEquals(world.channel.said.map(({ type }) => type), ["leave", "answer", "answer"]);
  assertEquals(await world.session.over, "closed");
  await world.end();
});

Deno.test("ModernSession waits for LAST though it has nothing in hand: more may be on the way", async () => {
  const world = await SessionWorld.start();
  const left = world.session.leave(patience);
  await turn();
  assertEquals(world.channel.closings, 0);
  world.session.receive(encodeLast());
  await left;
  assertEquals(world.channel.closings, 1);
  await world.end();
});

Deno.test("ModernSession waits for no LAST once its patience ends, nor once it is lost", async () => {
  for (const how of ["aborted", "lost"] as const) {
    const world = await SessionWorld.start();
    const given = world.give();
    const left = world.session.leave(world.working.signal);
    await turn();
    assertEquals(world.channel.closings, 0);
    if (how === "aborted") world.working.abort();
    else world.session.end("lost");
    await left;
    // The relay is told, as far as it can be.
    const said = world.channel.said.filter(({ type }) => type === "fail");
    assertEquals(said, [{ type: "fail", id: given }]);
    assertEquals(world.channel.closings, 1);
    await world.end();
  }
});

Deno.test("ModernSession ignores SEEN of a nonce that is not its own", async () => {
  const world = await SessionWorld.start();
  world.session.receive(encodeSeen(new Uint8Array(16)));
  world.session.receive(concatBytes([encodePong(), encodeLast(), encodeLast()]));
  await world.end();
});
