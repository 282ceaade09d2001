/** What docs/protocol.md says of the modern protocol, and what the code does, are the same. */

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { ProtocolError } from "../../lib/base/errors.ts";
import * as limits from "../../lib/base/limits.ts";
import * as modern from "../../lib/wire/modern.ts";
import {
  encodeAnswer,
  encodeRequest,
  encodeStreamHead,
  type ModernHead,
  type ModernRequest,
  readRelayMessages,
  readServerMessages,
  type RelayMessage,
  type ServerMessage,
} from "../../lib/wire/modern_messages.ts";
import { encodeEmptyRecord, encodeRecord } from "../../lib/wire/records.ts";
import { StreamDecoder } from "../../lib/wire/stream_decoder.ts";
import { concatBytes, fromHex, fromLatin1, ID, toHex } from "../support/bytes.ts";
import { readBody } from "../support/read_body.ts";

const document = Deno.readTextFileSync(new URL("../../docs/protocol.md", import.meta.url));
const chapter = document.slice(document.indexOf("\n## Modern\n"));
/** Without line breaks, so that sentences are found whole. */
const prose = chapter.replace(/\s+/g, " ");

/** The rows of the first table behind a heading, each as its cells. */
function tableBehind(heading: string): string[][] {
  const lines = chapter.slice(chapter.indexOf(`\n### ${heading}\n`)).split("\n");
  const start = lines.findIndex((line) => line.startsWith("| "));
  const length = lines.slice(start).findIndex((line) => !line.startsWith("|"));
  const rows = lines.slice(start, start + length);
  return rows.slice(2).map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim()));
}

const { isId, ...constants } = modern;
const types: Readonly<Record<string, number>> = Object.fromEntries(
  tableBehind("Records").map(([type = "", name = ""]) => [name, parseInt(type, 16)]),
);

Deno.test("the constants of the modern protocol are those that version 1 was published with", () => {
  assertEquals<unknown>({ ...constants }, {
    MODERN_VERSION: "1",
    MODERN_HEADER: "X-PTTH-Modern",
    PROCESS_HEADER: "X-PTTH-Process",
    SUCCESSOR_HEADER: "X-PTTH-Successor-Of",
    CONTROL_PROTOCOL: "ptth-modern-1",
    MODERN_ROUTE: "/modern/",
    WELCOME: 1,
    REQUEST: 2,
    CANCEL: 3,
    LAST: 4,
    SEEN: 5,
    PONG: 6,
    ANSWER: 17,
    INFORM: 18,
    FAIL: 19,
    LEAVE: 20,
    PING: 21,
    HEAD: 33,
    DATA: 34,
    END: 35,
    ABORT: 36,
    IDLE: 37,
    BODY_FOLLOWS: 1,
    WANTS_UPGRADE: 2,
    UNKNOWN_LENGTH: 281_474_976_710_655,
    ID_CHARS: 26,
    NONCE_BYTES: 16,
    PROBE_LENGTH: 1_099_511_627_776,
  });
});

Deno.test("the types of records are those of the document's table, and no others", () => {
  const names = Object.keys(types);
  assertEquals(names.length, 16);
  assertEquals<unknown>(
    types,
    Object.fromEntries(Object.entries(constants).filter(([name]) => names.includes(name))),
  );
  // "LAST", say, and no header, flag or size.
  const typeLike = Object.entries(constants).filter(([name, value]) =>
    /^[A-Z]+$/.test(name) && typeof value === "number"
  );
  assertEquals(typeLike.map(([name]) => name).sort(), names.sort());
});

Deno.test("a record is taken from the side, and in the place, that the document's table says", () => {
  const refusesType = (read: () => void): boolean => {
    try {
      read();
    } catch (error) {
      assert(error instanceof ProtocolError, String(error));
      return error.message.endsWith("may not come here");
    }
    return false;
  };
  for (const [, name = "", sender = "", place = ""] of tableBehind("Records")) {
    const record = encodeEmptyRecord(types[name] ?? 0);
    const isFrom = (side: string): boolean => place === "channel" && sender === side;
    assertEquals(refusesType(() => readRelayMessages(record, () => {})), !isFrom("relay"), name);
    assertEquals(refusesType(() => readServerMessages(record, () => {})), !isFrom("server"), name);
    const options = { onWanted: () => {}, onClosed: () => {}, ownsChunks: false };
    const bodyStream = new StreamDecoder(options);
    assertEquals(refusesType(() => bodyStream.push(record)), sender !== "both", name);
    const answerStream = new StreamDecoder({ ...options, onHead: () => {} });
    assertEquals(refusesType(() => answerStream.push(record)), name !== "HEAD", name);
  }
});

Deno.test("the document's table of bounds is that of the limits in use", () => {
  const kib = (bytes: number): string => `${bytes / 1024} KiB`;
  assertEquals(tableBehind("Bounds"), [
    ["message on the channel", kib(limits.MAX_MESSAGE_BYTES)],
    ["WebSocket message, poll answer, POST", kib(limits.MAX_BATCH_BYTES)],
    ["texts of one record", `${kib(limits.MAX_TEXTS_BYTES)}, ${limits.MAX_TEXTS} texts`],
    ["body in REQUEST", kib(limits.INLINE_REQUEST_BYTES)],
    ["body in ANSWER", kib(limits.INLINE_ANSWER_BYTES)],
    ["segment", kib(limits.SEGMENT_BYTES)],
    ["sessions of one name", String(limits.MAX_SESSIONS_PER_SERVER)],
  ]);
});

const seconds = (ms: number): string => `${ms / 1000} s`;
const minutes = (ms: number): string => `${ms / 60_000}`;

/** What the document says with a number in it, from the name of the constant that holds it. */
const SENTENCES: readonly (readonly [string, string])[] = [
  ["MODERN_HEADER", `\`${modern.MODERN_HEADER}: ${modern.MODERN_VERSION}\``],
  ["PROCESS_HEADER", `sends as \`${modern.PROCESS_HEADER}\``],
  ["SUCCESSOR_HEADER", `\`${modern.SUCCESSOR_HEADER}\``],
  ["CONTROL_PROTOCOL", `\`Sec-WebSocket-Protocol: ${modern.CONTROL_PROTOCOL}\``],
  ["MODERN_ROUTE", `\`GET BASE${modern.MODERN_ROUTE}control/NAME\``],
  ["ID_CHARS", `An **id** is ${modern.ID_CHARS} characters.`],
  ["NONCE_BYTES", `nonce of ${modern.NONCE_BYTES} bytes`],
  ["NONCE_BYTES in the table", `nonce (${modern.NONCE_BYTES})`],
  ["PROBE_LENGTH", `Content-Length of 2^${Math.log2(modern.PROBE_LENGTH)},`],
  ["BODY_FOLLOWS", `- \`0${modern.BODY_FOLLOWS}\`: the body follows as a body stream.`],
  ["WANTS_UPGRADE", `- \`0${modern.WANTS_UPGRADE}\`: the visitor wants an upgrade,`],
  ["UNKNOWN_LENGTH", `\`${modern.UNKNOWN_LENGTH.toString(16).replace(/..(?=.)/g, "$& ")}\``],
  ["INLINE_WAIT_MS", `has all of it within ${limits.INLINE_WAIT_MS} ms`],
  ["PING_INTERVAL_MS", `sends PING every ${seconds(limits.PING_INTERVAL_MS)},`],
  ["CHANNEL_SILENCE_MS", `received nothing for ${seconds(limits.CHANNEL_SILENCE_MS)}`],
  ["CHANNEL_SILENCE_MS of polls", `has been held for ${seconds(limits.CHANNEL_SILENCE_MS)}`],
  ["CHANNEL_SILENCE_MS of streams", `it is silent for ${seconds(limits.CHANNEL_SILENCE_MS)}`],
  ["MODERN_PARK_MS", `after ${seconds(limits.MODERN_PARK_MS)} 204.`],
  ["WELCOME_TIMEOUT_MS", `WELCOME within ${seconds(limits.WELCOME_TIMEOUT_MS)}.`],
  ["CONTROL_RETRY_MS", `after ${minutes(limits.CONTROL_RETRY_MS)}, 2, 4 … at most`],
  ["MAX_CONTROL_RETRY_MS", `at most ${minutes(limits.MAX_CONTROL_RETRY_MS)} minutes`],
  ["MAX_CHANNEL_BACKLOG_BYTES", `than ${limits.MAX_CHANNEL_BACKLOG_BYTES / 1024} KiB wait`],
  ["STREAM_IDLE_MS", `nothing else was for ${seconds(limits.STREAM_IDLE_MS)},`],
  ["PROBE_TIMEOUT_MS", `come within ${seconds(limits.PROBE_TIMEOUT_MS)},`],
  ["PROBE_HOLD_MS", `with END after ${seconds(limits.PROBE_HOLD_MS)}.`],
  ["PROBE_RETRY_MS", `every ${minutes(limits.PROBE_RETRY_MS)} minutes`],
  ["SEGMENT_BYTES", `**segments** of at most ${limits.SEGMENT_BYTES / 1024} KiB`],
  ["SEGMENT_DELAY_MS", `or ${limits.SEGMENT_DELAY_MS} ms after its first byte.`],
  ["SEGMENT_HOLD_MS upwards", `after ${seconds(limits.SEGMENT_HOLD_MS)} at the latest`],
  ["SEGMENT_HOLD_MS downwards", `204 after ${seconds(limits.SEGMENT_HOLD_MS)} without.`],
];

for (const [name, sentence] of SENTENCES) {
  Deno.test(`${name} is what the document says: ${sentence}`, () => {
    assert(prose.includes(sentence), "the document does not");
  });
}

Deno.test("isId takes 26 letters and digits, and nothing else", () => {
  for (const id of [ID, "a".repeat(26), "Z9".repeat(13)]) assert(isId(id), id);
  const others = ["", ID.slice(1), `${ID}0`, `${ID}\n`, ` ${ID.slice(1)}`, `-${ID.slice(1)}`];
  for (const id of [...others, `é${ID.slice(1)}`, `/${ID.slice(1)}`]) assert(!isId(id), id);
});

/** The hex at the beginnings of the lines of the block behind a sentence, with … for what is left out. */
function exampleBehind(sentence: string): string {
  const start = chapter.indexOf("```text\n", chapter.indexOf(sentence)) + "```text\n".length;
  assert(chapter.includes(sentence), sentence);
  const lines = chapter.slice(start, chapter.indexOf("```", start)).trimEnd().split("\n");
  return lines.map((line) => {
    const [bytes = ""] = /^(?: *(?:[0-9a-f]{2}|…)(?![^ ]))+/.exec(line) ?? [];
    assertMatch(bytes, /[0-9a-f]/, `no bytes in "${line}"`);
    return bytes;
  }).join("").replace(/ /g, "");
}

/** Compares, and gives the example's own bytes, with those put in that it leaves out. */
function assertPrinted(example: string, expected: Uint8Array): Uint8Array {
  const pattern = new RegExp(`^${example.replaceAll("…", "(?:[0-9a-f]{2})+?")}$`);
  assertMatch(toHex(expected), pattern);
  // What is left out stands in the example before, or in the classic chapter.
  return fromHex(toHex(expected));
}

const EXAMPLE_REQUEST: ModernRequest = {
  id: ID,
  method: "GET",
  target: "/files/a.txt",
  address: "192.0.2.7",
  headers: ["Accept", "*/*"],
  body: new Uint8Array(),
  wantsUpgrade: false,
};
const EXAMPLE_HEAD: ModernHead = { status: 200, headers: ["Content-Length", "2"] };

Deno.test("the id that the document's examples begin and end is that of its classic chapter", () => {
  assertStringIncludes(
    document,
    `ba 30 31 4b 56 … 57 43                 id: 26 characters, "${ID}"`,
  );
  assertMatch(toHex(fromLatin1(ID)), /^30314b56.*5743$/);
});

Deno.test("the document's example of a REQUEST is what is encoded, and decodes", () => {
  const example = exampleBehind("`GET /files/a.txt` from 192.0.2.7");
  const bytes = assertPrinted(example, encodeRequest(EXAMPLE_REQUEST));
  const messages: RelayMessage[] = [];
  readRelayMessages(bytes, (message) => messages.push(message));
  assertEquals(messages, [{ type: "request", request: EXAMPLE_REQUEST }]);
  assertThrows(() => assertPrinted(example.replace("2f61", "2f62"), bytes));
});

Deno.test("the document's example of an ANSWER is what is encoded, and decodes", () => {
  const body = fromLatin1("hi");
  const example = exampleBehind("Its answer, `200` with");
  const bytes = assertPrinted(example, encodeAnswer(ID, EXAMPLE_HEAD, body));
  const messages: ServerMessage[] = [];
  readServerMessages(bytes, (message) => messages.push(message));
  assertEquals(messages, [{ type: "answer", id: ID, head: EXAMPLE_HEAD, body }]);
});

Deno.test("the document's example of an answer stream is what is encoded, and decodes", async () => {
  const expected = concatBytes([
    encodeStreamHead(EXAMPLE_HEAD),
    encodeRecord(modern.DATA, fromLatin1("hi")),
    encodeRecord(modern.END, fromHex("00 00")),
  ]);
  const bytes = assertPrinted(exampleBehind("The same answer as a stream"), expected);
  const heads: ModernHead[] = [];
  const decoder = new StreamDecoder({
    onHead: (head) => heads.push(head),
    onWanted: () => {},
    onClosed: () => {},
    ownsChunks: false,
  });
  decoder.push(bytes);
  assertEquals(toHex(await readBody(decoder.body)), toHex(fromLatin1("hi")));
  assertEquals(heads, [EXAMPLE_HEAD]);
  assertEquals(decoder.body.trailers, []);
});
