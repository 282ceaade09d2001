import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import fc from "fast-check";
import { ClosedError } from "../../lib/base/errors.ts";
import { MAX_TEXTS, SEGMENT_BYTES, STREAM_IDLE_MS } from "../../lib/base/limits.ts";
import { RecordStream, type RecordStreamOptions } from "../../lib/wire/record_stream.ts";
import { concatBytes, cutAt, fromHex, fromLatin1, patternOf, toHex } from "../support/bytes.ts";
import { CountedSource } from "../support/counted_source.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { readBody } from "../support/read_body.ts";
import { turn } from "../support/turn.ts";

const HEAD = fromHex("21000000000004 0065 0000");
const END = "23000000000002 0000";
const ABORT = "24000000000000";
const IDLE = "25000000000000";

function dataOf(bytes: Uint8Array): string {
  return `22${bytes.length.toString(16).padStart(12, "0")}${toHex(bytes)}`;
}

function streamOf(options: Partial<RecordStreamOptions>): RecordStream {
  return new RecordStream({ body: null, length: null, clock: new ManualClock(), ...options });
}

async function hexOf(stream: RecordStream): Promise<string> {
  return toHex(await readBody(stream));
}

function hex(...parts: string[]): string {
  return parts.join("").replace(/ /g, "");
}

Deno.test("RecordStream frames no body, and bytes, in one DATA record and END", async () => {
  const none = streamOf({ head: HEAD });
  assertEquals(none.byteLength, 11 + 7 + 9);
  assertEquals(await hexOf(none), hex(toHex(HEAD), "22000000000000", END));
  const bytes = streamOf({ head: HEAD, body: fromLatin1("hi") });
  assertEquals(bytes.byteLength, 11 + 7 + 2 + 9);
  assertEquals(await hexOf(bytes), hex(toHex(HEAD), "22000000000002 6869", END));
  const empty = streamOf({ body: new Uint8Array() });
  assertEquals(empty.byteLength, 7 + 9);
  assertEquals(await hexOf(empty), hex("22000000000000", END));
});

Deno.test("RecordStream frames a body of a known length in one record, of the body's own chunks", async () => {
  const chunks = cutAt(patternOf(300), [100, 101]);
  const stream = streamOf({ head: HEAD, body: Readable.from(chunks), length: 300 });
  const came: Uint8Array[] = [];
  stream.on("data", (chunk: Uint8Array) => came.push(chunk));
  await once(stream, "end");
  const bytes = concatBytes(came);
  assertEquals(toHex(bytes), hex(toHex(HEAD), dataOf(patternOf(300)), END));
  assertEquals(stream.byteLength, bytes.length);
  assert(came.some((chunk) => chunk.buffer === chunks[0]?.buffer));
  assertEquals(stream.ownsChunks, false);
});

Deno.test("RecordStream frames a body without a length in a record per chunk, none for empty ones", async () => {
  const chunks = [fromLatin1("a"), new Uint8Array(), fromLatin1("bc")];
  const stream = streamOf({ head: HEAD, body: Readable.from(chunks) });
  assertEquals([stream.byteLength, stream.ownsChunks], [null, true]);
  assertEquals(
    await hexOf(stream),
    hex(toHex(HEAD), "22000000000001 61", "22000000000002 6263", END),
  );
  assertEquals(await hexOf(streamOf({ body: Readable.from([]) })), hex(END));
});

Deno.test("RecordStream frees chunks that it has copied, where it owns them, and no others", async () => {
  for (const isOwned of [true, false]) {
    for (const length of [null, 20]) {
      const chunk = patternOf(20);
      const body = Object.assign(Readable.from([chunk]), { ownsChunks: isOwned });
      const stream = streamOf({ body, length });
      assertEquals(stream.ownsChunks, length === null || isOwned);
      assertEquals(await hexOf(stream), hex(dataOf(patternOf(20)), END));
      assertEquals(chunk.length, isOwned && length === null ? 0 : 20);
    }
  }
});

Deno.test("RecordStream asks for trailers when a body without a length has ended, else never", async () => {
  let asked = 0;
  let hasEnded = false;
  const trailers = (): string[] => {
    asked++;
    return hasEnded ? ["A", "\xff"] : [];
  };
  const body = new PassThrough();
  const result = hexOf(streamOf({ body, trailers }));
  body.write("a");
  await turn();
  assertEquals(asked, 0);
  hasEnded = true;
  body.end();
  assertEquals(await result, hex("22000000000001 61", "23000000000008 0002 0001 0001 41 ff"));
  assertEquals(asked, 1);
  const withLength = streamOf({ body: Readable.from([patternOf(1)]), length: 1, trailers });
  assertEquals(await hexOf(withLength), hex(dataOf(patternOf(1)), END));
  assertEquals(
    await hexOf(streamOf({ body: patternOf(1), trailers })),
    hex(dataOf(patternOf(1)), END),
  );
  assertEquals(asked, 1);
});

Deno.test("RecordStream aborts where trailers are past the bounds of a record, or fail", async () => {
  const faults: (() => string[])[] = [
    () => Array<string>(MAX_TEXTS + 2).fill("a"),
    () => ["a", "€"],
    () => {
      throw new Error("no trailers");
    },
  ];
  for (const trailers of faults) {
    const clock = new ManualClock();
    const stream = streamOf({ body: Readable.from([fromLatin1("a")]), trailers, clock });
    assertEquals(await hexOf(stream), hex("22000000000001 61", ABORT));
    assertEquals(clock.pendingCount, 0);
  }
});

Deno.test("RecordStream sends IDLE when it has sent nothing for STREAM_IDLE_MS, and each time anew", async () => {
  const clock = new ManualClock();
  const body = new PassThrough();
  const stream = streamOf({ body, clock });
  let came = "";
  stream.on("data", (chunk: Uint8Array) => came += toHex(chunk));
  await turn();
  const advance = async (ms: number, expected: string): Promise<void> => {
    clock.advance(ms);
    await turn();
    assertEquals(came, expected);
    came = "";
  };
  await advance(STREAM_IDLE_MS - 1, "");
  await advance(1, IDLE);
  await advance(STREAM_IDLE_MS - 1, "");
  await advance(1, IDLE);
  await advance(100, "");
  body.write("a");
  await advance(0, "2200000000000161");
  await advance(STREAM_IDLE_MS - 1, "");
  await advance(1, IDLE);
  body.end();
  await advance(0, hex(END));
  assertEquals(clock.pendingCount, 0);
});

Deno.test("RecordStream sends no IDLE while bytes flow, nor while nobody reads those that wait", async () => {
  const clock = new ManualClock();
  const body = new PassThrough();
  const stream = streamOf({ body, clock });
  let came = "";
  stream.on("data", (chunk: Uint8Array) => came += toHex(chunk));
  for (let i = 0; i < 10; i++) {
    body.write("a");
    await turn();
    clock.advance(STREAM_IDLE_MS - 1);
  }
  assertEquals(came, "2200000000000161".repeat(10));
  stream.pause();
  body.write("b");
  await turn();
  clock.advance(10 * STREAM_IDLE_MS);
  body.end();
  await turn();
  assertEquals(clock.pendingCount, 0);
  stream.resume();
  await once(stream, "end");
  assertEquals(came.slice(-2 * 8 - hex(END).length), hex("2200000000000162", END));
});

Deno.test("RecordStream sets no timer before it is read, and none where the length is known", async () => {
  const clock = new ManualClock();
  const body = new PassThrough();
  streamOf({ body, clock });
  const stream = streamOf({ body, length: 10, clock });
  stream.resume();
  await turn();
  assertEquals(clock.pendingCount, 0);
  stream.destroy();
});

const FAILURES: readonly (readonly [string, (body: PassThrough) => void])[] = [
  ["fails", (body) => body.destroy(new Error("disk on fire"))],
  ["is destroyed", (body) => body.destroy()],
];

for (const [how, fail] of FAILURES) {
  for (const isBefore of [true, false]) {
    const when = isBefore ? "before it is read" : "in the middle";
    Deno.test(`RecordStream aborts and ends where a body without a length ${how} ${when}`, async () => {
      const clock = new ManualClock();
      const body = new PassThrough();
      const stream = streamOf({ head: HEAD, body, clock });
      if (isBefore) fail(body);
      await turn();
      const result = hexOf(stream);
      if (!isBefore) body.write("a");
      await turn();
      if (!isBefore) fail(body);
      assertEquals(await result, hex(toHex(HEAD), isBefore ? "" : "2200000000000161", ABORT));
      assertEquals(clock.pendingCount, 0);
    });

    Deno.test(`RecordStream fails where a body of a known length ${how} ${when}`, async () => {
      const body = new PassThrough();
      const stream = streamOf({ body, length: 2 });
      if (isBefore) fail(body);
      await turn();
      const result = assertRejects(() => readBody(stream), ClosedError, "The body broke off");
      if (!isBefore) body.write("a");
      await turn();
      if (!isBefore) fail(body);
      await result;
    });
  }
}

Deno.test("RecordStream fails where a body is longer or shorter than its length, and destroys it", async () => {
  const faults = [[3, "it is too long"], [5, "it is too short"], [0, "it is too long"]] as const;
  for (const [length, reason] of faults) {
    const body = Readable.from([patternOf(2), patternOf(2)]);
    const stream = streamOf({ body, length });
    await assertRejects(() => readBody(stream), ClosedError, reason);
    assert(body.destroyed);
  }
});

Deno.test("RecordStream fails where six bytes cannot hold the length of its body", async () => {
  const body = Readable.from([patternOf(2)]);
  await assertRejects(
    () => readBody(streamOf({ body, length: 2 ** 48 })),
    RangeError,
    "six bytes are too few",
  );
  assert(body.destroyed);
});

Deno.test("RecordStream destroyed destroys its body, read or not, and stops its timer", async () => {
  for (const isRead of [true, false]) {
    for (const length of [null, 100]) {
      const clock = new ManualClock();
      const body = new PassThrough();
      const stream = streamOf({ body, length, clock });
      if (isRead) stream.resume();
      await turn();
      stream.destroy();
      assert(body.destroyed);
      assertEquals(clock.pendingCount, 0);
      await turn();
    }
  }
});

Deno.test("RecordStream leaves a body unread until it is read itself", async () => {
  const body = new CountedSource(100);
  const stream = streamOf({ body });
  await turn();
  assertEquals(body.given, 0);
  stream.destroy();
});

for (const length of [null, 2 ** 40]) {
  Deno.test(`RecordStream of ${length === null ? "no" : "a"} length takes no more than it may hold while nobody reads`, async () => {
    const size = 10_000;
    const body = new CountedSource(size);
    const stream = streamOf({ body, length });
    stream.read(0);
    for (let i = 0; i < 100; i++) await turn();
    const most = SEGMENT_BYTES + 3 * size;
    assert(body.given >= SEGMENT_BYTES && body.given <= most, `${body.given} bytes`);
    for (let i = 0; i < 5; i++) {
      const before = body.given;
      // It goes on when some of that is taken, again by no more than it may hold.
      let taken = 0;
      while (taken < SEGMENT_BYTES) {
        const chunk: Uint8Array | null = stream.read();
        if (chunk === null) await turn();
        else taken += chunk.length;
      }
      for (let j = 0; j < 100; j++) await turn();
      assert(body.given > before && body.given <= before + taken + most, `${body.given} bytes`);
      assert(stream.readableLength <= most);
    }
    stream.destroy();
    await turn();
  });
}

Deno.test("property: records hold the body, whatever its chunks, and its length or none", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 5000 }),
      fc.array(fc.nat()),
      fc.boolean(),
      async (bytes, cuts, isKnown) => {
        const chunks = cutAt(bytes, cuts);
        const body = Readable.from(chunks);
        const records = isKnown
          ? [dataOf(bytes)]
          : chunks.filter(({ length }) => length > 0).map((chunk) => dataOf(chunk));
        const stream = streamOf({ head: HEAD, body, length: isKnown ? bytes.length : null });
        assertEquals(await hexOf(stream), hex(toHex(HEAD), ...records, END));
      },
    ),
  );
});
