/** Fetching a visitor's body from the relay, whole and in segments, whatever the way does with it. */

import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { PassThrough, Readable } from "node:stream";
import { CHANNEL_SILENCE_MS, SEGMENT_BYTES, SEGMENT_HOLD_MS } from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { Path, PathKind } from "../../lib/server/path.ts";
import { openRemoteBody } from "../../lib/server/remote_body.ts";
import { RecordStream } from "../../lib/wire/record_stream.ts";
import type { StreamBody } from "../../lib/wire/stream_decoder.ts";
import {
  concatBytes,
  fromHex,
  fromLatin1,
  ID,
  patternOf,
  piecesOf,
  toHex,
} from "../support/bytes.ts";
import { DOWN, FakeRelay, type Reply } from "../support/fake_relay.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { readBody } from "../support/read_body.ts";
import { turn } from "../support/turn.ts";

const SESSION = "01KVR8V0P6GQ4ZB7M3E9T5XAWD";

class World {
  readonly clock = new ManualClock();
  readonly relay = new FakeRelay();
  readonly over = new AbortController();
  readonly body: StreamBody;

  constructor(down: PathKind["down"]) {
    this.body = openRemoteBody({
      baseUrl: "http://relay.test/7ZSFUKGV",
      apiKey: "the key",
      session: SESSION,
      id: ID,
      client: this.relay,
      path: { kind: Promise.resolve({ up: "streams", down }) } as Path,
      clock: this.clock,
      signal: this.over.signal,
    });
  }

  get indexes(): number[] {
    return this.relay.asked.map(({ path }) => Number(path.split("/")[3]));
  }

  /** Moves on from timer to timer until the body is read, or has failed. */
  async read(): Promise<Uint8Array> {
    const read = readBody(this.body);
    let isOver = false;
    const end = (): void => void (isOver = true);
    read.then(end, end);
    for (let i = 0; i < 1_000 && !isOver; i++) {
      await turn();
      const { nextDelay } = this.clock;
      if (!isOver && nextDelay !== undefined) this.clock.advance(nextDelay);
    }
    return await read;
  }

  assertOver(): void {
    assertEquals(this.clock.pendingCount, 0);
  }
}

/** The stream of a body, as a relay sends it. */
async function streamOf(bytes: Uint8Array, trailers = "0000"): Promise<Uint8Array> {
  const stream = new RecordStream({ body: bytes, length: null, clock: new ManualClock() });
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(new Uint8Array(chunk as Uint8Array));
  const end = fromHex(trailers);
  return concatBytes([
    concatBytes(chunks).subarray(0, -9),
    fromHex(`23 ${end.length.toString(16).padStart(12, "0")}`),
    end,
  ]);
}

for (const down of ["streams", "segments"] as const) {
  Deno.test(`openRemoteBody by ${down}: asks for nothing until it is read, nor when it is given up`, async () => {
    const world = new World(down);
    await turn();
    assertEquals([world.relay.asked, world.relay.opened], [[], []]);
    world.body.destroy();
    await turn();
    assertEquals([world.relay.asked, world.relay.opened], [[], []]);
    world.assertOver();
  });

  Deno.test(`openRemoteBody by ${down}: is aborted while it is read, and ends the request`, async () => {
    const world = new World(down);
    world.relay.openReply = () => "held";
    const read = assertRejects(() => readBody(world.body));
    await turn();
    world.over.abort();
    await read;
    for (const { signal } of [...world.relay.asked, ...world.relay.opened]) assert(signal.aborted);
    assertEquals(world.relay.asked.length + world.relay.opened.length, 1);
    world.assertOver();
  });
}

Deno.test("openRemoteBody by streams: brings body and trailers by one request", async () => {
  const world = new World("streams");
  const stream = await streamOf(patternOf(100_000), "0002 0001 0001 6162");
  world.relay.openReply = () => ({ status: 200, body: Readable.from(piecesOf(stream, 1_000)) });
  assertEquals(toHex(await world.read()), toHex(patternOf(100_000)));
  assertEquals(world.body.trailers, ["a", "b"]);
  const [opened, ...more] = world.relay.opened;
  assertEquals([opened?.path, more], [`body/${SESSION}/${ID}`, []]);
  assertEquals(headerValue(opened?.headers ?? [], "x-apikey"), "the key");
  // For as long as the visitor takes.
  assertEquals(opened?.answerTimeoutMs, 0);
  world.assertOver();
});

Deno.test("openRemoteBody by streams: fails where it is refused, cut, aborted or wrong", async () => {
  const whole = await streamOf(fromLatin1("some"));
  const replies = [
    ...[204, 400, 409, 410, 502].map((status) => ({ status, body: new PassThrough() })),
    DOWN,
    ...[whole.subarray(0, -1), fromHex("22 000000000004 736f"), fromHex("24 000000000000")],
    ...[fromHex("21 000000000004 00c8 0000"), fromLatin1("<!DOCTYPE html>")],
  ];
  for (const reply of replies) {
    const world = new World("streams");
    const body = reply instanceof Uint8Array ? Readable.from([reply]) : undefined;
    world.relay.openReply = () =>
      reply instanceof Uint8Array ? { status: 200, ...body === undefined ? {} : { body } } : reply;
    await assertRejects(() => world.read());
    if ("status" in reply) assertEquals(reply.body.destroyed, true);
    // Once: what was asked for cannot be asked for again.
    assertEquals(world.relay.opened.length, 1);
    world.assertOver();
  }
});

Deno.test("openRemoteBody by streams: what is given up in the middle ends the connection", async () => {
  const world = new World("streams");
  const stream = new PassThrough();
  world.relay.openReply = () => ({ status: 200, body: stream });
  stream.write((await streamOf(fromLatin1("some"))).subarray(0, 9));
  world.body.once("data", () => world.body.destroy());
  await new Promise((resolve) => stream.once("close", resolve));
  world.assertOver();
});

Deno.test("openRemoteBody by segments: one after the other, records across them, none behind the end", async () => {
  const world = new World("segments");
  const stream = await streamOf(patternOf(1_000));
  const pieces = piecesOf(stream, 7);
  world.relay.reply = () => ({ body: pieces[world.indexes.at(-1) ?? 0] ?? new Uint8Array() });
  assertEquals(toHex(await world.read()), toHex(patternOf(1_000)));
  assertEquals(world.indexes, pieces.map((_, i) => i));
  const [first] = world.relay.asked;
  assertEquals([first?.method, first?.path], ["GET", `body/${SESSION}/${ID}/0`]);
  assertEquals(first?.answerTimeoutMs, SEGMENT_HOLD_MS + CHANNEL_SILENCE_MS);
  world.assertOver();
});

Deno.test("openRemoteBody by segments: the same number again after 204, and while it comes to nothing", async () => {
  const world = new World("segments");
  const stream = await streamOf(patternOf(100));
  const replies: Reply[] = [
    ...[DOWN, { status: 204 }, { status: 502 }, { status: 503 }, { status: 504 }, DOWN],
    { body: stream.subarray(0, 50) },
    ...[{ status: 204 }, { status: 204 }, { status: 504 }],
    { body: stream.subarray(50) },
  ];
  world.relay.reply = () => replies[world.indexes.length - 1] ?? "held";
  assertEquals(toHex(await world.read()), toHex(patternOf(100)));
  assertEquals(world.indexes, [...Array(7).fill(0), ...Array(4).fill(1)]);
  world.assertOver();
});

Deno.test("openRemoteBody by segments: fails after 8 s of nothing, and at once where it is refused or wrong", async () => {
  for (const reply of [DOWN, { status: 502 }]) {
    const world = new World("segments");
    world.relay.reply = () => reply;
    await assertRejects(() => world.read());
    assertLessOrEqual(CHANNEL_SILENCE_MS, world.clock.monotonic());
    assertLessOrEqual(world.clock.monotonic(), CHANNEL_SILENCE_MS + 250);
    world.assertOver();
  }
  for (
    const reply of [
      ...[400, 404, 409, 410].map((status) => ({ status })),
      ...[fromLatin1("<!DOCTYPE html>"), fromHex("24 000000000000")].map((body) => ({ body })),
    ]
  ) {
    const world = new World("segments");
    world.relay.reply = () => reply;
    await assertRejects(() => world.read());
    assertEquals([world.indexes, world.clock.monotonic()], [[0], 0]);
    world.assertOver();
  }
});

Deno.test("openRemoteBody by segments: asks for no more than is read", async () => {
  const world = new World("segments");
  const stream = await streamOf(patternOf(20 * SEGMENT_BYTES));
  world.relay.reply = () => {
    const from = (world.indexes.at(-1) ?? 0) * SEGMENT_BYTES;
    return { body: stream.slice(from, from + SEGMENT_BYTES) };
  };
  world.body.once("readable", () => {});
  for (let i = 0; i < 50; i++) await turn();
  assertLessOrEqual(world.relay.asked.length, 3);
  assertEquals(toHex(await world.read()), toHex(patternOf(20 * SEGMENT_BYTES)));
  world.assertOver();
});

Deno.test("openRemoteBody by segments: makes no tight loop of 204s that come at once", async () => {
  const world = new World("segments");
  world.relay.reply = () => ({ status: 204 });
  const read = assertRejects(() => readBody(world.body));
  for (let i = 0; i < 300 && world.clock.monotonic() < 10_000; i++) {
    await turn();
    world.clock.advance(world.clock.nextDelay ?? 0);
  }
  assertLessOrEqual(10_000, world.clock.monotonic());
  assertLessOrEqual(world.relay.asked.length, 10_000 / 125 + 2);
  world.over.abort();
  await read;
  await turn();
  world.assertOver();
});
