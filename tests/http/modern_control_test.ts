/** The control channel, and all that a process may do wrong on it (docs/protocol.md). */

import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { once } from "node:events";
import {
  CHANNEL_SILENCE_MS,
  MAX_BATCH_BYTES,
  MAX_CHANNEL_BACKLOG_BYTES,
  MAX_FRAGMENTS,
} from "../../lib/base/limits.ts";
import {
  encodeAnswer,
  encodeFail,
  encodeInform,
  encodeLeave,
  encodePing,
  encodeWelcome,
} from "../../lib/wire/modern_messages.ts";
import { encodeClose, encodeMessage } from "../../lib/wire/websocket.ts";
import { concatBytes, fromHex, fromLatin1, ID, patternOf, toHex } from "../support/bytes.ts";
import { ControlledProcess, frameOf } from "../support/controlled_process.ts";
import { readAnswer } from "../support/fake_request.ts";
import { assertText, OTHER_KEY, RelayWorld, type Visitor } from "../support/relay_world.ts";
import { turn, until } from "../support/turn.ts";

const OK = { status: 200, headers: [] };

function assertAllOver({ state, clock }: RelayWorld): void {
  state.sessions.endAll("stopped");
  assertEquals(clock.pendingCount, 0);
}

async function ask(
  world: RelayWorld,
  process: ControlledProcess,
  name = "alpha",
): Promise<{ visitor: Visitor; id: string }> {
  const visitor = world.visit(`/servers/${name}/x`);
  return { visitor, id: (await process.takeRequest()).id };
}

async function assertAnswers(
  process: ControlledProcess,
  { visitor, id }: { visitor: Visitor; id: string },
): Promise<void> {
  await process.say(encodeAnswer(id, OK, fromLatin1(id)));
  assertEquals(await readAnswer(await visitor.answer), id);
  visitor.request.finish("delivered");
}

const BINARY = 2;
const PIECE = encodePing();

const VIOLATIONS: readonly (readonly [what: string, bytes: () => Uint8Array, reason: string])[] = [
  ["a text message", () => frameOf(1, fromLatin1("hello")), "A message is not binary"],
  ["an unknown opcode", () => frameOf(3), "A message is not binary"],
  ["an unknown control frame", () => frameOf(11), "unknown opcode 11"],
  ["a frame without a mask", () => frameOf(BINARY, PIECE, { isMasked: false }), "is not masked"],
  ["a pong without a mask", () => frameOf(10, PIECE, { isMasked: false }), "is not masked"],
  ...[1, 2, 4, 7].map((reserved) =>
    [
      `the reserved bits ${reserved}`,
      () => frameOf(BINARY, PIECE, { reserved }),
      "a reserved bit set",
    ] as const
  ),
  ["a continuation of nothing", () => frameOf(0, PIECE), "A fragment is out of place"],
  [
    "a message within another",
    () => concatBytes([frameOf(BINARY, PIECE, { isFinal: false }), frameOf(BINARY, PIECE)]),
    "A fragment is out of place",
  ],
  ["a ping in fragments", () => frameOf(9, PIECE, { isFinal: false }), "fragmented or too long"],
  ["a ping of 126 bytes", () => frameOf(9, new Uint8Array(126)), "fragmented or too long"],
  ["half a close code", () => frameOf(8, new Uint8Array(1)), "half a code"],
  [
    "a message over 512 KiB",
    () => frameOf(BINARY, PIECE, { length: MAX_BATCH_BYTES + 1 }),
    "A message is over 524288 bytes",
  ],
  ["a message of a TiB", () => frameOf(BINARY, PIECE, { length: 2 ** 40 }), "over 524288 bytes"],
  ["a message of 2^62 bytes", () => frameOf(BINARY, PIECE, { length: 2 ** 62 }), "far too long"],
  [
    "fragments over 512 KiB",
    () =>
      concatBytes([
        frameOf(BINARY, new Uint8Array(MAX_BATCH_BYTES), { isFinal: false }),
        frameOf(0, new Uint8Array(1)),
      ]),
    "A message is over 524288 bytes",
  ],
  [
    "too many fragments",
    () =>
      concatBytes([
        frameOf(BINARY, PIECE, { isFinal: false }),
        ...Array.from({ length: MAX_FRAGMENTS }, () => frameOf(0, PIECE, { isFinal: false })),
      ]),
    "more than 1024 fragments",
  ],
  ["an unknown record", () => encodeMessage([fromHex("7f000000000000")], true), "type 7f may not"],
  ["a record of a relay", () => encodeMessage([encodeWelcome(ID, "")], true), "type 01 may not"],
  [
    "a record that announces a TiB",
    () => encodeMessage([fromHex("11 010000000000 00")], true),
    "type 11 is over 262144 bytes",
  ],
  [
    "a record that goes on in the next message",
    () => concatBytes([encodeMessage([PIECE.subarray(0, 3)], true)]),
    "A record is cut short",
  ],
];

for (const [what, bytes, reason] of VIOLATIONS) {
  Deno.test(`violation: ${what} closes the channel by 1002, and harms nobody else`, async () => {
    const world = new RelayWorld();
    const culprit = (await ControlledProcess.open(world)).read();
    const { visitor: victim, id } = await ask(world, culprit);
    const neighbour = (await ControlledProcess.open(world)).read();
    const beside = await ask(world, neighbour);
    const stranger = (await ControlledProcess.open(world, { name: "beta", key: OTHER_KEY })).read();
    const elsewhere = await ask(world, stranger, "beta");
    // What came before counts, what comes behind does not.
    await culprit.send(concatBytes([
      encodeMessage([encodeInform(id, { status: 103, headers: ["Link", "<a>"] })], true),
      bytes(),
      encodeMessage([encodeAnswer(id, OK, fromLatin1("late"))], true),
    ]));
    await culprit.send(encodeMessage([encodeAnswer(id, OK, fromLatin1("later"))], true));
    assertEquals(victim.request.informed, [{ status: 103, headers: ["Link", "<a>"] }]);
    await assertText(victim.answer, 502, "broke before it answered");
    victim.request.finish("delivered");
    assertEquals(culprit.closed?.code, 1002);
    assertStringIncludes(culprit.closed?.reason ?? "", reason);
    assertEquals(culprit.sends.destroyed, true);
    const [line = "", ...more] = world.logged("WARN");
    assertStringIncludes(line, "Session ended: the server broke the protocol name=alpha");
    assertStringIncludes(line, reason);
    assertEquals(more, []);
    assertEquals(world.state.sessions.find(culprit.session), undefined);
    await assertAnswers(neighbour, beside);
    await assertAnswers(stranger, elsewhere);
    assertAllOver(world);
  });
}

Deno.test("control channel: messages come in any chunks and fragments, control frames among them", async () => {
  const world = new RelayWorld();
  const process = (await ControlledProcess.open(world)).read();
  const given = await ask(world, process);
  const answer = encodeAnswer(given.id, OK, patternOf(50_000));
  const bytes = concatBytes([
    frameOf(BINARY, answer.subarray(0, 10), { isFinal: false }),
    frameOf(9, fromLatin1("ping")),
    frameOf(0, answer.subarray(10, 40_000), { isFinal: false }),
    frameOf(10),
    frameOf(0, answer.subarray(40_000)),
  ]);
  for (let at = 0; at < bytes.length; at += 997) await process.send(bytes.subarray(at, at + 997));
  const body = await readAnswer(await given.visitor.answer);
  assertEquals(toHex(fromLatin1(body)), toHex(patternOf(50_000)));
  given.visitor.request.finish("delivered");
  assertAllOver(world);
});

Deno.test("control channel: PING gets PONG, and a WebSocket ping a pong of its payload", async () => {
  const world = new RelayWorld();
  const process = await ControlledProcess.open(world);
  await turn();
  process.gets.read();
  await process.say(encodePing(), encodePing());
  assertEquals(toHex(process.gets.read()), "820e" + "06000000000000".repeat(2));
  await process.send(frameOf(9, fromLatin1("hi")));
  assertEquals(toHex(process.gets.read()), "8a026869");
  assertAllOver(world);
});

Deno.test("control channel: a flood of pings that is read goes on, one that is not is bounded", async () => {
  const floods = [
    concatBytes(Array.from({ length: 5_000 }, () => frameOf(9, new Uint8Array(100)))),
    encodeMessage(Array.from({ length: 50_000 }, encodePing), true),
  ];
  for (const flood of floods) {
    const world = new RelayWorld();
    const reader = (await ControlledProcess.open(world)).read();
    for (let i = 0; i < 5; i++) await reader.send(flood);
    assert(world.state.sessions.find(reader.session));

    const process = await ControlledProcess.open(world, { name: "beta", key: OTHER_KEY });
    for (let i = 0; i < 50 && !process.sends.destroyed; i++) await process.send(flood);
    assertEquals(world.state.sessions.find(process.session), undefined);
    assertLess(process.gets.readableLength, 2 * MAX_BATCH_BYTES);
    process.read();
    await turn();
    assertEquals(process.closed, { code: 1002, reason: "Messages to it are not read" });
    assertEquals(world.logged("WARN").length, 1);
    assertAllOver(world);
  }
});

Deno.test("control channel: is given nothing while 64 KiB wait, and what waits once they are read", async () => {
  const world = new RelayWorld();
  const process = await ControlledProcess.open(world);
  const big = `/servers/alpha/${"a".repeat(15_000)}`;
  const visitors = Array.from({ length: 10 }, () => world.visit(big));
  await turn();
  assertLess(process.gets.readableLength, MAX_CHANNEL_BACKLOG_BYTES + 16 * 1024);
  const other = (await ControlledProcess.open(world)).read();
  await turn();
  // A second process takes what the first one cannot.
  const taken = other.messages.length;
  assert(taken > 0 && taken < 10);
  other.sends.end();
  await turn();
  const more = Array.from({ length: 10 }, () => world.visit(big));
  // Nothing comes from the process; that it reads is enough.
  process.read();
  await until(() => process.messages.length === 20 - taken);
  for (const { request, answer } of [...visitors, ...more]) {
    request.finish("cut");
    await answer;
  }
  assertAllOver(world);
});

Deno.test("control channel: a close, an end and a cut end the session, and its exchanges get 502", async () => {
  const ends: readonly (readonly [string, string, (process: ControlledProcess) => void])[] = [
    ["close", "closed", ({ sends }) => sends.write(encodeClose(1000, "bye", true))],
    ["empty close", "closed", ({ sends }) => sends.write(frameOf(8))],
    ["end", "lost", ({ sends }) => sends.end()],
    ["cut", "lost", ({ request }) => request.finish("cut")],
  ];
  for (const [what, reason, end] of ends) {
    const world = new RelayWorld();
    const process = (await ControlledProcess.open(world)).read();
    const { visitor } = await ask(world, process);
    const ended = once(process.gets, "end");
    end(process);
    await assertText(visitor.answer, 502, "broke");
    visitor.request.finish("delivered");
    await ended;
    assertEquals(process.closed?.code, 1000, what);
    const lines = world.logged("INFO").filter((line) => line.includes("Server disconnected"));
    assertEquals(lines, [
      `INFO Server disconnected name=alpha transport="control channel" reason=${reason}`,
    ]);
    assertEquals(world.logged("WARN"), []);
    assertAllOver(world);
  }
});

Deno.test("control channel: is lost when nothing comes for 8 s, noticed within 10 s", async () => {
  const world = new RelayWorld();
  const process = (await ControlledProcess.open(world)).read();
  const { visitor } = await ask(world, process);
  for (let i = 0; i < 5; i++) {
    world.clock.advance(CHANNEL_SILENCE_MS - 1);
    await process.say(encodePing());
  }
  world.clock.advance(CHANNEL_SILENCE_MS - 1);
  assert(world.state.sessions.find(process.session));
  world.clock.advance(CHANNEL_SILENCE_MS / 4 + 1);
  await assertText(visitor.answer, 502, "broke");
  visitor.request.finish("delivered");
  // Nobody reads any goodbye.
  assertEquals(process.gets.destroyed, true);
  assertEquals(process.closed, undefined);
  assertAllOver(world);
});

Deno.test("control channel: whoever takes over, revokes or stops says so by its close code", async () => {
  const world = new RelayWorld();
  const processes: ControlledProcess[] = [];
  for (const id of [ID, ID, `${ID.slice(1)}Z`]) {
    processes.push((await ControlledProcess.open(world, { process: id })).read());
  }
  world.state.registry.update([]);
  const other = new RelayWorld();
  processes.push((await ControlledProcess.open(other)).read());
  other.state.sessions.endAll("stopped");
  await turn();
  assertEquals(processes.map(({ closed }) => closed), [
    { code: 1008, reason: "Another session of this process has taken over" },
    { code: 1008, reason: "The relay does not know this name with this key any more" },
    { code: 1008, reason: "The relay does not know this name with this key any more" },
    { code: 1001, reason: "The relay has stopped" },
  ]);
  assertAllOver(world);
  assertAllOver(other);
});

Deno.test("control channel: is no long poll", async () => {
  const world = new RelayWorld();
  const { session } = await ControlledProcess.open(world);
  const headers = ["X-ApiKey", "test key of alpha"];
  const poll = world.get(`/7ZSFUKGV/modern/poll/${session}/0`, { headers });
  await assertText(poll, 409, "has a control channel");
  const post = { method: "POST", headers, body: encodePing() };
  await assertText(world.get(`/7ZSFUKGV/modern/messages/${session}/1`, post), 409, "control");
  assert(world.state.sessions.find(session));
  assertAllOver(world);
});

Deno.test("control channel: FAIL is 502, once, and needs no CANCEL; a visitor that leaves needs one", async () => {
  const world = new RelayWorld();
  const process = (await ControlledProcess.open(world)).read();
  const { visitor, id } = await ask(world, process);
  await process.say(encodeFail(id), encodeFail(id));
  await assertText(visitor.answer, 502, "could not answer");
  visitor.request.finish("delivered");
  const other = await ask(world, process);
  other.visitor.request.finish("cut");
  await turn();
  await process.say(encodeFail(other.id), encodeLeave());
  await turn();
  assertEquals(process.messages, [{ type: "cancel", id: other.id }, { type: "last" }]);
  assertEquals(world.logged("WARN"), []);
  assertAllOver(world);
});
