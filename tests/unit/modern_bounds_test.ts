/** The bounds of one record of the modern protocol: what is at them survives, one more does not. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { MAX_TEXTS, MAX_TEXTS_BYTES } from "../../lib/base/limits.ts";
import {
  encodeAnswer,
  encodeInform,
  encodeRequest,
  encodeStreamHead,
  type ModernRequest,
  readRelayMessages,
  readServerMessages,
  type RelayMessage,
  type ServerMessage,
} from "../../lib/wire/modern_messages.ts";
import { PayloadReader, readLength, writeLength } from "../../lib/wire/records.ts";
import { ID, patternOf, toHex } from "../support/bytes.ts";

const NONCE = patternOf(16);
const REQUEST: ModernRequest = {
  id: ID,
  method: "M",
  target: "/",
  address: "a",
  headers: [],
  body: new Uint8Array(),
  wantsUpgrade: false,
};

function readRelay(bytes: Uint8Array): RelayMessage[] {
  const messages: RelayMessage[] = [];
  // A Buffer is another class, and equal to none of the bodies that are expected.
  readRelayMessages(new Uint8Array(bytes), (message) => messages.push(message));
  return messages;
}

function readServer(bytes: Uint8Array): ServerMessage[] {
  const messages: ServerMessage[] = [];
  readServerMessages(new Uint8Array(bytes), (message) => messages.push(message));
  return messages;
}

/** So many texts, of so many bytes in all. */
function fill(count: number, length: number): string[] {
  const short = Math.floor(length / count);
  return Array.from(
    { length: count },
    (_, i) => "x".repeat(i < length % count ? short + 1 : short),
  );
}

Deno.test("texts at the bounds of one record survive, and one more is refused on encoding", () => {
  const encode = (headers: string[]): Uint8Array => encodeInform(ID, { status: 103, headers });
  for (
    const headers of [fill(MAX_TEXTS, MAX_TEXTS_BYTES), fill(2, 65_536), ["", "x".repeat(65_535)]]
  ) {
    assertEquals(readServer(encode(headers)), [
      { type: "inform", id: ID, head: { status: 103, headers } },
    ]);
  }
  for (
    const headers of [fill(MAX_TEXTS + 2, MAX_TEXTS + 2), fill(MAX_TEXTS, MAX_TEXTS_BYTES + 1)]
  ) {
    assertThrows(() => encode(headers), RangeError, "are too many");
    assertThrows(() => encodeStreamHead({ status: 200, headers }), RangeError, "are too many");
    assertThrows(() => encodeAnswer(ID, { status: 200, headers }, NONCE), RangeError, "too many");
  }
  assertThrows(() => encode(["", "x".repeat(65_536)]), RangeError, "over 65535 bytes");
});

Deno.test("encodeRequest counts method, target and address among the texts", () => {
  const most = { ...REQUEST, headers: fill(MAX_TEXTS - 4, MAX_TEXTS_BYTES - 3) };
  assertEquals(readRelay(encodeRequest(most)), [{ type: "request", request: most }]);
  const tooMany = { ...REQUEST, headers: fill(MAX_TEXTS - 2, 0) };
  assertThrows(() => encodeRequest(tooMany), RangeError, "2049 of 3 bytes are too many");
  const tooLong = { ...REQUEST, headers: fill(4, MAX_TEXTS_BYTES - 2) };
  assertThrows(() => encodeRequest(tooLong), RangeError, "7 of 65537 bytes are too many");
});

Deno.test("encodeRequest refuses a length of a stream that six bytes cannot hold", () => {
  const encode = (streamLength: number): Uint8Array =>
    encodeRequest({ ...REQUEST, body: { streamLength } });
  const [message] = readRelay(encode(2 ** 48 - 2));
  assert(message?.type === "request");
  assertEquals(message.request.body, { streamLength: 2 ** 48 - 2 });
  for (const length of [2 ** 48, 2 ** 53, 1e300]) {
    assertThrows(() => encode(length), RangeError, "six bytes are too few");
  }
});

Deno.test("writeLength and readLength agree on six bytes, up to the greatest number in them", () => {
  const lengths = [0, 1, 255, 256, 65_535, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40];
  for (const length of [...lengths, 0x0102_0304_0506, 2 ** 48 - 1]) {
    const bytes = new Uint8Array(8).fill(0xaa);
    assertEquals(writeLength(bytes, 1, length), 7);
    assertEquals(toHex(bytes), `aa${length.toString(16).padStart(12, "0")}aa`);
    assertEquals(readLength(bytes, 1), length);
  }
});

Deno.test("PayloadReader reads what it is given, also where that is a part of something larger", () => {
  const bytes = patternOf(300).subarray(7, 60);
  const reader = new PayloadReader(bytes, "thing");
  assertEquals(reader.readByte(), bytes[0]);
  assertEquals(reader.readUint16(), ((bytes[1] ?? 0) << 8) + (bytes[2] ?? 0));
  assertEquals(reader.readLength(), readLength(bytes, 3));
  assertEquals(reader.readLatin1(10), String.fromCharCode(...bytes.subarray(9, 19)));
  assert(!reader.isAtEnd);
  const rest = reader.readRest();
  assertEquals([rest.length, rest.byteOffset], [34, 7 + 19]);
  assert(rest.buffer === bytes.buffer && reader.isAtEnd);
  reader.expectEnd();
  assertThrows(() => reader.readByte(), Error, "Cannot decode thing: it is cut short");
});
