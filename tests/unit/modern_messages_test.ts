import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { ProtocolError } from "../../lib/base/errors.ts";
import { INLINE_ANSWER_BYTES, INLINE_REQUEST_BYTES } from "../../lib/base/limits.ts";
import {
  decodeStreamHead,
  encodeAnswer,
  encodeCancel,
  encodeFail,
  encodeInform,
  encodeLast,
  encodeLeave,
  encodePing,
  encodePong,
  encodeRequest,
  encodeSeen,
  encodeStreamHead,
  encodeWelcome,
  type ModernRequest,
  readRelayMessages,
  readServerMessages,
  type RelayMessage,
  type ServerMessage,
} from "../../lib/wire/modern_messages.ts";
import { encodeRecord, measureTexts, writeTexts } from "../../lib/wire/records.ts";
import { concatBytes, fromLatin1, ID, patternOf, toHex } from "../support/bytes.ts";

const ID_HEX = toHex(fromLatin1(ID));
const NONCE = patternOf(16);
/** Every byte that a value can have beyond ASCII. */
const HIGH = Buffer.from(Array.from({ length: 128 }, (_, i) => 128 + i)).toString("latin1");

const REQUEST: ModernRequest = {
  id: ID,
  method: "POST",
  target: "/a?b=%20\xe9",
  address: "2001:db8::1",
  headers: ["X-A", "1", "x-a", "", "X-High", HIGH],
  body: patternOf(300),
  wantsUpgrade: false,
};
const HEAD = { status: 404, headers: ["Set-Cookie", "a", "Set-Cookie", "b", "X-High", HIGH] };

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

const RELAY_MESSAGES: readonly (readonly [string, Uint8Array, RelayMessage])[] = [
  ["WELCOME", encodeWelcome(ID, undefined), { type: "welcome", session: ID, host: undefined }],
  [
    "WELCOME with a host",
    encodeWelcome(ID, "a.example.com:8080"),
    { type: "welcome", session: ID, host: "a.example.com:8080" },
  ],
  ...[
    ["REQUEST with a body", REQUEST] as const,
    ["REQUEST without fields, address and body", {
      ...REQUEST,
      address: "",
      headers: [],
      body: new Uint8Array(),
    }] as const,
    ["REQUEST with a stream of a length", { ...REQUEST, body: { streamLength: 5e12 } }] as const,
    ["REQUEST with an empty stream", { ...REQUEST, body: { streamLength: 0 } }] as const,
    ["REQUEST with a stream without a length", {
      ...REQUEST,
      body: { streamLength: null },
    }] as const,
    ["REQUEST that wants an upgrade", {
      ...REQUEST,
      body: { streamLength: null },
      wantsUpgrade: true,
    }] as const,
  ].map(([name, request]) => [name, encodeRequest(request), { type: "request", request }] as const),
  ["CANCEL", encodeCancel(ID), { type: "cancel", id: ID }],
  ["LAST", encodeLast(), { type: "last" }],
  ["SEEN", encodeSeen(NONCE), { type: "seen", nonce: NONCE }],
  ["PONG", encodePong(), { type: "pong" }],
];

const SERVER_MESSAGES: readonly (readonly [string, Uint8Array, ServerMessage])[] = [
  [
    "ANSWER with a body",
    encodeAnswer(ID, HEAD, patternOf(300)),
    { type: "answer", id: ID, head: HEAD, body: patternOf(300) },
  ],
  [
    "ANSWER without fields and body",
    encodeAnswer(ID, { status: 204, headers: [] }, new Uint8Array()),
    { type: "answer", id: ID, head: { status: 204, headers: [] }, body: new Uint8Array() },
  ],
  [
    "INFORM",
    encodeInform(ID, { ...HEAD, status: 103 }),
    { type: "inform", id: ID, head: { ...HEAD, status: 103 } },
  ],
  ["FAIL", encodeFail(ID), { type: "fail", id: ID }],
  ["LEAVE", encodeLeave(), { type: "leave" }],
  ["PING", encodePing(), { type: "ping" }],
];

for (const [name, bytes, message] of RELAY_MESSAGES) {
  Deno.test(`readRelayMessages takes ${name} as it was encoded`, () => {
    assertEquals(readRelay(bytes), [message]);
  });
}

for (const [name, bytes, message] of SERVER_MESSAGES) {
  Deno.test(`readServerMessages takes ${name} as it was encoded`, () => {
    assertEquals(readServer(bytes), [message]);
  });
}

Deno.test("decodeStreamHead takes HEAD as it was encoded, of any status", () => {
  for (const status of [100, 101, 199, 200, 599]) {
    assertEquals(decodeStreamHead(encodeStreamHead({ ...HEAD, status }).subarray(7)), {
      ...HEAD,
      status,
    });
  }
});

Deno.test("readRelayMessages and readServerMessages take many messages in order, and none", () => {
  const relay = concatBytes(RELAY_MESSAGES.map(([, bytes]) => bytes));
  assertEquals(readRelay(relay), RELAY_MESSAGES.map(([, , message]) => message));
  const server = concatBytes(SERVER_MESSAGES.map(([, bytes]) => bytes));
  assertEquals(readServer(server), SERVER_MESSAGES.map(([, , message]) => message));
  assertEquals([...readRelay(new Uint8Array()), ...readServer(new Uint8Array())], []);
});

const GOLDEN: readonly (readonly [string, Uint8Array, string])[] = [
  [
    "WELCOME",
    encodeWelcome(ID, "h"),
    `01 000000000030 0004 0007 001a 0004 0001 ${toHex(fromLatin1("session"))} ${ID_HEX}` +
    toHex(fromLatin1("hosth")),
  ],
  [
    "REQUEST with a body",
    encodeRequest({
      ...REQUEST,
      target: "/",
      address: "a",
      headers: ["B", "\xff"],
      body: Uint8Array.of(1, 2, 3),
    }),
    `02 000000000038 ${ID_HEX} 00 000000000003 0005 0004 0001 0001 0001 0001` +
    "504f5354 2f 61 42 ff 010203",
  ],
  [
    "REQUEST with a stream of 258 bytes, and an upgrade",
    encodeRequest({
      ...REQUEST,
      target: "/",
      address: "",
      headers: [],
      body: { streamLength: 258 },
      wantsUpgrade: true,
    }),
    `02 00000000002e ${ID_HEX} 03 000000000102 0003 0004 0001 0000 504f5354 2f`,
  ],
  [
    "REQUEST with a stream without a length",
    encodeRequest({ ...REQUEST, target: "/", headers: [], body: { streamLength: null } }),
    `02 000000000039 ${ID_HEX} 01 ffffffffffff 0003 0004 0001 000b 504f5354 2f` +
    toHex(fromLatin1(REQUEST.address)),
  ],
  ["CANCEL", encodeCancel(ID), `03 00000000001a ${ID_HEX}`],
  ["LAST", encodeLast(), "04 000000000000"],
  ["SEEN", encodeSeen(NONCE), `05 000000000010 ${toHex(NONCE)}`],
  ["PONG", encodePong(), "06 000000000000"],
  [
    "ANSWER",
    encodeAnswer(ID, { status: 599, headers: ["a", ""] }, Uint8Array.of(9)),
    `11 000000000024 ${ID_HEX} 0257 0002 0001 0000 61 09`,
  ],
  [
    "INFORM",
    encodeInform(ID, { status: 103, headers: [] }),
    `12 00000000001e ${ID_HEX} 0067 0000`,
  ],
  ["FAIL", encodeFail(ID), `13 00000000001a ${ID_HEX}`],
  ["LEAVE", encodeLeave(), "14 000000000000"],
  ["PING", encodePing(), "15 000000000000"],
  ["HEAD", encodeStreamHead({ status: 101, headers: [] }), "21 000000000004 0065 0000"],
];

for (const [name, bytes, hex] of GOLDEN) {
  Deno.test(`encoding ${name} makes these bytes and no others`, () => {
    assertEquals(toHex(bytes), hex.replace(/ /g, ""));
  });
}

Deno.test("readRelayMessages ignores keys of WELCOME that it does not know", () => {
  const texts = ["new", "1", "host", "h", "session", ID, "alone"];
  const payload = new Uint8Array(measureTexts(texts));
  writeTexts(payload, 0, texts);
  assertEquals(readRelay(encodeRecord(1, payload)), [{ type: "welcome", session: ID, host: "h" }]);
});

Deno.test("readRelayMessages copies a nonce, which outlives the bytes that it came in", () => {
  for (const bytes of [encodeSeen(NONCE), Buffer.from(encodeSeen(NONCE))]) {
    const [message] = readRelay(bytes);
    bytes.fill(0);
    assertEquals(message, { type: "seen", nonce: NONCE });
  }
});

const NOT_BYTES: readonly (readonly [string, () => Uint8Array])[] = [
  ["a target", () => encodeRequest({ ...REQUEST, target: "/\u0100" })],
  ["a name", () => encodeRequest({ ...REQUEST, headers: ["€", ""] })],
  ["a value", () => encodeAnswer(ID, { status: 200, headers: ["a", "ÿ\u{1f419}"] }, NONCE)],
  ["a value of INFORM", () => encodeInform(ID, { status: 103, headers: ["a", "Ā"] })],
  ["a value of HEAD", () => encodeStreamHead({ status: 200, headers: ["a", "Ā"] })],
  ["a host", () => encodeWelcome(ID, "ĳ.example")],
];

for (const [what, encode] of NOT_BYTES) {
  Deno.test(`encoding refuses ${what} with characters above U+00FF`, () => {
    assertThrows(encode, RangeError, "characters above U+00FF");
  });
}

const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString("latin1"));
const id = fc.stringMatching(/^[0-9A-Za-z]{26}$/);
const headers = fc.array(fc.tuple(text(30), text(300)), { maxLength: 40 }).map((all) => all.flat());
const length = fc.option(fc.integer({ min: 0, max: 2 ** 48 - 2 }));

Deno.test("property: any request survives the round trip", () => {
  const request: fc.Arbitrary<ModernRequest> = fc.record({
    id,
    method: fc.stringMatching(/^[!-~]{1,20}$/),
    target: text(300).map((rest) => `/${rest}`),
    address: text(40),
    headers,
    body: fc.oneof(
      fc.uint8Array({ maxLength: INLINE_REQUEST_BYTES, size: "max" }),
      length.map((streamLength) => ({ streamLength })),
    ),
    wantsUpgrade: fc.boolean(),
  }).map((value) => ({
    ...value,
    wantsUpgrade: value.wantsUpgrade && !(value.body instanceof Uint8Array),
  }));
  fc.assert(fc.property(request, (value) => {
    assertEquals(readRelay(encodeRequest(value)), [{ type: "request", request: value }]);
  }));
});

Deno.test("property: any answer, interim answer and head of a stream survives the round trip", () => {
  const status = fc.integer({ min: 200, max: 599 });
  const head = fc.record({ status, headers });
  const body = fc.uint8Array({ maxLength: INLINE_ANSWER_BYTES });
  fc.assert(fc.property(id, head, body, fc.integer({ min: 102, max: 199 }), (...values) => {
    const [anId, aHead, aBody, interim] = values;
    const informed = { ...aHead, status: interim };
    assertEquals<ServerMessage[]>(
      readServer(concatBytes([encodeAnswer(anId, aHead, aBody), encodeInform(anId, informed)])),
      [
        { type: "answer", id: anId, head: aHead, body: aBody },
        { type: "inform", id: anId, head: informed },
      ],
    );
    assertEquals(decodeStreamHead(encodeStreamHead(aHead).subarray(7)), aHead);
  }));
});

Deno.test("property: any garbage is decoded or refused with a ProtocolError, never else", () => {
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.tuple(
      fc.nat(),
      fc.nat({ max: 255 }),
      fc.constantFrom(...[...RELAY_MESSAGES, ...SERVER_MESSAGES]),
    )
      .map(([at, value, [, bytes]]) => bytes.with(at % bytes.length, value)),
  );
  fc.assert(
    fc.property(garbage, (bytes) => {
      for (const read of [readRelay, readServer, decodeStreamHead]) {
        try {
          read(bytes);
        } catch (error) {
          assert(error instanceof ProtocolError, `threw ${error}`);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
