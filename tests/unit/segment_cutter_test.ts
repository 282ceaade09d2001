import { assert, assertEquals, assertRejects } from "@std/assert";
import { PassThrough, Readable } from "node:stream";
import fc from "fast-check";
import { ClosedError } from "../../lib/base/errors.ts";
import { SEGMENT_BYTES, SEGMENT_DELAY_MS, SEGMENT_HOLD_MS } from "../../lib/base/limits.ts";
import { type Segment, SegmentCutter } from "../../lib/wire/segment_cutter.ts";
import { concatBytes, patternOf, toHex } from "../support/bytes.ts";
import { CountedSource } from "../support/counted_source.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { turn } from "../support/turn.ts";

const never = new AbortController().signal;

interface Asked {
  readonly segment: Promise<Segment>;
  /** Whether it has come by now. */
  hasCome(): Promise<boolean>;
}

interface Setting<Stream extends Readable> {
  readonly stream: Stream;
  readonly clock: ManualClock;
  readonly cutter: SegmentCutter;
  readonly ask: (signal?: AbortSignal) => Asked;
}

function cutterOf<Stream extends Readable>(stream: Stream): Setting<Stream> {
  const clock = new ManualClock();
  const cutter = new SegmentCutter(stream, clock);
  const ask = (signal = never): Asked => {
    const segment = cutter.next(SEGMENT_HOLD_MS, signal);
    let isSettled = false;
    const settle = (): void => void (isSettled = true);
    segment.then(settle, settle);
    return { segment, hasCome: () => turn().then(() => isSettled) };
  };
  return { stream, clock, cutter, ask };
}

function setUp(): Setting<PassThrough> {
  return cutterOf(new PassThrough({ highWaterMark: 1_000_000 }));
}

/** Of the bytes of a segment, or its kind. */
async function hexOf({ segment }: Asked): Promise<string> {
  const cut = await segment;
  return cut.kind === "bytes" ? toHex(cut.bytes) : cut.kind;
}

Deno.test("SegmentCutter cuts a segment as soon as it is full, of SEGMENT_BYTES and no more", async () => {
  const { stream, clock, ask } = setUp();
  const bytes = patternOf(2 * SEGMENT_BYTES + 10);
  const first = ask();
  stream.write(bytes.subarray(0, SEGMENT_BYTES - 1));
  assert(!await first.hasCome());
  stream.write(bytes.subarray(SEGMENT_BYTES - 1));
  assertEquals(await hexOf(first), toHex(bytes.subarray(0, SEGMENT_BYTES)));
  assertEquals(await hexOf(ask()), toHex(bytes.subarray(SEGMENT_BYTES, 2 * SEGMENT_BYTES)));
  const rest = ask();
  assert(!await rest.hasCome());
  clock.advance(SEGMENT_DELAY_MS);
  assertEquals(await hexOf(rest), toHex(bytes.subarray(2 * SEGMENT_BYTES)));
  assertEquals(clock.pendingCount, 0);
});

Deno.test("SegmentCutter cuts SEGMENT_DELAY_MS after the first byte, with what has come by then", async () => {
  const { stream, clock, ask } = setUp();
  for (let round = 0; round < 2; round++) {
    const asked = ask();
    clock.advance(SEGMENT_HOLD_MS - 1);
    assert(!await asked.hasCome());
    stream.write("a");
    assert(!await asked.hasCome());
    clock.advance(SEGMENT_DELAY_MS - 1);
    stream.write("bc");
    assert(!await asked.hasCome());
    clock.advance(1);
    assertEquals(await hexOf(asked), "616263");
    assertEquals(clock.pendingCount, 0);
  }
});

Deno.test("SegmentCutter counts the delay from when the first byte came, not from being asked", async () => {
  const { stream, clock, ask } = setUp();
  stream.write("a");
  await turn();
  clock.advance(SEGMENT_DELAY_MS - 10);
  const asked = ask();
  clock.advance(9);
  assert(!await asked.hasCome());
  clock.advance(1);
  assertEquals(await hexOf(asked), "61");
  stream.write("b");
  await turn();
  clock.advance(10 * SEGMENT_DELAY_MS);
  const late = ask();
  await turn();
  clock.advance(0);
  assertEquals(await hexOf(late), "62");
  // Behind a full segment the rest has a delay of its own.
  stream.write(patternOf(SEGMENT_BYTES + 1));
  await turn();
  clock.advance(SEGMENT_DELAY_MS);
  await ask().segment;
  clock.advance(SEGMENT_DELAY_MS - 1);
  const rest = ask();
  await turn();
  clock.advance(0);
  assert(!await rest.hasCome());
  clock.advance(1);
  assertEquals(await hexOf(rest), toHex(patternOf(SEGMENT_BYTES + 1).subarray(SEGMENT_BYTES)));
});

Deno.test("SegmentCutter says that nothing came in the time given, and goes on", async () => {
  const { stream, clock, ask } = setUp();
  for (let round = 0; round < 2; round++) {
    const asked = ask();
    clock.advance(SEGMENT_HOLD_MS - 1);
    assert(!await asked.hasCome());
    clock.advance(1);
    assertEquals(await hexOf(asked), "nothing");
    assertEquals(clock.pendingCount, 0);
  }
  const asked = ask();
  stream.end("a");
  assertEquals(await hexOf(asked), "61");
});

Deno.test("SegmentCutter cuts at once what is left at the end, and then says so each time", async () => {
  const { stream, clock, ask } = setUp();
  const asked = ask();
  stream.write("a");
  assert(!await asked.hasCome());
  stream.end("b");
  assertEquals(await hexOf(asked), "6162");
  for (let i = 0; i < 2; i++) assertEquals(await hexOf(ask()), "end");
  assert(stream.closed);
  const waiting = setUp();
  const last = waiting.ask();
  assert(!await last.hasCome());
  waiting.stream.end();
  assertEquals(await hexOf(last), "end");
  assertEquals(clock.pendingCount + waiting.clock.pendingCount, 0);
});

Deno.test("SegmentCutter ends behind a last segment that is just full", async () => {
  const { stream, ask } = setUp();
  stream.end(patternOf(SEGMENT_BYTES));
  assertEquals(await hexOf(ask()), toHex(patternOf(SEGMENT_BYTES)));
  assertEquals(await hexOf(ask()), "end");
});

Deno.test("SegmentCutter fails as its stream does, while it is asked, gathers, and afterwards", async () => {
  for (const sent of ["", "a"]) {
    const { stream, clock, ask } = setUp();
    const asked = ask();
    if (sent !== "") stream.write(sent);
    assert(!await asked.hasCome());
    const failed = assertRejects(() => asked.segment, Error, "disk on fire");
    stream.destroy(new Error("disk on fire"));
    await failed;
    await assertRejects(() => ask().segment, Error, "disk on fire");
    assertEquals(clock.pendingCount, 0);
  }
});

Deno.test("SegmentCutter fails where its stream is destroyed, or was before", async () => {
  const { stream, ask } = setUp();
  const failed = assertRejects(() => ask().segment, ClosedError, "The stream was closed");
  stream.destroy();
  await failed;
  const gone = cutterOf(stream);
  await assertRejects(() => gone.ask().segment, ClosedError, "The stream was closed");
});

Deno.test("SegmentCutter gives segments that were full before its stream failed", async () => {
  const { stream, ask } = setUp();
  stream.write(patternOf(SEGMENT_BYTES));
  await turn();
  stream.destroy(new Error("disk on fire"));
  await turn();
  assertEquals(await hexOf(ask()), toHex(patternOf(SEGMENT_BYTES)));
  await assertRejects(() => ask().segment, Error, "disk on fire");
});

Deno.test("SegmentCutter rejects by the reason of an abort, and loses no byte", async () => {
  const { stream, clock, ask } = setUp();
  for (const sent of ["", "a", "b"]) {
    const controller = new AbortController();
    const asked = ask(controller.signal);
    if (sent !== "") stream.write(sent);
    assert(!await asked.hasCome());
    const rejected = assertRejects(() => asked.segment, RangeError, "enough");
    controller.abort(new RangeError("enough"));
    await rejected;
    assertEquals(clock.pendingCount, 0);
  }
  await assertRejects(() => ask(AbortSignal.abort(new RangeError("before"))).segment, RangeError);
  stream.end("c");
  await turn();
  assertEquals(await hexOf(ask()), "616263");
});

Deno.test("SegmentCutter destroyed destroys its stream, and fails whoever waits", async () => {
  const { stream, cutter, clock, ask } = setUp();
  const failed = assertRejects(() => ask().segment, ClosedError);
  cutter.destroy();
  await failed;
  assert(stream.destroyed);
  assertEquals(clock.pendingCount, 0);
});

Deno.test("SegmentCutter takes no more than a segment and a bit from its stream while nobody asks", async () => {
  const size = 10_000;
  const { stream, cutter, ask } = cutterOf(new CountedSource(size));
  let taken = 0;
  for (let i = 0; i < 5; i++) {
    for (let j = 0; j < 100; j++) await turn();
    assert(stream.given - taken >= SEGMENT_BYTES, `${stream.given - taken} bytes`);
    assert(stream.given - taken <= SEGMENT_BYTES + 2 * size, `${stream.given - taken} bytes`);
    const segment = await ask().segment;
    assert(segment.kind === "bytes" && segment.bytes.length === SEGMENT_BYTES);
    taken += SEGMENT_BYTES;
  }
  cutter.destroy();
});

Deno.test("property: segments are never empty nor over SEGMENT_BYTES, and make up the stream", async () => {
  const sizes = fc.array(
    fc.oneof(fc.nat({ max: 10 }), fc.nat({ max: 200_000 }), fc.constant(SEGMENT_BYTES)),
    { maxLength: 6 },
  );
  const step = fc.integer({ min: 1, max: SEGMENT_HOLD_MS });
  await fc.assert(
    fc.asyncProperty(sizes, step, async (lengths, ms) => {
      const bytes = patternOf(lengths.reduce((sum, length) => sum + length, 0));
      let at = 0;
      const chunks = lengths.map((length) => bytes.slice(at, at += length));
      const { clock, ask } = cutterOf(Readable.from(chunks));
      const segments: Uint8Array[] = [];
      for (;;) {
        const asked = ask();
        while (!await asked.hasCome()) clock.advance(ms);
        const segment = await asked.segment;
        if (segment.kind === "end") break;
        if (segment.kind === "bytes") segments.push(segment.bytes);
      }
      assert(segments.every(({ length }) => length > 0 && length <= SEGMENT_BYTES));
      const whole = concatBytes(segments);
      assert(whole.length === bytes.length && whole.every((byte, i) => byte === bytes[i]));
    }),
    { numRuns: 50 },
  );
});
