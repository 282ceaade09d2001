/** The control channel at the server's end, and all that a relay may do wrong on it. */

import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { PassThrough } from "node:stream";
import { ProtocolError } from "../../lib/base/errors.ts";
import { CHANNEL_SILENCE_MS, PING_INTERVAL_MS, WELCOME_TIMEOUT_MS } from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { ChannelRefusal, ChannelSink } from "../../lib/server/channel.ts";
import {
  ControlChannel,
  type ControlOptions,
  openControlChannel,
} from "../../lib/server/control_channel.ts";
import {
  encodeFail,
  encodeLast,
  encodePong,
  encodeWelcome,
  readRelayMessages,
  type RelayMessage,
} from "../../lib/wire/modern_messages.ts";
import { encodeClose, encodeMessage } from "../../lib/wire/websocket.ts";
import { concatBytes, fromHex, fromLatin1, ID, toHex } from "../support/bytes.ts";
import { frameOf } from "../support/controlled_process.ts";
import { DOWN, FakeRelay, FakeSocket, type OpenReply } from "../support/fake_relay.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { turn } from "../support/turn.ts";

const WELCOME = encodeWelcome(ID, undefined);
const PROCESS = "01KVR8V0P6GQ4ZB7M3E9T5XAWD";

class World implements ChannelSink {
  readonly clock = new ManualClock();
  readonly relay = new FakeRelay();
  readonly messages: RelayMessage[] = [];
  /** Why the channel ended, each time that it says so. */
  readonly ends: string[] = [];

  receive(bytes: Uint8Array): void {
    readRelayMessages(bytes, (message) => this.messages.push(message));
  }

  end(reason: string): void {
    this.ends.push(reason);
  }

  open(
    reply: OpenReply,
    options: Partial<ControlOptions> = {},
  ): Promise<ControlChannel | ChannelRefusal> {
    this.relay.openReply = () => reply;
    return openControlChannel({
      baseUrl: "http://relay.test/7ZSFUKGV",
      name: "a~b c",
      apiKey: "the key",
      process: PROCESS,
      client: this.relay,
      clock: this.clock,
      signal: new AbortController().signal,
      ...options,
    });
  }

  /** A channel that has begun, with the welcome behind it. */
  async start(): Promise<{ channel: ControlChannel; socket: FakeSocket }> {
    const socket = new FakeSocket();
    const channel = await this.open(socket);
    assert(channel instanceof ControlChannel);
    channel.start(this);
    await socket.say(WELCOME);
    assertEquals(this.messages.splice(0).map(({ type }) => type), ["welcome"]);
    return { channel, socket };
  }
}

Deno.test("openControlChannel asks for a WebSocket of its protocol, by key and process", async () => {
  const world = new World();
  void await world.open(DOWN);
  void await world.open(DOWN, { successorOf: ID });
  const [first, second] = world.relay.opened;
  assert(first !== undefined && second !== undefined);
  assertEquals(first.path, "control/a~b%20c");
  assertEquals(first.answerTimeoutMs, WELCOME_TIMEOUT_MS);
  for (
    const [name, value] of [
      ...[["host", "relay.test"], ["connection", "Upgrade"], ["upgrade", "websocket"]],
      ...[["sec-websocket-version", "13"], ["sec-websocket-protocol", "ptth-modern-1"]],
      ...[["x-apikey", "the key"], ["x-ptth-process", PROCESS]],
    ] as const
  ) assertEquals(headerValue(first.headers, name), value);
  assertEquals(headerValue(first.headers, "x-ptth-successor-of"), undefined);
  assertEquals(headerValue(second.headers, "x-ptth-successor-of"), ID);
  const keys = [first, second].map(({ headers }) => headerValue(headers, "sec-websocket-key"));
  for (const key of keys) assertEquals(atob(key ?? "").length, 16);
  assertNotEquals(keys[0], keys[1]);
});

function socketThat(changes: Partial<Pick<FakeSocket, "acceptsKey" | "protocol">>): FakeSocket {
  return Object.assign(new FakeSocket(), changes);
}

const REFUSALS: readonly (readonly [
  what: string,
  reply: () => OpenReply,
  kind: ChannelRefusal["kind"],
  reason: string,
])[] = [
  ["401", () => ({ status: 401 }), "refused", "does not know this name"],
  ["403", () => ({ status: 403 }), "blocked", "the answer is 403"],
  [
    "426 of a relay",
    () => ({ status: 426, headers: ["X-PTTH-Modern", "1"] }),
    "blocked",
    "a proxy takes the upgrade off",
  ],
  ["426 of another", () => ({ status: 426 }), "blocked", "wants another protocol"],
  ["503", () => ({ status: 503 }), "trouble", "stopping, or has too many"],
  ...[200, 204, 302, 400, 404, 405, 407, 500, 501, 502, 504].map((status) =>
    [`${status}`, () => ({ status }), "blocked", `the answer is ${status}`] as const
  ),
  ["101 of a wrong key", () => socketThat({ acceptsKey: false }), "blocked", "no WebSocket of a"],
  ["101 of a wrong protocol", () => socketThat({ protocol: "chat" }), "blocked", "no WebSocket of"],
  ["an error", () => DOWN, "blocked", "Cannot reach relay"],
];

for (const [what, reply, kind, reason] of REFUSALS) {
  Deno.test(`openControlChannel takes ${what} for "${kind}", and leaves nothing open`, async () => {
    const world = new World();
    const opened = reply();
    const body = opened instanceof FakeSocket ? opened : new PassThrough();
    const isAnswer = typeof opened === "object" && "status" in opened;
    const refusal = await world.open(isAnswer ? { ...opened, body } : opened);
    assert("kind" in refusal);
    assertEquals(refusal.kind, kind);
    assertStringIncludes(refusal.reason, reason);
    assert(!refusal.reason.includes("the key"));
    assertEquals(body.destroyed, opened instanceof FakeSocket || isAnswer);
    assertEquals(world.clock.pendingCount, 0);
  });
}

const VIOLATIONS: readonly (readonly [what: string, bytes: Uint8Array, reason: string])[] = [
  ["a text message", frameOf(1, fromLatin1("x"), { isMasked: false }), "A message is not binary"],
  ["a frame with a mask", frameOf(2, encodePong()), "A frame is masked"],
  ["reserved bits", frameOf(2, encodePong(), { isMasked: false, reserved: 1 }), "reserved bit set"],
  ["HTTP", fromLatin1("HTTP/1.1 502 Bad Gateway\r\n\r\n"), "A frame has a reserved bit set"],
  [
    "a TiB",
    frameOf(2, encodePong(), { isMasked: false, length: 2 ** 40 }),
    "A message is over 524288 bytes",
  ],
  ["an unknown record", encodeMessage([fromHex("7f000000000000")], false), "type 7f may not come"],
  ["a record of a server", encodeMessage([encodeFail(ID)], false), "type 13 may not come here"],
];

for (const [what, bytes, reason] of VIOLATIONS) {
  Deno.test(`ControlChannel answers ${what} by 1002, ends, and takes nothing more`, async () => {
    const world = new World();
    const { socket } = await world.start();
    // A connection takes its time to end, and meanwhile more may come.
    socket._final = (): void => {};
    const after = encodeMessage([encodeLast()], false);
    await socket.send(concatBytes([encodeMessage([encodePong()], false), bytes, after]));
    await socket.send(after);
    await socket.send(after);
    assertEquals(world.messages, [{ type: "pong" }]);
    assertEquals(world.ends.length, 1);
    assertStringIncludes(world.ends[0] ?? "", `the relay broke the protocol: `);
    assertStringIncludes(world.ends[0] ?? "", reason);
    assertEquals(socket.goodbye?.code, 1002);
    assertStringIncludes(socket.goodbye?.reason ?? "", reason);
    assertEquals(socket.writableEnded, true);
    assertEquals(world.clock.pendingCount, 0);
    socket.destroy();
  });
}

Deno.test("ControlChannel says what the sink says is wrong, as any violation", async () => {
  const world = new World();
  const { socket } = await world.start();
  world.receive = () => {
    throw new ProtocolError("A second welcome");
  };
  await socket.say(WELCOME);
  assertEquals(socket.goodbye, { code: 1002, reason: "A second welcome" });
  assertEquals(world.ends, ["the relay broke the protocol: A second welcome"]);
});

Deno.test("ControlChannel ends with the relay's reason, or why else it ends, once", async () => {
  const ends: readonly (readonly [string, (socket: FakeSocket) => void])[] = [
    ["taken over", (socket) => socket.push(encodeClose(1008, "taken over", false))],
    ["the relay closed it", (socket) => socket.push(encodeClose(1000, "", false))],
    ["the connection was closed", (socket) => socket.push(null)],
    ["the connection was lost", (socket) => socket.destroy()],
  ];
  for (const [reason, end] of ends) {
    const world = new World();
    const { channel, socket } = await world.start();
    end(socket);
    await turn();
    await socket.say(encodeLast());
    await channel.close();
    assertEquals([world.ends, world.messages], [[reason], []]);
    assertEquals(socket.destroyed, true);
    assertEquals(world.clock.pendingCount, 0);
  }
});

Deno.test("ControlChannel pings every 3 s, and is lost when nothing has come for 8 s", async () => {
  const world = new World();
  const { channel, socket } = await world.start();
  for (let i = 1; i <= 10; i++) {
    world.clock.advance(PING_INTERVAL_MS);
    await turn();
    assertEquals(socket.messages.length, i);
    await socket.say(encodePong());
  }
  world.clock.advance(CHANNEL_SILENCE_MS - 1);
  assertEquals(world.ends, []);
  world.clock.advance(CHANNEL_SILENCE_MS / 4 + 1);
  assertEquals(world.ends, ["nothing came for too long"]);
  assertEquals(socket.destroyed, true);
  channel.send(encodeFail(ID));
  assertEquals(world.clock.pendingCount, 0);
});

Deno.test("ControlChannel sends what is queued before it closes, and takes nothing behind that", async () => {
  const world = new World();
  const { channel, socket } = await world.start();
  channel.send(encodeFail(ID));
  channel.send(encodeFail(PROCESS));
  assertEquals(channel.backlog, 2 * encodeFail(ID).length);
  await channel.close();
  await socket.say(encodeLast());
  assertEquals(socket.messages, [{ type: "fail", id: ID }, { type: "fail", id: PROCESS }]);
  assertEquals(socket.goodbye, { code: 1000, reason: "" });
  assertEquals([world.ends, world.messages], [[], []]);
  channel.send(encodeFail(ID));
  assertEquals(world.clock.pendingCount, 0);
});

Deno.test("ControlChannel answers a WebSocket ping by a pong of its payload", async () => {
  const world = new World();
  const { channel, socket } = await world.start();
  const written: Uint8Array[] = [];
  socket._write = (chunk: Uint8Array, _encoding, done): void => {
    written.push(new Uint8Array(chunk));
    done();
  };
  await socket.send(frameOf(9, fromLatin1("hi"), { isMasked: false }));
  const [pong = new Uint8Array()] = written;
  assertEquals(toHex(pong.subarray(0, 2)), "8a82");
  await channel.close();
});
