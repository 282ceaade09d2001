/** What is no message of the modern protocol is refused, each fault by its own reason. */

import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../lib/base/errors.ts";
import {
  INLINE_ANSWER_BYTES,
  INLINE_REQUEST_BYTES,
  MAX_MESSAGE_BYTES,
} from "../../lib/base/limits.ts";
import {
  decodeStreamHead,
  encodeAnswer,
  encodeCancel,
  encodeInform,
  encodePing,
  encodePong,
  encodeRequest,
  encodeStreamHead,
  encodeWelcome,
  type ModernRequest,
  readRelayMessages,
  readServerMessages,
} from "../../lib/wire/modern_messages.ts";
import { encodeRecord, RECORD_HEAD_BYTES, writeRecordHead } from "../../lib/wire/records.ts";
import { concatBytes, fromHex, fromLatin1, ID, toHex } from "../support/bytes.ts";

const ID_HEX = toHex(fromLatin1(ID));
const NO_BYTES = new Uint8Array();
const REQUEST: ModernRequest = {
  id: ID,
  method: "GET",
  target: "/",
  address: "",
  headers: ["a", "b"],
  body: fromLatin1("hi"),
  wantsUpgrade: false,
};
const HEAD = { status: 200, headers: ["a", "b"] };

/** A record's type and payload as hex, and the part of the message that says why it is refused. */
type Refusal = readonly [what: string, type: number, payload: string, reason: string];

const BAD_IDS: readonly (readonly [string, string])[] = [
  ["of a hyphen", toHex(fromLatin1(`-${ID.slice(1)}`))],
  ["of a byte above ASCII", `${ID_HEX.slice(2)}e9`],
  ["of zeros", "00".repeat(26)],
];

const RELAY_REFUSALS: readonly Refusal[] = [
  ...BAD_IDS.flatMap(([what, hex]): Refusal[] => [
    [`REQUEST with an id ${what}`, 2, `${hex} 00 000000000000 0003 0001 0001 0000 472f`, "no id"],
    [`CANCEL with an id ${what}`, 3, hex, "Cannot decode CANCEL: there is no id"],
    [`WELCOME with an id ${what}`, 1, `0002 0007 001a ${hexOf("session")} ${hex}`, "no id of a"],
  ]),
  ["WELCOME without texts", 1, "0000", "there is no id of a session"],
  ["WELCOME with another key", 1, `0002 0004 001a ${hexOf("host")} ${ID_HEX}`, "no id of a"],
  [
    "WELCOME with more behind",
    1,
    `0002 0007 001a ${hexOf("session")} ${ID_HEX} 00`,
    "bytes follow",
  ],
  ["WELCOME that is empty", 1, "", "Cannot decode WELCOME: it is cut short"],
  ["REQUEST that is empty", 2, "", "Cannot decode REQUEST: it is cut short"],
  ["REQUEST without texts", 2, `${ID_HEX} 00 000000000000 0000`, "its texts are incomplete"],
  ["REQUEST without a target", 2, requestOf("0001 0003 474554"), "its texts are incomplete"],
  ["REQUEST of an empty target", 2, requestOf("0003 0001 0000 0000 47"), "texts are incomplete"],
  ["REQUEST of an empty method", 2, requestOf("0003 0000 0001 0000 2f"), "texts are incomplete"],
  ["REQUEST of a name alone", 2, requestOf("0004 0001 0001 0000 0001 472f61"), "incomplete"],
  [
    "REQUEST of more body than it says",
    2,
    requestOf("0003 0001 0001 0000 472f 00"),
    "1 bytes, not 0",
  ],
  [
    "REQUEST of less body than it says",
    2,
    `${ID_HEX} 00 000000000002 0003 0001 0001 0000 472f 00`,
    "1 bytes, not 2",
  ],
  [
    "REQUEST of a body and a stream",
    2,
    `${ID_HEX} 01 000000000001 0003 0001 0001 0000 472f 00`,
    "bytes follow its last part",
  ],
  [
    "REQUEST of a body over its bound",
    2,
    `${ID_HEX} 00 000000004001 0003 0001 0001 0000 472f ${"00".repeat(INLINE_REQUEST_BYTES + 1)}`,
    "16385 bytes, not 16385, or too many",
  ],
  [
    "REQUEST of an upgrade without a stream",
    2,
    `${ID_HEX} 02 000000000000 0003 0001 0001 0000 472f`,
    "it wants an upgrade, and no body follows",
  ],
  ["REQUEST of 2049 texts", 2, requestOf("0801"), "more than 2048 texts"],
  ["REQUEST of more texts than there are", 2, requestOf("0800"), "cut short"],
  ["REQUEST of texts over 64 KiB", 2, requestOf("0002 ffff 0002"), "texts are over 65536 bytes"],
  ["REQUEST of longer texts than there are", 2, requestOf("0002 ffff 0001"), "it is cut short"],
  ["CANCEL of 25 bytes", 3, ID_HEX.slice(2), "Cannot decode CANCEL: it is cut short"],
  ["CANCEL of 27 bytes", 3, `${ID_HEX} 00`, "type 03 is over 26 bytes"],
  ["LAST of a byte", 4, "00", "type 04 is over 0 bytes"],
  ["SEEN of 15 bytes", 5, "00".repeat(15), "Cannot decode SEEN: no nonce"],
  ["SEEN of 17 bytes", 5, "00".repeat(17), "type 05 is over 16 bytes"],
  ["SEEN that is empty", 5, "", "Cannot decode SEEN: no nonce"],
  ["PONG of a byte", 6, "00", "type 06 is over 0 bytes"],
];

const SERVER_REFUSALS: readonly Refusal[] = [
  ...BAD_IDS.flatMap(([what, hex]): Refusal[] => [
    [`ANSWER with an id ${what}`, 0x11, `${hex} 00c8 0000`, "Cannot decode ANSWER: there is no id"],
    [`INFORM with an id ${what}`, 0x12, `${hex} 0067 0000`, "Cannot decode INFORM: there is no id"],
    [`FAIL with an id ${what}`, 0x13, hex, "Cannot decode FAIL: there is no id"],
  ]),
  ...[0, 99, 600, 65_535].flatMap((status): Refusal[] => [
    [`INFORM of status ${status}`, 0x12, answerOf(status), `INFORM: its status is ${status}`],
  ]),
  ["ANSWER of status 100", 0x11, answerOf(100), "its status is 100"],
  ["ANSWER of status 199", 0x11, answerOf(199), "its status is 199"],
  ["INFORM of status 100", 0x12, answerOf(100), "its status is 100"],
  ["INFORM of status 101", 0x12, answerOf(101), "its status is 101"],
  ["INFORM of status 200", 0x12, answerOf(200), "its status is 200"],
  ["ANSWER of a name alone", 0x11, `${ID_HEX} 00c8 0001 0001 61`, "ANSWER: a field has no value"],
  ["INFORM of a name alone", 0x12, `${ID_HEX} 0067 0001 0001 61`, "INFORM: a field has no value"],
  ["INFORM with more behind", 0x12, `${answerOf(103)} 00`, "INFORM: bytes follow its last part"],
  [
    "ANSWER of a body over its bound",
    0x11,
    `${answerOf(200)} ${"00".repeat(INLINE_ANSWER_BYTES + 1)}`,
    "its body is over 65536 bytes",
  ],
  ["FAIL of 25 bytes", 0x13, ID_HEX.slice(2), "Cannot decode FAIL: it is cut short"],
  ["FAIL of 27 bytes", 0x13, `${ID_HEX} 00`, "type 13 is over 26 bytes"],
  ["LEAVE of a byte", 0x14, "00", "type 14 is over 0 bytes"],
  ["PING of a byte", 0x15, "00", "type 15 is over 0 bytes"],
];

for (const [what, type, payload, reason] of RELAY_REFUSALS) {
  Deno.test(`readRelayMessages refuses ${what} and says why`, () => {
    const bytes = encodeRecord(type, fromHex(payload));
    assertThrows(() => readRelayMessages(bytes, () => {}), ProtocolError, reason);
  });
}

for (const [what, type, payload, reason] of SERVER_REFUSALS) {
  Deno.test(`readServerMessages refuses ${what} and says why`, () => {
    const bytes = encodeRecord(type, fromHex(payload));
    assertThrows(() => readServerMessages(bytes, () => {}), ProtocolError, reason);
  });
}

Deno.test("decodeStreamHead refuses odd fields, what is short and what follows", () => {
  const refusals = [
    ["00c8 0001 0001 61", "Cannot decode HEAD: a field has no value"],
    ["00c8", "Cannot decode HEAD: it is cut short"],
    ["00c8 0000 00", "Cannot decode HEAD: bytes follow its last part"],
  ] as const;
  for (const [hex, reason] of refusals) {
    assertThrows(() => decodeStreamHead(fromHex(hex)), ProtocolError, reason);
  }
});

Deno.test("a status that HTTP does not know is for whoever passes the answer on", () => {
  for (const status of [0, 99, 200, 599, 600, 65_535]) {
    assertEquals(
      decodeStreamHead(fromHex(`${status.toString(16).padStart(4, "0")} 0000`)).status,
      status,
    );
    const taken: number[] = [];
    readServerMessages(encodeRecord(0x11, fromHex(answerOf(status))), (message) => {
      if (message.type === "answer") taken.push(message.head.status);
    });
    assertEquals(taken, [status]);
  }
});

Deno.test("bodies in messages are taken up to their bounds", () => {
  let taken = 0;
  const body = new Uint8Array(INLINE_REQUEST_BYTES);
  readRelayMessages(encodeRequest({ ...REQUEST, body }), () => taken++);
  readServerMessages(encodeAnswer(ID, HEAD, new Uint8Array(INLINE_ANSWER_BYTES)), () => taken++);
  assertEquals(taken, 2);
});

Deno.test("every cut of a payload is refused, and of an answer every cut before its body", () => {
  const cutsOf = (record: Uint8Array, read: (bytes: Uint8Array) => void): void => {
    const payload = record.subarray(RECORD_HEAD_BYTES);
    for (let end = 0; end < payload.length; end++) {
      const cut = encodeRecord(record[0] ?? 0, payload.subarray(0, end));
      assertThrows(() => read(cut), ProtocolError, "Cannot decode", `${end}`);
    }
  };
  const readRelay = (bytes: Uint8Array): void => readRelayMessages(bytes, () => {});
  const readServer = (bytes: Uint8Array): void => readServerMessages(bytes, () => {});
  cutsOf(encodeWelcome(ID, "host"), readRelay);
  cutsOf(encodeRequest(REQUEST), readRelay);
  cutsOf(encodeRequest({ ...REQUEST, body: { streamLength: null } }), readRelay);
  cutsOf(encodeCancel(ID), readRelay);
  cutsOf(encodeAnswer(ID, HEAD, NO_BYTES), readServer);
  cutsOf(encodeInform(ID, { ...HEAD, status: 103 }), readServer);
  cutsOf(encodeStreamHead(HEAD), (bytes) => decodeStreamHead(bytes.subarray(RECORD_HEAD_BYTES)));
});

Deno.test("bytes that end in the middle of a record are refused, after what came before", () => {
  const whole = concatBytes([encodePong(), encodeRequest(REQUEST)]);
  for (let end = 1; end < whole.length; end++) {
    if (end === RECORD_HEAD_BYTES) continue;
    let taken = 0;
    assertThrows(
      () => readRelayMessages(whole.subarray(0, end), () => taken++),
      ProtocolError,
      "A record is cut short",
    );
    assertEquals(taken, end < RECORD_HEAD_BYTES ? 0 : 1);
  }
});

Deno.test("messages before one that is refused are handed on, and none after it", () => {
  const types: string[] = [];
  const bytes = concatBytes([encodePing(), encodePong(), encodePing()]);
  assertThrows(
    () => readServerMessages(bytes, ({ type }) => types.push(type)),
    ProtocolError,
    "A record of the type 06 may not come here",
  );
  assertEquals(types, ["ping"]);
});

Deno.test("types that are unknown, of streams or of the other side may not come", () => {
  const relayTypes = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06];
  const serverTypes = [0x11, 0x12, 0x13, 0x14, 0x15];
  for (let type = 0; type < 256; type++) {
    const bytes = encodeRecord(type, new Uint8Array(0));
    const reason = `type ${type.toString(16).padStart(2, "0")} may not come here`;
    if (!relayTypes.includes(type)) {
      assertThrows(() => readRelayMessages(bytes, () => {}), ProtocolError, reason);
    }
    if (!serverTypes.includes(type)) {
      assertThrows(() => readServerMessages(bytes, () => {}), ProtocolError, reason);
    }
  }
});

Deno.test("a length over its bound is refused by the head alone, before anything is allocated", () => {
  const headOf = (type: number, length: number): Uint8Array => {
    const head = new Uint8Array(RECORD_HEAD_BYTES);
    writeRecordHead(head, 0, { type, length });
    return head;
  };
  for (const length of [MAX_MESSAGE_BYTES + 1, 2 ** 31, 2 ** 32, 2 ** 48 - 1]) {
    for (const type of [0x01, 0x02]) {
      const head = headOf(type, length);
      assertThrows(() => readRelayMessages(head, () => {}), ProtocolError, "over 262144 bytes");
    }
    for (const type of [0x11, 0x12]) {
      const head = headOf(type, length);
      assertThrows(() => readServerMessages(head, () => {}), ProtocolError, "over 262144 bytes");
    }
  }
  // At the bound it is not the length that is wrong.
  const head = headOf(0x02, MAX_MESSAGE_BYTES);
  assertThrows(() => readRelayMessages(head, () => {}), ProtocolError, "A record is cut short");
});

function hexOf(text: string): string {
  return toHex(fromLatin1(text));
}

/** A REQUEST without flags and body, of these texts. */
function requestOf(texts: string): string {
  return `${ID_HEX} 00 000000000000 ${texts}`;
}

/** An ANSWER or INFORM without fields. */
function answerOf(status: number): string {
  return `${ID_HEX} ${status.toString(16).padStart(4, "0")} 0000`;
}
