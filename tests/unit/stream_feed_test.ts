import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import fc from "fast-check";
import { ClosedError, type ProtocolError } from "../../lib/base/errors.ts";
import { DATA } from "../../lib/wire/modern.ts";
import { encodeStreamHead, type ModernHead } from "../../lib/wire/modern_messages.ts";
import { RecordStream } from "../../lib/wire/record_stream.ts";
import { encodeRecord } from "../../lib/wire/records.ts";
import { feed, StreamDecoder } from "../../lib/wire/stream_decoder.ts";
import { concatBytes, cutAt, fromHex, patternOf, toHex } from "../support/bytes.ts";
import { CountedSource } from "../support/counted_source.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { readBody } from "../support/read_body.ts";
import { turn } from "../support/turn.ts";

const HEAD: ModernHead = { status: 200, headers: ["A", "\xff"] };
const TRAILERS = ["T", "\xff"];

/** A decoder fed by a source, as whoever uses both does. */
function feedFrom(source: Readable): {
  readonly decoder: StreamDecoder;
  readonly heads: ModernHead[];
  readonly violations: ProtocolError[];
} {
  const heads: ModernHead[] = [];
  const violations: ProtocolError[] = [];
  const decoder = new StreamDecoder({
    onHead: (head) => heads.push(head),
    onWanted: () => source.resume(),
    onClosed: () => source.destroy(),
    ownsChunks: false,
  });
  feed(decoder, source, (error) => violations.push(error));
  return { decoder, heads, violations };
}

async function hexOf(decoder: StreamDecoder): Promise<string> {
  return toHex(await readBody(decoder.body));
}

Deno.test("feed breaks the body off where its source ends too early, fails, or has failed before", async () => {
  const data = concatBytes([encodeStreamHead(HEAD), encodeRecord(DATA, patternOf(5))]).subarray(
    0,
    -1,
  );
  const ends: ((source: PassThrough) => void)[] = [
    (source) => source.end(),
    (source) => source.destroy(),
    (source) => source.destroy(new Error("the network is on fire")),
  ];
  for (const end of ends) {
    // So that "end" is seen apart from "close".
    const source = new PassThrough({ autoDestroy: false });
    const fed = feedFrom(source);
    const result = assertRejects(() => hexOf(fed.decoder), ClosedError, "The body broke off");
    source.write(data);
    await turn();
    end(source);
    await result;
    assertEquals(fed.violations, []);
    assert(source.destroyed);
  }
  const gone = new PassThrough();
  gone.destroy();
  await once(gone, "close");
  await assertRejects(() => hexOf(feedFrom(gone).decoder), ClosedError, "The body broke off");
});

Deno.test("feed destroys a source that violates the protocol, fails the body, and says so once", async () => {
  const source = new PassThrough();
  const violations: ProtocolError[] = [];
  const decoder = new StreamDecoder({ onWanted: () => {}, onClosed: () => {}, ownsChunks: false });
  feed(decoder, source, (error) => violations.push(error));
  const result = assertRejects(() => hexOf(decoder), ClosedError, "The body broke off");
  source.write(fromHex("26000000000000"));
  source.write(fromHex("26000000000000"));
  await result;
  await turn();
  assert(source.destroyed);
  assertEquals(violations.map(({ message }) => message), [
    "A record of the type 26 may not come here",
  ]);
});

Deno.test("feed takes no more from its source than the body may hold while nobody reads that", async () => {
  const size = 10_000;
  const endless = new CountedSource(size);
  const clock = new ManualClock();
  const stream = new RecordStream({
    head: encodeStreamHead(HEAD),
    body: endless,
    length: null,
    clock,
  });
  const { decoder } = feedFrom(stream);
  for (let i = 0; i < 300; i++) await turn();
  const most = stream.readableHighWaterMark + decoder.body.readableHighWaterMark + 6 * size;
  assert(decoder.isFull && endless.given <= most, `${endless.given} bytes`);
  let taken = 0;
  while (taken < 10 * most) {
    const chunk: Uint8Array | null = decoder.body.read();
    if (chunk === null) await turn();
    else taken += chunk.length;
  }
  for (let i = 0; i < 300; i++) await turn();
  assert(endless.given >= taken && endless.given <= taken + most, `${endless.given} bytes`);
  // The reader's leaving goes all the way back.
  decoder.body.destroy();
  await turn();
  assert(stream.destroyed && endless.destroyed);
  assertEquals(clock.pendingCount, 0);
});

Deno.test("property: the decoded body is the source's, whatever the chunks of both and of the wire", async () => {
  const cuts = fc.array(fc.nat(), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 5000 }),
      cuts,
      cuts,
      fc.boolean(),
      async (bytes, bodyCuts, wireCuts, isKnown) => {
        const stream = new RecordStream({
          head: encodeStreamHead(HEAD),
          body: Readable.from(cutAt(bytes, bodyCuts)),
          length: isKnown ? bytes.length : null,
          trailers: () => TRAILERS,
          clock: new ManualClock(),
        });
        const wire = Readable.from(cutAt(await readBody(stream), wireCuts));
        const { decoder, heads, violations } = feedFrom(wire);
        assertEquals(await hexOf(decoder), toHex(bytes));
        assertEquals<unknown>([heads, violations], [[HEAD], []]);
        assertEquals(decoder.body.trailers, isKnown ? [] : TRAILERS);
      },
    ),
  );
});
