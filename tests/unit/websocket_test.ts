import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { ProtocolError } from "../../lib/base/errors.ts";
import {
  CLOSE_GOING_AWAY,
  CLOSE_NORMAL,
  CLOSE_POLICY,
  CLOSE_PROTOCOL_ERROR,
  encodeClose,
  encodeMessage,
  encodeWebSocketPong,
  toAcceptKey,
  WebSocketReader,
  type WebSocketSink,
} from "../../lib/wire/websocket.ts";
import { concatBytes, cutAt, fromHex, patternOf, piecesOf, toHex } from "../support/bytes.ts";

const MAX = 70_000;
/** As in lib/wire/websocket.ts. */
const MAX_FRAGMENTS = 1024;

class Notes implements WebSocketSink {
  readonly all: string[] = [];
  message(bytes: Uint8Array): void {
    this.all.push(`message ${toHex(bytes)}`);
  }
  ping(payload: Uint8Array): void {
    this.all.push(`ping ${toHex(payload)}`);
  }
  close(code: number, reason: string): void {
    this.all.push(`close ${code} ${reason}`);
  }
}

function setUp(isMasked: boolean): { notes: Notes; reader: WebSocketReader } {
  const notes = new Notes();
  return { notes, reader: new WebSocketReader({ isMasked, maxMessageBytes: MAX }, notes) };
}

/** What a reader makes of parts, which it may change. */
function read(parts: readonly Uint8Array[], isMasked: boolean): string[] {
  const { notes, reader } = setUp(isMasked);
  for (const part of parts) reader.push(part);
  return notes.all;
}

/** A frame made apart from the code under test. */
function frame(first: number, payload: Uint8Array, mask?: Uint8Array): Uint8Array<ArrayBuffer> {
  const { length } = payload;
  const bit = mask === undefined ? 0 : 0x80;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = first;
  head[1] = bit | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
  const masked = payload.map((byte, i) => byte ^ (mask?.[i % 4] ?? 0));
  return concatBytes([head, mask ?? new Uint8Array(), masked]);
}

const MASK = fromHex("37fa213d");

Deno.test("WebSocketReader reads the examples of RFC 6455 §5.7, as far as they are binary", () => {
  assertEquals(read([fromHex("8905 48656c6c6f")], false), ["ping 48656c6c6f"]);
  assertEquals(read([fromHex("8985 37fa213d 7f9f4d5158")], true), ["ping 48656c6c6f"]);
  assertEquals(read([fromHex("8a85 37fa213d 7f9f4d5158")], true), []);
  const big = concatBytes([fromHex("827e0100"), patternOf(256)]);
  assertEquals(read([big], false), [`message ${toHex(patternOf(256))}`]);
  const bigger = concatBytes([fromHex("827f0000000000010000"), patternOf(65_536)]);
  assertEquals(read([bigger], false), [`message ${toHex(patternOf(65_536))}`]);
});

Deno.test("toAcceptKey answers the key of RFC 6455 §1.3 as it says there", () => {
  assertEquals(toAcceptKey("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

Deno.test("the close codes are those of RFC 6455 §7.4.1", () => {
  const codes = [CLOSE_NORMAL, CLOSE_GOING_AWAY, CLOSE_PROTOCOL_ERROR, CLOSE_POLICY];
  assertEquals<readonly number[]>(codes, [1000, 1001, 1002, 1008]);
});

for (const length of [0, 1, 31, 32, 125, 126, 127, 65_535, 65_536, MAX]) {
  Deno.test(`encodeMessage frames ${length} bytes as RFC 6455 §5.2 says, and they are read`, () => {
    const payload = patternOf(length);
    const plain = encodeMessage([payload], false);
    assertEquals(toHex(plain), toHex(frame(0x82, payload)));
    const masked = encodeMessage([payload.subarray(0, 1), payload.subarray(1)], true);
    const maskAt = masked.length - length - 4;
    assertEquals(toHex(masked), toHex(frame(0x82, payload, masked.slice(maskAt, maskAt + 4))));
    for (const size of [1, 7, 1000, 100_000]) {
      assertEquals(read(piecesOf(plain, size), false), [`message ${toHex(payload)}`]);
      assertEquals(read(piecesOf(masked, size), true), [`message ${toHex(payload)}`]);
    }
  });
}

Deno.test("encodeMessage leaves the parts as they are, and masks each frame by bytes of its own", () => {
  const payload = patternOf(100);
  const masks = new Set<string>();
  // More than are drawn at once.
  for (let i = 0; i < 3000; i++) {
    masks.add(toHex(encodeMessage([payload], true).subarray(2, 6)));
  }
  assertEquals(toHex(payload), toHex(patternOf(100)));
  assert(masks.size > 2990, `${masks.size} masks`);
});

Deno.test("encodeWebSocketPong and encodeClose make one control frame", () => {
  assertEquals(toHex(encodeWebSocketPong(fromHex("4869"), false)), "8a024869");
  assertEquals(toHex(encodeClose(CLOSE_NORMAL, "", false)), "880203e8");
  assertEquals(toHex(encodeClose(CLOSE_POLICY, "no", false)), "880403f06e6f");
  assertEquals(read([encodeClose(CLOSE_POLICY, "no", true)], true), ["close 1008 no"]);
  assertEquals(encodeWebSocketPong(patternOf(125), true)[1], 0x80 | 125);
});

Deno.test("encodeClose cuts a reason to 123 bytes of whole characters", () => {
  const reasons = [
    ["x".repeat(123), 123],
    ["x".repeat(124), 123],
    [`${"x".repeat(122)}é`, 122],
    [`x${"é".repeat(61)}é`, 123],
    [`${"x".repeat(121)}🐙`, 121],
    ["€".repeat(60), 123],
  ] as const;
  for (const [reason, length] of reasons) {
    const bytes = encodeClose(1002, reason, false);
    assertEquals(bytes[1], 2 + length);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(4));
    assert(reason.startsWith(text));
  }
});

/** Frames of all kinds, and what they say. */
function sequence(mask: Uint8Array | undefined): Uint8Array {
  return concatBytes([
    frame(0x82, patternOf(3), mask),
    frame(0x82, new Uint8Array(), mask),
    frame(0x89, new Uint8Array(), mask),
    frame(0x02, patternOf(40), mask),
    frame(0x89, fromHex("0102"), mask),
    frame(0x00, new Uint8Array(), mask),
    frame(0x8a, fromHex("03"), mask),
    frame(0x80, fromHex("ff"), mask),
    frame(0x82, patternOf(130), mask),
    frame(0x88, fromHex("03e9 627965"), mask),
  ]);
}
const SAID = [
  `message ${toHex(patternOf(3))}`,
  "message ",
  "ping ",
  "ping 0102",
  `message ${toHex(patternOf(40))}ff`,
  `message ${toHex(patternOf(130))}`,
  "close 1001 bye",
];

for (const mask of [undefined, MASK]) {
  const isMasked = mask !== undefined;
  Deno.test(`WebSocketReader reads ${isMasked ? "masked" : "plain"} frames, control frames among fragments, at every two cuts`, () => {
    const bytes = sequence(mask);
    for (let size = 1; size <= bytes.length; size++) {
      assertEquals(read(piecesOf(bytes, size), isMasked), SAID, `pieces of ${size}`);
    }
    for (let first = 0; first <= bytes.length; first++) {
      for (let second = first; second <= bytes.length; second += 5) {
        assertEquals(read(cutAt(bytes, [first, second]), isMasked), SAID, `${first}, ${second}`);
      }
    }
  });
}

Deno.test("WebSocketReader takes masks off at any place in memory", () => {
  for (let offset = 0; offset < 8; offset++) {
    for (const length of [31, 32, 33, 34, 35, 100]) {
      const bytes = frame(0x82, patternOf(length), MASK);
      const shifted = concatBytes([new Uint8Array(offset), bytes]).subarray(offset);
      assertEquals(read([shifted], true), [`message ${toHex(patternOf(length))}`]);
    }
  }
});

Deno.test("WebSocketReader hands a whole message on without a copy, and keeps no memory of others", () => {
  const messages: Uint8Array[] = [];
  const { notes, reader } = setUp(false);
  notes.message = (bytes): void => void messages.push(bytes);
  const bytes = frame(0x82, patternOf(50));
  reader.push(bytes);
  assert(messages[0]?.buffer === bytes.buffer);
  const fragments = [frame(0x02, patternOf(50)), frame(0x80, patternOf(9))];
  for (const fragment of fragments) {
    reader.push(fragment);
    fragment.fill(0);
  }
  assertEquals(
    toHex(messages[1] ?? new Uint8Array()),
    toHex(concatBytes([patternOf(50), patternOf(9)])),
  );
});

const REFUSALS: readonly (readonly [string, string, string])[] = [
  ["a masked frame", "8281", "A frame is masked"],
  ["a masked frame without payload", "8980", "A frame is masked"],
  ["the first reserved bit", "c200", "reserved bit"],
  ["the second reserved bit", "a200", "reserved bit"],
  ["the third reserved bit", "9200", "reserved bit"],
  ["a text", "8100", "A message is not binary"],
  ["a fragmented text", "0100", "A message is not binary"],
  ...[3, 4, 5, 6, 7].map((opcode) =>
    [`the data opcode ${opcode}`, `8${opcode}00`, "A message is not binary"] as const
  ),
  ...["b", "c", "d", "e", "f"].map((opcode) =>
    [`the control opcode ${opcode}`, `8${opcode}00`, "unknown opcode"] as const
  ),
  ["a fragmented ping", "0900", "control frame is fragmented or too long"],
  ["a fragmented close", "0802", "control frame is fragmented or too long"],
  ["a ping of 126 bytes", "897e007e", "control frame is fragmented or too long"],
  ["a close with a long length", "887f0000000000010000", "fragmented or too long"],
  ["a continuation of nothing", "8000", "A fragment is out of place"],
  ["a continuation after a whole message", "8200 0000", "A fragment is out of place"],
  ["a continuation after a fragmented message", "0200 8000 8000", "A fragment is out of place"],
  ["a message amid the fragments of another", "0200 8200", "A fragment is out of place"],
  ["half a close code", "880103", "A close frame has half a code"],
  ["a message over its bound", "827f0000000000011171", "A message is over 70000 bytes"],
  ["a message of 2^48 - 1 bytes", "827f0000ffffffffffff", "A message is over 70000 bytes"],
  ["a message of 2^48 bytes", "827f0001000000000000", "A frame is far too long"],
  ["a message of 2^64 - 1 bytes", "827fffffffffffffffff", "A frame is far too long"],
];

for (const [what, hex, reason] of REFUSALS) {
  Deno.test(`WebSocketReader refuses ${what} by its head, byte by byte too`, () => {
    assertThrows(() => read([fromHex(hex)], false), ProtocolError, reason);
    assertThrows(() => read(piecesOf(fromHex(hex), 1), false), ProtocolError, reason);
  });
}

Deno.test("WebSocketReader refuses a frame of a client that is not masked at its second byte", () => {
  for (const hex of ["8200", "8201", "8800", "827e"]) {
    assertThrows(() => read([fromHex(hex)], true), ProtocolError, "A frame is not masked");
  }
});

Deno.test("WebSocketReader bounds a message in fragments as a whole one, before its payload comes", () => {
  const first = frame(0x02, patternOf(40_000));
  const rest = frame(0x80, patternOf(30_000));
  assertEquals(read([first, rest], false)[0]?.length, "message ".length + 2 * MAX);
  const { reader } = setUp(false);
  reader.push(first);
  assertThrows(() => reader.push(fromHex("807e7531")), ProtocolError, "A message is over 70000");
  // Each message has the whole bound.
  const again = setUp(false);
  for (let i = 0; i < 3; i++) [first, rest].forEach((part) => again.reader.push(part));
  assertEquals(again.notes.all.length, 3);
});

Deno.test("WebSocketReader takes a message of MAX_FRAGMENTS fragments, and refuses one more", () => {
  const fragments = (count: number): Uint8Array =>
    concatBytes([
      frame(0x02, patternOf(1)),
      ...Array.from({ length: count - 2 }, () => frame(0x00, patternOf(1))),
      frame(0x80, patternOf(1)),
    ]);
  const message = `message ${"00".repeat(MAX_FRAGMENTS)}`;
  const twice = concatBytes([fragments(MAX_FRAGMENTS), fragments(MAX_FRAGMENTS)]);
  assertEquals(read([twice], false), [message, message]);
  assertThrows(
    () => read([fragments(MAX_FRAGMENTS + 1)], false),
    ProtocolError,
    "more than 1024 fragments",
  );
});

Deno.test("WebSocketReader hands on the code and reason of a close, and nothing after it", () => {
  assertEquals(read([fromHex("8800")], false), ["close 1005 "]);
  assertEquals(read([fromHex("880203f0")], false), ["close 1008 "]);
  assertEquals(read([frame(0x88, fromHex("0fa1 c3a9"))], false), ["close 4001 é"]);
  const more = concatBytes([fromHex("8800 8200 8800"), patternOf(200)]);
  assertEquals(read([more], false), ["close 1005 "]);
  assertEquals(read(piecesOf(more, 1), false), ["close 1005 "]);
});

Deno.test("property: any messages, in any fragments and chunks, are what they were", () => {
  const message = fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(), { maxLength: 4 }));
  const mask = fc.option(fc.uint8Array({ minLength: 4, maxLength: 4 }), { nil: undefined });
  fc.assert(
    fc.property(fc.array(message), mask, fc.array(fc.nat()), (messages, aMask, cuts) => {
      const frames = messages.flatMap(([bytes, at]) =>
        cutAt(bytes, at).map((part, i, { length }) =>
          frame((i === length - 1 ? 0x80 : 0) | (i === 0 ? 2 : 0), part, aMask)
        )
      );
      assertEquals(
        read(cutAt(concatBytes(frames), cuts), aMask !== undefined),
        messages.map(([bytes]) => `message ${toHex(bytes)}`),
      );
    }),
  );
});

Deno.test("encodeMessage is the same in memory that was used before, whatever the length", () => {
  for (const length of [0, 1, 125, 126, 300, 65_535, 65_536, 70_000]) {
    const memory = new Uint8Array(80_000).fill(0xff).buffer;
    const payload = patternOf(length);
    const frame = encodeMessage([payload], true, memory);
    assertEquals(frame.buffer === memory, true);
    const got: Uint8Array[] = [];
    const reader = new WebSocketReader({ isMasked: true, maxMessageBytes: 100_000 }, {
      message: (bytes) => got.push(new Uint8Array(bytes)),
      ping: () => {},
      close: () => {},
    });
    reader.push(frame);
    assertEquals(got, [payload]);
  }
});
