/** Which way a session opens, and when another is tried (docs/protocol.md, "Negotiation"). */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  CONTROL_RETRY_MS,
  MAX_CONTROL_RETRY_MS,
  PING_INTERVAL_MS,
  WELCOME_TIMEOUT_MS,
} from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { createId } from "../../lib/wire/create_id.ts";
import {
  encodeCancel,
  encodeLast,
  encodePong,
  encodeRequest,
  encodeWelcome,
} from "../../lib/wire/modern_messages.ts";
import { encodeClose } from "../../lib/wire/websocket.ts";
import { fromLatin1, ID } from "../support/bytes.ts";
import { DOWN, FakeSocket, type OpenReply } from "../support/fake_relay.ts";
import { Gate } from "../support/gate.ts";
import { LinkWorld, PROCESS } from "../support/link_world.ts";

/** A connection on which a relay says its welcome. */
function welcoming(session = ID): FakeSocket {
  const socket = new FakeSocket();
  void socket.say(encodeWelcome(session, "home.relay.test"));
  return socket;
}

function requestOf(id: string, target = "/x"): Uint8Array {
  return encodeRequest({
    ...{ id, method: "GET", target, address: "", headers: [] },
    ...{ body: new Uint8Array(), wantsUpgrade: false },
  });
}

Deno.test("ModernLink opens a control channel where that gets through, and nothing else", async () => {
  const world = new LinkWorld();
  const socket = welcoming();
  world.control = () => socket;
  await world.run();
  assertEquals(world.open, [{ transport: "control channel", host: "home.relay.test" }]);
  assertEquals(world.relay.of("session/"), []);
  const [{ headers = [] } = {}] = world.relay.opened;
  assertEquals(headerValue(headers, "x-ptth-process"), PROCESS);
  // It looks for nothing better.
  for (let i = 0; i < 100; i++) {
    world.clock.advance(PING_INTERVAL_MS);
    await socket.say(encodePong());
  }
  assertEquals(world.attempts, [0]);
  await world.stop();
  assertEquals(world.end, { kind: "lost", reason: "stopped" });
});

const BLOCKS: readonly (readonly [what: string, reply: () => OpenReply, reason: string])[] = [
  ["426 of a relay", () => ({ status: 426, headers: ["X-PTTH-Modern", "1"] }), "takes the upgrade"],
  ["426 of a proxy", () => ({ status: 426 }), "wants another protocol"],
  ["200", () => ({ status: 200 }), "the answer is 200"],
  ["404", () => ({ status: 404 }), "the answer is 404"],
  ["502", () => ({ status: 502 }), "the answer is 502"],
  ["nothing", () => DOWN, "Cannot reach relay"],
  [
    "another WebSocket",
    () => Object.assign(new FakeSocket(), { protocol: "chat" }),
    "no WebSocket",
  ],
  ["no welcome, but CANCEL", () => saying(encodeCancel(ID)), "The welcome is missing"],
  ["no WebSocket behind 101", () => sending(fromLatin1("<html>")), "broke the protocol"],
  ["a close", () => sending(encodeClose(1013, "later", false)), "later"],
  ["an end", () => new FakeSocket().destroy(), "the connection was lost"],
];

function saying(record: Uint8Array): FakeSocket {
  const socket = new FakeSocket();
  void socket.say(record);
  return socket;
}

function sending(bytes: Uint8Array): FakeSocket {
  const socket = new FakeSocket();
  socket.push(bytes);
  return socket;
}

for (const [what, reply, reason] of BLOCKS) {
  Deno.test(`ModernLink takes to long polls where a control channel brings ${what}`, async () => {
    const world = new LinkWorld();
    const answer = reply();
    world.control = () => answer;
    await world.run();
    assertEquals(world.open, [{ transport: "long poll", host: "home.relay.test" }]);
    const [line = "", ...more] = world.lines.filter((line) => line.startsWith("INFO "));
    assertStringIncludes(line, "No control channel: long polls are used");
    assertStringIncludes(line, reason);
    assertEquals(more, []);
    if (answer instanceof FakeSocket) assertEquals(answer.destroyed, true);
    assertEquals(
      headerValue(world.relay.of("session/")[0]?.headers ?? [], "x-ptth-process"),
      PROCESS,
    );
    await world.stop();
  });
}

Deno.test("ModernLink takes to long polls where no welcome comes within 5 s", async () => {
  const world = new LinkWorld();
  const socket = new FakeSocket();
  world.control = () => socket;
  await world.run();
  world.clock.advance(WELCOME_TIMEOUT_MS - 1);
  await world.settle();
  assertEquals([world.open, socket.destroyed], [[], false]);
  world.clock.advance(1);
  await world.settle();
  assertEquals(world.open.map(({ transport }) => transport), ["long poll"]);
  assertEquals(socket.destroyed, true);
  assertStringIncludes(world.lines.join("\n"), "no welcome came");
  // A welcome that comes now is for nobody.
  await socket.say(encodeWelcome(ID, undefined));
  assertEquals(world.open.length, 1);
  await world.stop();
});

for (const [status, kind] of [[401, "refused"], [503, "trouble"]] as const) {
  Deno.test(`ModernLink tries nothing else where a control channel brings ${status}`, async () => {
    const world = new LinkWorld();
    world.control = () => ({ status });
    await world.run();
    assertEquals(world.end?.kind, kind);
    assertEquals([world.open, world.relay.of("session/")], [[], []]);
    assertEquals(world.clock.pendingCount, 0);
  });
}

for (
  const [what, reply, kind] of [
    ["404", { status: 404 }, "blocked"],
    ["502", { status: 502 }, "blocked"],
    ["401", { status: 401 }, "refused"],
    ["503", { status: 503 }, "trouble"],
    ["nothing", DOWN, "trouble"],
    ["a page", { body: fromLatin1("<!DOCTYPE html>") }, "trouble"],
    ["an empty answer", {}, "trouble"],
  ] as const
) {
  Deno.test(`ModernLink is at its end, "${kind}", where a long poll brings ${what} too`, async () => {
    const world = new LinkWorld();
    world.poll = () => reply;
    await world.run();
    assertEquals(world.end?.kind, kind);
    assertEquals(world.open, []);
    assertEquals(world.clock.pendingCount, 0);
  });
}

Deno.test("ModernLink tries a control channel again after 1, 2, 4 … 60 minutes, and tells nobody", async () => {
  const world = new LinkWorld();
  await world.run();
  await world.pass(5 * 3_600_000);
  const gaps = world.attempts.slice(1).map((time, i) => time - (world.attempts[i] ?? 0));
  const minutes = gaps.map((gap) => gap / CONTROL_RETRY_MS);
  assertEquals(minutes.slice(0, 8), [1, 2, 4, 8, 16, 32, 60, 60]);
  assertEquals(Math.max(...gaps), MAX_CONTROL_RETRY_MS);
  // It is the same session all the time.
  assertEquals(world.open.length, 1);
  assertEquals(world.relay.of("session/").length, 1);
  await world.stop();
});

Deno.test("ModernLink goes over to a control channel that opens later, and loses nothing of the old session", async () => {
  const world = new LinkWorld();
  const gate = new Gate();
  world.handler = async ({ target }) => {
    if (target === "/old") await gate.pass();
    return textAnswer(200, "hello");
  };
  await world.run();
  const old = createId();
  world.held.answer({ body: requestOf(old, "/old") });
  await gate.reached;
  const socket = welcoming("01KVR8V0P6GQ4ZB7M3E9T5XAWE");
  world.control = () => socket;
  await world.pass(CONTROL_RETRY_MS);
  assertEquals(world.open.map(({ transport }) => transport), ["long poll", "control channel"]);
  const [first, second] = world.relay.opened.filter(({ path }) => path.startsWith("control/"));
  assertEquals(headerValue(first?.headers ?? [], "x-ptth-successor-of"), undefined);
  assertEquals(headerValue(second?.headers ?? [], "x-ptth-successor-of"), ID);
  assertEquals(headerValue(second?.headers ?? [], "x-ptth-process"), PROCESS);
  // The old one takes its leave, and its exchange is answered there.
  assertEquals(await world.said(), ["leave"]);
  world.held.answer({ body: encodeLast() });
  const id = createId();
  await socket.say(requestOf(id));
  await world.settle();
  assertEquals(socket.messages.filter(({ type }) => type === "answer").length, 1);
  let isIdle = false;
  void world.link.whenIdle().then(() => isIdle = true);
  await world.settle();
  assertEquals(isIdle, false);
  gate.open();
  await world.settle();
  assertEquals(await world.said(), ["leave", "answer"]);
  await world.settle();
  assertEquals([isIdle, world.held.signal.aborted], [true, true]);
  await world.stop();
});

Deno.test("ModernLink is at its end when its session is lost, and what goes on is waited for", async () => {
  const world = new LinkWorld();
  const socket = welcoming();
  world.control = () => socket;
  await world.run();
  await socket.say(requestOf(ID));
  socket.destroy();
  await world.settle();
  assertEquals(world.end, { kind: "lost", reason: "the connection was lost" });
  await world.link.whenIdle();
  assertEquals(world.clock.pendingCount, 0);
});

Deno.test("ModernLink notices that its session is lost while it tries a control channel", async () => {
  for (const comes of ["nothing", "better"] as const) {
    const world = new LinkWorld();
    await world.run();
    const socket = new FakeSocket();
    world.control = () => socket;
    await world.pass(CONTROL_RETRY_MS);
    assertEquals(world.attempts.length, 2);
    world.held.answer({ status: 410 });
    await world.settle();
    assertEquals(world.end, undefined);
    if (comes === "better") {
      await socket.say(encodeWelcome(ID, undefined));
      await world.settle();
      assertEquals(world.open.map(({ transport }) => transport), ["long poll", "control channel"]);
      await world.stop();
    } else {
      world.clock.advance(WELCOME_TIMEOUT_MS);
      await world.settle();
      assertEquals(world.end, { kind: "lost", reason: "the answer is 410" });
      assertEquals(world.open.length, 1);
      assertEquals(world.clock.pendingCount, 0);
    }
  }
});

Deno.test("ModernLink takes its leave when it is to stop: LEAVE, LAST, the exchanges, then the end", async () => {
  const world = new LinkWorld();
  const gate = new Gate();
  world.handler = async () => {
    await gate.pass();
    return textAnswer(200, "hello");
  };
  const socket = welcoming();
  world.control = () => socket;
  await world.run();
  await socket.say(requestOf(ID));
  await gate.reached;
  world.stopping.abort();
  await world.settle();
  assertEquals(socket.messages.map(({ type }) => type), ["leave"]);
  await socket.say(encodeLast());
  assertEquals([world.end, socket.goodbye], [undefined, undefined]);
  gate.open();
  await world.settle();
  assertEquals(socket.messages.map(({ type }) => type), ["leave", "answer"]);
  assertEquals(socket.goodbye, { code: 1000, reason: "" });
  assertEquals(world.end, { kind: "lost", reason: "stopped" });
  assertEquals(world.clock.pendingCount, 0);
});

Deno.test("ModernLink stops while it opens: before an answer, and before a welcome", async () => {
  for (const reply of ["held", new FakeSocket()] as const) {
    const world = new LinkWorld();
    world.control = () => reply;
    world.poll = () => "held";
    await world.run();
    await world.stop();
    assertEquals(world.open, []);
    if (reply instanceof FakeSocket) assertEquals(reply.destroyed, true);
  }
});
