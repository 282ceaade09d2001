import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { once } from "node:events";
import { ClosedError, ProtocolError } from "../../lib/base/errors.ts";
import { encodeStreamHead, type ModernHead } from "../../lib/wire/modern_messages.ts";
import { encodeEmptyRecord, encodeRecord } from "../../lib/wire/records.ts";
import { StreamDecoder, type StreamDecoderOptions } from "../../lib/wire/stream_decoder.ts";
import { concatBytes, cutAt, fromHex, patternOf, piecesOf, toHex } from "../support/bytes.ts";
import { readBody } from "../support/read_body.ts";
import { turn } from "../support/turn.ts";

const [DATA, ABORT, IDLE] = [0x22, 0x24, 0x25];
const HEAD: ModernHead = { status: 200, headers: ["A", "\xff"] };
const TRAILERS = ["T", "\xff"];
const END = fromHex("23000000000008 0002 0001 0001 54 ff");

function twice(bytes: Uint8Array): Uint8Array {
  return concatBytes([bytes, bytes]);
}

interface Noted {
  readonly decoder: StreamDecoder;
  readonly heads: ModernHead[];
  wanted: number;
  closed: number;
}

function setUp(kind: "answer" | "body", options: Partial<StreamDecoderOptions> = {}): Noted {
  const heads: ModernHead[] = [];
  const noted: Noted = {
    heads,
    wanted: 0,
    closed: 0,
    decoder: new StreamDecoder({
      ...(kind === "answer" ? { onHead: (head: ModernHead) => void heads.push(head) } : {}),
      onWanted: () => noted.wanted++,
      onClosed: () => noted.closed++,
      ownsChunks: false,
      ...options,
    }),
  };
  return noted;
}

function concatHex(parts: readonly Uint8Array[]): string {
  return toHex(concatBytes(parts));
}

async function hexOf({ decoder }: Noted): Promise<string> {
  return toHex(await readBody(decoder.body));
}

const ANSWER = concatBytes([
  encodeStreamHead(HEAD),
  encodeEmptyRecord(IDLE),
  encodeRecord(DATA, patternOf(20)),
  encodeEmptyRecord(DATA),
  encodeEmptyRecord(IDLE),
  encodeRecord(DATA, patternOf(3)),
  END,
]);
const BODY_HEX = concatHex([patternOf(20), patternOf(3)]);

Deno.test("StreamDecoder takes head, body and trailers at every two cuts", async () => {
  for (let first = 0; first <= ANSWER.length; first++) {
    for (let second = first; second <= ANSWER.length; second += 4) {
      const noted = setUp("answer");
      for (const part of cutAt(ANSWER, [first, second])) noted.decoder.push(part);
      assertEquals(noted.heads, [HEAD]);
      assert(noted.decoder.isOver);
      assertEquals(await hexOf(noted), BODY_HEX, `cut at ${first} and ${second}`);
      assertEquals(noted.decoder.body.trailers, TRAILERS);
    }
  }
});

Deno.test("StreamDecoder takes an answer byte by byte, each thing as soon as it is there", async () => {
  const noted = setUp("answer");
  const { decoder } = noted;
  const came: Uint8Array[] = [];
  decoder.body.on("data", (chunk: Uint8Array) => came.push(chunk));
  const ended = once(decoder.body, "end");
  const headLength = encodeStreamHead(HEAD).length;
  for (const [at, byte] of piecesOf(ANSWER, 1).entries()) {
    assertEquals(noted.heads.length, at < headLength ? 0 : 1);
    assert(!decoder.isOver);
    decoder.push(byte);
    assertEquals(decoder.bytesTaken, at + 1);
    await turn();
    // At 11, 7 + 7 bytes behind the head: the first of the body.
    if (at === headLength + 7 + 7) assertEquals(concatHex(came), "00");
  }
  assert(decoder.isOver);
  await ended;
  assertEquals(concatHex(came), BODY_HEX);
  assertEquals(decoder.body.trailers, TRAILERS);
});

Deno.test("StreamDecoder takes a body stream, which has no HEAD, of no byte and of many", async () => {
  const none = setUp("body");
  none.decoder.push(fromHex("23000000000002 0000"));
  assertEquals(await hexOf(none), "");
  assertEquals(none.decoder.body.trailers, []);
  const noted = setUp("body");
  noted.decoder.push(concatBytes([encodeRecord(DATA, patternOf(1000)), END]));
  assertEquals(await hexOf(noted), toHex(patternOf(1000)));
});

Deno.test("StreamDecoder says of its body whether its chunks may be freed", () => {
  for (const ownsChunks of [true, false]) {
    assertEquals(setUp("body", { ownsChunks }).decoder.body.ownsChunks, ownsChunks);
  }
});

Deno.test("StreamDecoder fails its body at ABORT, and where the stream breaks off", async () => {
  const data = encodeRecord(DATA, patternOf(3));
  const aborted = setUp("body");
  const result = assertRejects(() => hexOf(aborted), ClosedError, "The body broke off");
  aborted.decoder.push(concatBytes([data, encodeEmptyRecord(ABORT)]));
  assert(aborted.decoder.isOver);
  await result;
  for (const [kind, length] of [["answer", 0], ["answer", 5], ["body", 0], ["body", 9]] as const) {
    const noted = setUp(kind);
    const broken = assertRejects(() => hexOf(noted), ClosedError, "The body broke off");
    noted.decoder.push((kind === "answer" ? ANSWER : data).subarray(0, length));
    noted.decoder.breakOff();
    assert(noted.decoder.isOver);
    await broken;
    assertEquals(noted.closed, 1);
  }
});

Deno.test("StreamDecoder keeps a whole body whole where the stream breaks off behind it", async () => {
  const noted = setUp("answer");
  noted.decoder.push(ANSWER);
  noted.decoder.breakOff();
  assertEquals(await hexOf(noted), BODY_HEX);
});

const VIOLATIONS: readonly (readonly [string, "answer" | "body", Uint8Array, string])[] = [
  ["DATA before HEAD", "answer", encodeEmptyRecord(DATA), "type 22 may not come here"],
  ["IDLE before HEAD", "answer", encodeEmptyRecord(IDLE), "type 25 may not come here"],
  ["ABORT before HEAD", "answer", encodeEmptyRecord(ABORT), "type 24 may not come here"],
  ["END before HEAD", "answer", END, "type 23 may not come here"],
  ["a second HEAD", "answer", twice(encodeStreamHead(HEAD)), "type 21 may not come here"],
  ["HEAD in a body stream", "body", encodeStreamHead(HEAD), "type 21 may not come here"],
  ["HEAD that is cut short", "answer", fromHex("21000000000002 00c8"), "it is cut short"],
  ["HEAD over its bound", "answer", fromHex("21000000040001"), "type 21 is over 262144 bytes"],
  ["a type that is unknown", "body", fromHex("26000000000000"), "type 26 may not come here"],
  ["a message", "body", fromHex("04000000000000"), "type 04 may not come here"],
  ["IDLE with a payload", "body", fromHex("25000000000001"), "type 25 is over 0 bytes"],
  ["ABORT with a payload", "body", fromHex("24000000000001"), "type 24 is over 0 bytes"],
  ["END without texts", "body", fromHex("23000000000000"), "Cannot decode END: it is cut short"],
  ["END of a name alone", "body", fromHex("23000000000005 0001 0001 54"), "a field has no value"],
  ["END with more in it", "body", fromHex("23000000000003 0000 00"), "bytes follow its last part"],
  ["END over its bound", "body", fromHex("23000000040001"), "type 23 is over 262144 bytes"],
];

for (const [what, kind, bytes, reason] of VIOLATIONS) {
  Deno.test(`StreamDecoder refuses ${what}, whole and byte by byte, and fails its body`, async () => {
    for (const size of [1, bytes.length]) {
      const noted = setUp(kind);
      const result = assertRejects(() => hexOf(noted), ClosedError, "The body broke off");
      const parts = piecesOf(bytes, size);
      assertThrows(() => parts.forEach((part) => noted.decoder.push(part)), ProtocolError, reason);
      assert(noted.decoder.isOver);
      await result;
      assertEquals(noted.closed, 1);
      assertThrows(() => noted.decoder.push(fromHex("00")), ProtocolError, "Bytes follow the end");
    }
  });
}

Deno.test("StreamDecoder refuses bytes behind END, in its chunk and after it; the body stays whole", async () => {
  for (const isInChunk of [true, false]) {
    const noted = setUp("answer");
    const more = encodeEmptyRecord(IDLE);
    if (!isInChunk) noted.decoder.push(ANSWER);
    assertThrows(
      () => noted.decoder.push(isInChunk ? concatBytes([ANSWER, more]) : more),
      ProtocolError,
      isInChunk ? "type 25 may not come here" : "Bytes follow the end of a stream",
    );
    assertEquals(await hexOf(noted), BODY_HEX);
  }
  const noted = setUp("body");
  noted.decoder.push(encodeEmptyRecord(ABORT));
  noted.decoder.push(new Uint8Array());
  assertThrows(() => noted.decoder.push(fromHex("25")), ProtocolError, "Bytes follow the end");
});

Deno.test("StreamDecoder wants bytes when its body is read, and is full when that holds enough", async () => {
  const noted = setUp("body");
  const { decoder } = noted;
  await turn();
  assertEquals([noted.wanted, decoder.isFull], [0, false]);
  let held = 0;
  while (!decoder.isFull && held < 1_000_000) {
    decoder.push(encodeRecord(DATA, patternOf(10_000)));
    held += 10_000;
  }
  assert(held <= decoder.body.readableHighWaterMark + 10_000, `${held} bytes`);
  await turn();
  assert(decoder.isFull);
  decoder.body.resume();
  await turn();
  assert(noted.wanted > 0 && !decoder.isFull);
  decoder.push(END);
  await once(decoder.body, "close");
});

Deno.test("StreamDecoder says once that nobody reads its body, at its end or before, and takes the rest", async () => {
  const noted = setUp("answer");
  const { decoder } = noted;
  decoder.push(ANSWER.subarray(0, 40));
  assertEquals(noted.closed, 0);
  decoder.body.destroy();
  assertEquals([noted.closed, decoder.isOver], [1, false]);
  decoder.push(ANSWER.subarray(40));
  assert(decoder.isOver && !decoder.isFull);
  decoder.breakOff();
  await turn();
  assertEquals(noted.closed, 1);
  const toEnd = setUp("answer");
  toEnd.decoder.push(ANSWER);
  assertEquals(toEnd.closed, 0);
  await hexOf(toEnd);
  await turn();
  assertEquals(toEnd.closed, 1);
});
