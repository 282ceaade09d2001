/** The long poll at the server's end, and all that may go wrong with it. */

import { assert, assertEquals, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import {
  CHANNEL_SILENCE_MS,
  CLOSE_TIMEOUT_MS,
  MAX_BATCH_BYTES,
  MODERN_PARK_MS,
} from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { ChannelRefusal, ChannelSink } from "../../lib/server/channel.ts";
import { openPollChannel, PollChannel } from "../../lib/server/poll_channel.ts";
import { ANSWER } from "../../lib/wire/modern.ts";
import {
  encodeFail,
  encodeLast,
  encodePing,
  encodePong,
  encodeWelcome,
  readRelayMessages,
  type RelayMessage,
} from "../../lib/wire/modern_messages.ts";
import { encodeRecord } from "../../lib/wire/records.ts";
import { concatBytes, fromLatin1, ID, toHex } from "../support/bytes.ts";
import { type Asked, DOWN, FakeRelay, type Reply } from "../support/fake_relay.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { turn } from "../support/turn.ts";

const WELCOME = encodeWelcome(ID, undefined);

class World implements ChannelSink {
  readonly clock = new ManualClock();
  readonly relay = new FakeRelay();
  readonly messages: RelayMessage[] = [];
  readonly ends: string[] = [];

  receive(bytes: Uint8Array): void {
    readRelayMessages(bytes, (message) => this.messages.push(message));
  }

  end(reason: string): void {
    this.ends.push(reason);
  }

  open(reply: Reply): Promise<PollChannel | ChannelRefusal> {
    this.relay.reply = () => reply;
    return openPollChannel({
      baseUrl: "http://relay.test/7ZSFUKGV",
      name: "a b",
      apiKey: "the key",
      process: ID,
      client: this.relay,
      clock: this.clock,
      random: () => 1,
      signal: new AbortController().signal,
    });
  }

  /** A channel that polls; further requests are held. */
  async start(welcome: Uint8Array = WELCOME): Promise<PollChannel> {
    const channel = await this.open({ body: welcome });
    assert(channel instanceof PollChannel);
    this.relay.reply = () => "held";
    this.relay.asked.length = 0;
    channel.start(this, () => {
      const [first] = this.messages;
      return first?.type === "welcome" ? first.session : "";
    });
    return channel;
  }

  /** The last request, which is held. */
  get last(): Asked {
    const asked = this.relay.asked.at(-1);
    assert(asked !== undefined);
    return asked;
  }

  paths(prefix = ""): string[] {
    return this.relay.of(prefix).map(({ path }) => path);
  }

  async answer(reply: Exclude<Reply, "held">, asked = this.last): Promise<void> {
    asked.answer(reply);
    await turn();
  }
}

Deno.test("openPollChannel opens a session by a POST, with key, process and version", async () => {
  const world = new World();
  await world.open(DOWN);
  const { method, path, headers } = world.last;
  assertEquals([method, path], ["POST", "session/a%20b"]);
  assertEquals(headerValue(headers, "x-apikey"), "the key");
  assertEquals(headerValue(headers, "x-ptth-process"), ID);
  assertEquals(headerValue(headers, "x-ptth-modern"), "1");
});

for (
  const [what, reply, kind] of [
    ["401", { status: 401 }, "refused"],
    ["403", { status: 403 }, "blocked"],
    ["503", { status: 503 }, "trouble"],
    ["404", { status: 404 }, "blocked"],
    ["405", { status: 405 }, "blocked"],
    ["502", { status: 502 }, "blocked"],
    ["an error", DOWN, "trouble"],
  ] as const
) {
  Deno.test(`openPollChannel takes ${what} for "${kind}"`, async () => {
    const refusal = await new World().open(reply);
    assertEquals("kind" in refusal && refusal.kind, kind);
  });
}

for (
  const [what, welcome] of [
    ["nothing", new Uint8Array()],
    ["a page", fromLatin1("<!DOCTYPE html>")],
    ["half a welcome", WELCOME.subarray(0, -1)],
  ] as const
) {
  Deno.test(`PollChannel ends at once where ${what} is its welcome, and does not poll`, async () => {
    const world = new World();
    await world.start(welcome);
    await turn();
    assertEquals(world.ends.length, 1);
    assertStringIncludes(world.ends[0] ?? "", "the relay broke the protocol: ");
    assertEquals(world.relay.asked, []);
    assertEquals(world.clock.pendingCount, 0);
  });
}

Deno.test("PollChannel polls by the number of answers that it has had, one at a time", async () => {
  const world = new World();
  const channel = await world.start();
  assertEquals(world.last.method, "GET");
  assertEquals(headerValue(world.last.headers, "x-apikey"), "the key");
  await world.answer({ body: encodeLast() });
  // A 204 that was held; it is no answer.
  world.clock.advance(MODERN_PARK_MS);
  await world.answer({ status: 204 });
  await world.answer({ body: concatBytes([encodePong(), encodePong()]) });
  assertEquals(world.paths(), [0, 1, 1, 2].map((n) => `poll/${ID}/${n}`));
  assertEquals(world.messages.map(({ type }) => type), ["welcome", "last", "pong", "pong"]);
  await channel.close();
  await turn();
  assertEquals(world.last.signal.aborted, true);
  assertEquals([world.ends, world.clock.pendingCount], [[], 0]);
});

Deno.test("PollChannel asks again by the same number while nothing gets through, for 8 s", async () => {
  for (const reply of [DOWN, { status: 502 }, { status: 503 }, { status: 504 }]) {
    const world = new World();
    await world.start();
    world.relay.reply = () => reply;
    await world.answer(reply);
    for (let i = 0; i < 100 && world.ends.length === 0; i++) {
      const { nextDelay } = world.clock;
      assert(nextDelay !== undefined && nextDelay >= 100, `a pause of ${nextDelay} ms`);
      world.clock.advance(nextDelay);
      await turn();
    }
    assertLessOrEqual(CHANNEL_SILENCE_MS, world.clock.monotonic());
    assertLessOrEqual(world.clock.monotonic(), CHANNEL_SILENCE_MS + 250);
    assertEquals(new Set(world.paths()), new Set([`poll/${ID}/0`]));
    assertEquals(world.ends.length, 1);
  }
});

Deno.test("PollChannel goes on where a poll got through after some did not", async () => {
  const world = new World();
  const channel = await world.start();
  for (let i = 0; i < 3; i++) {
    await world.answer(DOWN);
    world.clock.advance(CHANNEL_SILENCE_MS - 1);
    await turn();
    await world.answer({ body: encodePong() });
  }
  assertEquals(world.ends, []);
  await channel.close();
});

for (
  const [what, reply, reason] of [
    ["410 with a sentence", answerOf(410, "Another session has taken over"), "has taken over"],
    ["409", answerOf(409, "The poll is out of step"), "out of step"],
    ["400", answerOf(400, "A record is cut short"), "cut short"],
    ["404", { status: 404, body: fromLatin1("<html>") }, "the answer is 404"],
    ["a violation", { body: encodePing() }, "the relay broke the protocol: "],
    ["a page", { body: fromLatin1("<!DOCTYPE html>") }, "the relay broke the protocol: "],
  ] as const
) {
  Deno.test(`PollChannel is over after ${what}, and says why`, async () => {
    const world = new World();
    const channel = await world.start();
    channel.send(encodeFail(ID));
    await turn();
    const [poll, post] = world.relay.asked;
    await world.answer(reply, poll);
    assertEquals(world.ends.length, 1);
    assertStringIncludes(world.ends[0] ?? "", reason);
    assertEquals(post?.signal.aborted, true);
    channel.send(encodeFail(ID));
    await turn();
    assertEquals(world.relay.asked.length, 2);
    assertEquals(world.clock.pendingCount, 0);
  });
}

function answerOf(status: number, sentence: string): Exclude<Reply, "held" | Error> {
  return { status, body: fromLatin1(`${sentence}\n`) };
}

Deno.test("PollChannel makes no tight loop of 204s that come at once", async () => {
  const world = new World();
  const channel = await world.start();
  world.relay.reply = () => ({ status: 204 });
  await world.answer({ status: 204 });
  for (let i = 0; i < 50 && world.clock.monotonic() < 10_000; i++) {
    world.clock.advance(world.clock.nextDelay ?? 0);
    await turn();
  }
  assertLessOrEqual(10_000, world.clock.monotonic());
  assertLessOrEqual(world.relay.asked.length, 10_000 / 125);
  await channel.close();
  await turn();
  assertEquals(world.clock.pendingCount, 0);
});

Deno.test("PollChannel sends what gathers in one POST after the other, by numbers", async () => {
  const world = new World();
  const channel = await world.start();
  channel.send(encodeFail(ID));
  channel.send(encodePing());
  await turn();
  const first = world.last;
  assertEquals([first.method, first.path], ["POST", `messages/${ID}/1`]);
  assertEquals(toHex(first.received()), toHex(concatBytes([encodeFail(ID), encodePing()])));
  channel.send(encodePing());
  channel.send(encodeFail(ID));
  await turn();
  assertEquals(world.paths("messages/").length, 1);
  await world.answer({ status: 204 }, first);
  assertEquals(world.last.path, `messages/${ID}/2`);
  assertEquals(toHex(world.last.received()), toHex(concatBytes([encodePing(), encodeFail(ID)])));
  await world.answer({ status: 204 });
  assertEquals(world.paths("messages/").length, 2);
  await channel.close();
});

Deno.test("PollChannel sends the same bytes by the same number again where the answer was lost", async () => {
  const world = new World();
  const channel = await world.start();
  channel.send(encodeFail(ID));
  await turn();
  const bodies: string[] = [];
  for (const reply of [DOWN, { status: 504 }, { status: 204 }]) {
    bodies.push(toHex(world.last.received()));
    await world.answer(reply);
    channel.send(encodePing());
    world.clock.advance(250);
    await turn();
  }
  assertEquals(bodies, Array.from({ length: 3 }, () => toHex(encodeFail(ID))));
  assertEquals(world.paths("messages/"), [1, 1, 1, 2].map((n) => `messages/${ID}/${n}`));
  assertEquals(toHex(world.last.received()), toHex(encodePing()).repeat(2));
  world.relay.reply = () => ({ status: 204 });
  await world.answer({ status: 204 });
  await channel.close();
});

Deno.test("PollChannel sends no more in one POST than a relay takes, and whole messages", async () => {
  const world = new World();
  const channel = await world.start();
  const record = encodeRecord(ANSWER, new Uint8Array(200_000));
  for (let i = 0; i < 5; i++) channel.send(record);
  assertEquals(channel.backlog, 5 * record.length);
  await turn();
  const lengths: number[] = [];
  for (let i = 0; i < 3; i++) {
    lengths.push(world.last.received().length);
    await world.answer({ status: 204 });
  }
  assertEquals(lengths, [2 * record.length, 2 * record.length, record.length]);
  for (const length of lengths) assertLessOrEqual(length, MAX_BATCH_BYTES);
  await channel.close();
});

Deno.test("PollChannel closes when what it sends has been taken, or after a second", async () => {
  for (const isTaken of [true, false]) {
    const world = new World();
    const channel = await world.start();
    channel.send(encodeFail(ID));
    await turn();
    const post = world.last;
    let isClosed = false;
    const closed = channel.close().then(() => isClosed = true);
    await turn();
    assertEquals([isClosed, post.signal.aborted], [false, false]);
    if (isTaken) await world.answer({ status: 204 }, post);
    else world.clock.advance(CLOSE_TIMEOUT_MS);
    await closed;
    await turn();
    for (const { signal } of world.relay.asked) assertEquals(signal.aborted, true);
    assertEquals([world.ends, world.clock.pendingCount], [[], 0]);
  }
});
