/** Sending an answer stream to a relay, whole and in segments, whatever the way does with it. */

import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { PassThrough, Readable } from "node:stream";
import { UnreachableError } from "../../lib/client/unreachable_error.ts";
import { ClosedError } from "../../lib/base/errors.ts";
import {
  CHANNEL_SILENCE_MS,
  RESPONSE_TIMEOUT_MS,
  SEGMENT_BYTES,
  SEGMENT_DELAY_MS,
  SEGMENT_HOLD_MS,
  STREAM_IDLE_MS,
} from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import { AnswerUpload, type UploadOutcome } from "../../lib/server/answer_upload.ts";
import { RecordStream } from "../../lib/wire/record_stream.ts";
import { concatBytes, fromLatin1, ID, patternOf, toHex } from "../support/bytes.ts";
import { type Asked, DOWN, FakeRelay, type Reply } from "../support/fake_relay.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { turn, until } from "../support/turn.ts";

const SESSION = "01KVR8V0P6GQ4ZB7M3E9T5XAWD";
const SENTENCE = ["Content-Type", "text/plain; charset=utf-8"];

class World {
  readonly clock = new ManualClock();
  readonly relay = new FakeRelay();
  readonly over = new AbortController();
  readonly upload = new AnswerUpload({
    baseUrl: "http://relay.test/7ZSFUKGV",
    apiKey: "the key",
    session: SESSION,
    id: ID,
    client: this.relay,
    clock: this.clock,
    signal: this.over.signal,
  });

  streamOf(body: Uint8Array | Readable | null, length: number | null = null): RecordStream {
    return new RecordStream({ body, length, clock: this.clock });
  }

  get last(): Asked {
    const asked = this.relay.asked.at(-1);
    assert(asked !== undefined);
    return asked;
  }

  get indexes(): number[] {
    return this.relay.asked.map(({ path }) => Number(path.split("/")[3]));
  }

  /** Moves on from timer to timer until something is over. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    const end = (): void => void (isOver = true);
    promise.then(end, end);
    for (let i = 0; i < 1_000 && !isOver; i++) {
      await turn();
      const { nextDelay } = this.clock;
      if (!isOver && nextDelay !== undefined) this.clock.advance(nextDelay);
    }
    return await promise;
  }

  assertOver(): void {
    assertEquals(this.clock.pendingCount, 0);
  }
}

async function bytesOf(stream: RecordStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(new Uint8Array(chunk as Uint8Array));
  return concatBytes(chunks);
}

const OUTCOMES: readonly (readonly [
  what: string,
  reply: Exclude<Reply, "held" | Error>,
  outcome: UploadOutcome,
])[] = [
  ["200", { status: 200 }, { kind: "delivered" }],
  ["410", { status: 410 }, { kind: "cut" }],
  [
    "400 with a sentence",
    { status: 400, headers: SENTENCE, body: fromLatin1("A field has no value\n") },
    { kind: "refused", reason: "A field has no value", isByProxy: false },
  ],
  [
    "409 with a sentence",
    { status: 409, headers: SENTENCE, body: fromLatin1("The answer has begun already\n") },
    { kind: "refused", reason: "The answer has begun already", isByProxy: false },
  ],
  ["403", { status: 403 }, { kind: "refused", reason: "the answer is 403", isByProxy: true }],
  [
    "413 of a proxy",
    { status: 413, headers: ["Content-Type", "text/html"], body: fromLatin1("<h1>no</h1>") },
    { kind: "refused", reason: "the answer is 413", isByProxy: true },
  ],
  [
    "411 with a sentence",
    { status: 411, headers: SENTENCE, body: fromLatin1("Length Required") },
    { kind: "refused", reason: "Length Required", isByProxy: true },
  ],
];

for (const [what, reply, outcome] of OUTCOMES) {
  Deno.test(`AnswerUpload: ${what} is what became of it, whole or in segments`, async () => {
    const whole = new World();
    whole.relay.reply = () => reply;
    assertEquals(await whole.upload.whole(whole.streamOf(fromLatin1("hi"))), outcome);
    whole.assertOver();
    const segments = new World();
    segments.relay.reply = () => reply;
    const sent = segments.upload.segments(segments.streamOf(fromLatin1("hi")));
    assertEquals(await segments.run(sent), outcome);
    assertEquals(segments.indexes, [0]);
    segments.assertOver();
  });
}

Deno.test("AnswerUpload.whole sends one POST, of a known length or chunked", async () => {
  for (const length of [5, null]) {
    const world = new World();
    const stream = world.streamOf(Readable.from([fromLatin1("hello")]), length);
    const sent = world.upload.whole(stream);
    const { method, path, headers, bodyLength, answerTimeoutMs, whole, received } = world.last;
    assertEquals([method, path], ["POST", `answer/${SESSION}/${ID}`]);
    assertEquals(headerValue(headers, "x-apikey"), "the key");
    assertEquals(answerTimeoutMs, RESPONSE_TIMEOUT_MS);
    assertEquals(await whole, true);
    const expected = await bytesOf(world.streamOf(fromLatin1("hello")));
    assertEquals(toHex(received()), toHex(expected));
    assertEquals(bodyLength, length === null ? null : expected.length);
    world.last.answer({ status: 200 });
    assertEquals(await sent, { kind: "delivered" });
    world.assertOver();
  }
});

Deno.test("AnswerUpload.whole is tried once, and gives its body up", async () => {
  const world = new World();
  world.relay.reply = () => DOWN;
  const body = new PassThrough();
  await assertRejects(() => world.upload.whole(world.streamOf(body)), UnreachableError);
  assertEquals([world.relay.asked.length, body.destroyed], [1, true]);
  world.assertOver();
});

Deno.test("AnswerUpload.segments sends bounded requests by numbers, and asks at the end", async () => {
  const world = new World();
  const body = patternOf(200_000);
  world.relay.reply = ({ received }) => received().length > 0 ? { status: 204 } : { status: 200 };
  const outcome = await world.run(world.upload.segments(world.streamOf(body)));
  assertEquals(outcome, { kind: "delivered" });
  const parts = world.relay.asked.map(({ received }) => received());
  for (const part of parts) assertLessOrEqual(part.length, SEGMENT_BYTES);
  assertEquals(toHex(concatBytes(parts)), toHex(await bytesOf(world.streamOf(body))));
  assertEquals(world.indexes, [0, 1, 2, 3, 4]);
  assertEquals(world.last.answerTimeoutMs, SEGMENT_HOLD_MS + CHANNEL_SILENCE_MS);
  world.assertOver();
});

Deno.test("AnswerUpload.segments sends a segment again, by its number, while it comes to nothing", async () => {
  const world = new World();
  const lost: Reply[] = [DOWN, { status: 502 }, { status: 503 }, { status: 504 }];
  world.relay.reply = (asked) => {
    if (world.indexes.filter((index) => index === world.indexes.at(-1)).length < 5) {
      return lost[world.indexes.length % lost.length] ?? DOWN;
    }
    return asked.received().length > 0 ? { status: 204 } : { status: 200 };
  };
  const body = patternOf(100_000);
  const outcome = await world.run(world.upload.segments(world.streamOf(body)));
  assertEquals(outcome, { kind: "delivered" });
  assertEquals(world.indexes, [0, 1, 2].flatMap((index) => Array(5).fill(index)));
  const byIndex = [0, 1].map((index) =>
    world.relay.asked.filter((_, i) => world.indexes[i] === index).map(({ received }) =>
      toHex(received())
    )
  );
  for (const bodies of byIndex) assertEquals(new Set(bodies).size, 1);
  const whole = byIndex.map(([first]) => first).join("");
  assertEquals(whole, toHex(await bytesOf(world.streamOf(body))));
  world.assertOver();
});

Deno.test("AnswerUpload.segments gives up after 8 s, by what it heard last", async () => {
  for (const reply of [DOWN, { status: 502 }]) {
    const world = new World();
    world.relay.reply = () => reply;
    const body = new PassThrough();
    body.write("x");
    const sent = world.upload.segments(world.streamOf(body));
    if (reply instanceof Error) {
      await assertRejects(() => world.run(sent), UnreachableError);
    } else {
      const reason = "the answer is 502";
      assertEquals(await world.run(sent), { kind: "refused", reason, isByProxy: true });
    }
    assertLessOrEqual(world.clock.monotonic(), SEGMENT_DELAY_MS + CHANNEL_SILENCE_MS + 250);
    assertEquals(body.destroyed, true);
    world.assertOver();
  }
});

Deno.test("AnswerUpload.segments sends no byte more after 202 until it is told 204", async () => {
  const world = new World();
  const replies = [204, 202, 202, 204, 204, 200];
  const lengths: number[] = [];
  world.relay.reply = ({ received }) => {
    lengths.push(received().length);
    return "held";
  };
  const sent = world.upload.segments(world.streamOf(patternOf(250_000)));
  for (const status of replies) {
    await until(() => lengths.length > replies.indexOf(status));
    // As a relay that holds such a request.
    if (status === 202) world.clock.advance(SEGMENT_HOLD_MS);
    const count = lengths.length;
    world.last.answer({ status });
    if (status !== 200) await until(() => lengths.length > count);
  }
  assertEquals(await sent, { kind: "delivered" });
  assertEquals(lengths.map((length) => length > 0), [true, true, false, false, true, true]);
  assertEquals(world.indexes, [0, 1, 2, 3, 4, 5]);
  world.assertOver();
});

Deno.test("AnswerUpload.segments makes no tight loop of answers that come at once", async () => {
  for (const [status, body] of [[202, patternOf(100)], [204, new Uint8Array()]] as const) {
    const world = new World();
    world.relay.reply = () => ({ status });
    const sent = world.upload.segments(world.streamOf(body));
    sent.catch(() => {});
    for (let i = 0; i < 300 && world.clock.monotonic() < 10_000; i++) {
      await turn();
      world.clock.advance(world.clock.nextDelay ?? 0);
    }
    assertLessOrEqual(10_000, world.clock.monotonic());
    assertLessOrEqual(world.relay.asked.length, 10_000 / 125 + 2);
    world.over.abort();
    await assertRejects(() => sent);
    world.assertOver();
  }
});

Deno.test("AnswerUpload.segments asks what became of the visitor where there is nothing to send", async () => {
  const world = new World();
  const body = new PassThrough();
  // Of a known length, so that nothing fills the pauses.
  const sent = world.upload.segments(world.streamOf(body, 1000));
  body.write("some");
  await turn();
  world.clock.advance(SEGMENT_DELAY_MS);
  await turn();
  world.last.answer({ status: 204 });
  await turn();
  world.clock.advance(STREAM_IDLE_MS);
  await turn();
  assertEquals([world.indexes, world.last.received().length], [[0, 1], 0]);
  world.last.answer({ status: 410 });
  assertEquals(await sent, { kind: "cut" });
  assertEquals(body.destroyed, true);
  world.assertOver();
});

Deno.test("AnswerUpload.segments fails as its body does, and when it is aborted", async () => {
  const failing = new World();
  failing.relay.reply = () => ({ status: 204 });
  const body = new PassThrough();
  const sent = failing.upload.segments(failing.streamOf(body, 1000));
  body.write("some");
  await turn();
  body.destroy(new Error("the disk is gone"));
  await assertRejects(() => failing.run(sent), ClosedError, "the disk is gone");
  failing.assertOver();

  const aborted = new World();
  const stream = new PassThrough();
  const held = aborted.upload.segments(aborted.streamOf(stream));
  stream.write("some");
  await turn();
  aborted.clock.advance(SEGMENT_DELAY_MS);
  await turn();
  aborted.over.abort();
  await assertRejects(() => held, UnreachableError);
  assertEquals([aborted.last.signal.aborted, stream.destroyed], [true, true]);
  aborted.assertOver();
});
