/** Answers that are refused, or cut: each whole, and cut everywhere. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  MAX_ANSWER_FIELDS,
  MAX_ANSWER_HEAD_BYTES,
  MAX_CHUNK_LINE_BYTES,
} from "../../lib/base/limits.ts";
import { fromLatin1, piecesOf } from "../support/bytes.ts";
import { readEvents, type ReadingOptions, type ResponseEvent } from "../support/response_events.ts";

const LENGTH = "HTTP/1.1 200 OK\r\nContent-Length: ";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const NO_HTTP = "it is no HTTP/1.1";
const TWO_WAYS = "it says in two ways where it ends";
const BAD_LENGTH = "its Content-Length is malformed";
const BAD_CODING = "its transfer coding is not known";
const BAD_FIELD = "a field is malformed";
const BAD_SIZE = "a chunk's size is malformed";
const LONG_CHUNK = "a chunk is longer than it says";
const SURPLUS = "more came than was asked for";

function withFields(lines: string): string {
  return `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`;
}

/** Before the head is taken. */
const heads: readonly (readonly [what: string, wire: string, reason: string, ReadingOptions?])[] = [
  ["SSH", "SSH-2.0-OpenSSH_9.9\r\n", NO_HTTP],
  ["HTTP/2", "HTTP/2 200 OK\r\n\r\n", NO_HTTP],
  ["HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", NO_HTTP],
  ["frames of HTTP/2", "\0\0\x12\x04\0\0\0\0\0", NO_HTTP],
  ["HTTP/0.9", "<html>\r\n\r\n</html>", NO_HTTP],
  ["HTTP/1.2", "HTTP/1.2 200 OK\r\n\r\n", NO_HTTP],
  ["HTTP/1.10", "HTTP/1.10 200 OK\r\n\r\n", NO_HTTP],
  ["lower case", "http/1.1 200 OK\r\n\r\n", NO_HTTP],
  ["an empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", NO_HTTP],
  ["empty lines", "\n\n", NO_HTTP],
  ["space first", " HTTP/1.1 200 OK\r\n\r\n", NO_HTTP],
  ["no status", "HTTP/1.1\r\n\r\n", NO_HTTP],
  ["no status, but a reason", "HTTP/1.1 OK\r\n\r\n", NO_HTTP],
  ["an empty status", "HTTP/1.1  OK\r\n\r\n", NO_HTTP],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", NO_HTTP],
  ["a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", NO_HTTP],
  ["status 099", "HTTP/1.1 099 OK\r\n\r\n", NO_HTTP],
  ["a status that is none", "HTTP/1.1 2x0 OK\r\n\r\n", NO_HTTP],
  ["two spaces", "HTTP/1.1  200 OK\r\n\r\n", NO_HTTP],
  ["a tab", "HTTP/1.1\t200 OK\r\n\r\n", NO_HTTP],
  ["CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", NO_HTTP],
  ["a request", "GET / HTTP/1.1\r\n\r\n", NO_HTTP],
  [
    "101 that nobody asked for",
    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n",
    "it switches protocols, and nobody asked for that",
  ],
  ["length and chunks", withFields("Content-Length: 1\r\nTransfer-Encoding: chunked"), TWO_WAYS],
  ["chunks and length 0", withFields("Transfer-Encoding: chunked\r\nContent-Length: 0"), TWO_WAYS],
  ["an empty coding and length", withFields("Transfer-Encoding:\r\nContent-Length: 5"), TWO_WAYS],
  ["identity and length", withFields("Transfer-Encoding: identity\r\nContent-Length: 5"), TWO_WAYS],
  [
    "length and chunks, of HEAD",
    withFields("Content-Length: 1\r\nTransfer-Encoding: chunked"),
    TWO_WAYS,
    { expected: [{ isHead: true }] },
  ],
  [
    "length and chunks, of 304",
    "HTTP/1.1 304 N\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    TWO_WAYS,
  ],
  ["chunks in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", TWO_WAYS],
  ["two lengths", withFields("Content-Length: 1\r\nContent-Length: 2"), BAD_LENGTH],
  ["a length twice", withFields("Content-Length: 1\r\ncontent-length: 1"), BAD_LENGTH],
  ["a list of lengths", withFields("Content-Length: 1, 2"), BAD_LENGTH],
  ["a list of one length", withFields("Content-Length: 1, 1"), BAD_LENGTH],
  ["two lengths, of HEAD", withFields("Content-Length: 1\r\nContent-Length: 2"), BAD_LENGTH, {
    expected: [{ isHead: true }],
  }],
  ["a length that goes on", withFields("Content-Length: 1\r\n 2"), BAD_LENGTH],
  ...["", "-1", "+1", "1.0", "0x1", "1e1", "1a", "1 1", "\xa01", "1\x85", "\xb2", "9".repeat(16)]
    .map((value) =>
      [
        `length ${JSON.stringify(value)}`,
        withFields(`Content-Length: ${value}`),
        BAD_LENGTH,
      ] as const
    ),
  ...[
    "",
    "gzip",
    "identity",
    "gzip, chunked",
    "chunked, gzip",
    "chunked, chunked",
    "chunked,",
    ", chunked",
    "chunked;a=b",
    "xchunked",
    "chunked x",
    "chunked\xa0",
  ].map((value) =>
    [
      `coding ${JSON.stringify(value)}`,
      withFields(`Transfer-Encoding: ${value}`),
      BAD_CODING,
    ] as const
  ),
  [
    "chunked twice",
    withFields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    BAD_CODING,
  ],
  ["two codings", withFields("Transfer-Encoding: chunked\r\nTransfer-Encoding:"), BAD_CODING],
  ...["\0", "\r", "\x01", "\x0b", "\x0c", "\x1b", "\x7f"].flatMap((char) => [
    [`${JSON.stringify(char)} in a value`, withFields(`X: a${char}b`), BAD_FIELD] as const,
    [`${JSON.stringify(char)} at an end`, withFields(`X: a${char}`), BAD_FIELD] as const,
    [`${JSON.stringify(char)} in a name`, withFields(`X${char}: a`), BAD_FIELD] as const,
    [
      `${JSON.stringify(char)} in a line that goes on`,
      withFields(`X: a\r\n ${char}`),
      BAD_FIELD,
    ] as const,
    [
      `${JSON.stringify(char)} behind a coding`,
      withFields(`Transfer-Encoding: chunked${char}`),
      BAD_FIELD,
    ] as const,
  ]),
  ["no colon", withFields("X"), BAD_FIELD],
  ["no name", withFields(": a"), BAD_FIELD],
  ["space for a name", withFields("A: b\r\nX Y: a"), BAD_FIELD],
  ["a name that is no token", withFields("X(: a"), BAD_FIELD],
  ["a name beyond ASCII", withFields("X\xe9: a"), BAD_FIELD],
  ["a status line again", withFields("HTTP/1.1 200 OK"), BAD_FIELD],
  ["space before the first field", withFields(" X: a"), "its first field begins with space"],
  [
    "a tab and nothing before the first field",
    withFields("\t\r\nX: a"),
    "its first field begins with space",
  ],
  ["a bad field in an interim answer", "HTTP/1.1 103 E\r\nX\r\n\r\n", BAD_FIELD],
];

for (const [what, wire, reason, options] of heads) {
  Deno.test(`ResponseReader refuses ${what}`, () => {
    assertRefused(wire, [["refused", reason]], options);
  });
}

Deno.test("ResponseReader takes interim answers up to their limit, and refuses one more", () => {
  const wire = "HTTP/1.1 103 X\r\n\r\n";
  const read = (count: number): readonly ResponseEvent[] =>
    readEvents([fromLatin1(wire.repeat(count) + withFields("Content-Length: 0"))]);
  const refused: ResponseEvent = ["refused", "it sends interim answers without end"];
  const many = read(1000);
  assertEquals(many.at(-1), refused);
  const most = many.length - 1;
  assertEquals(most > 700, true);
  assertEquals(read(most).some(([kind]) => kind === "refused"), false);
  assertEquals(read(most + 1).at(-1), refused);
});

/** Events are the same however it is cut. */
function assertRefused(
  wire: string,
  events: readonly ResponseEvent[],
  options?: ReadingOptions,
): void {
  const bytes = fromLatin1(wire);
  assertEquals(readEvents([bytes], options), events);
  assertEquals(readEvents(piecesOf(bytes, 1), options), events);
  for (let at = 1; at < bytes.length; at++) {
    assertEquals(readEvents([bytes.subarray(0, at), bytes.subarray(at)], options), events);
  }
}

const chunks: readonly (readonly [what: string, wire: string, body: string, reason: string])[] = [
  ["no size", "\r\n", "", BAD_SIZE],
  ["a size that is none", "1\r\na\r\nx\r\n", "a", BAD_SIZE],
  ["a negative size", "-1\r\n", "", BAD_SIZE],
  ["a signed size", "+1\r\na", "", BAD_SIZE],
  ["0x", "0x1\r\na", "", BAD_SIZE],
  ["space before a size", " 1\r\na", "", BAD_SIZE],
  ["an extension without a semicolon", "1 a\r\na", "", BAD_SIZE],
  ["a comma", "1,1\r\na", "", BAD_SIZE],
  ["14 digits", "00000000000001\r\na", "", BAD_SIZE],
  ["14 digits that overflow", "fffffffffffffff1\r\na", "", BAD_SIZE],
  ["bare LF behind a size", "1\na\r\n", "", BAD_SIZE],
  ["bare LF in an extension", "1;a\na\r\n", "", BAD_SIZE],
  ["CR in an extension", "1;a\rb\r\na\r\n", "", BAD_SIZE],
  ["CR CR LF behind a size", "1\r\r\na\r\n", "", BAD_SIZE],
  ["bare LF behind the last size", "0\n\r\n", "", BAD_SIZE],
  ["a chunk that is too long", "1\r\nab\r\n", "a", LONG_CHUNK],
  ["bare LF behind a chunk", "1\r\na\n1\r\nb\r\n", "a", LONG_CHUNK],
  ["CR CR behind a chunk", "1\r\na\r\r\n", "a", LONG_CHUNK],
  ["nothing behind a chunk", "1\r\na0\r\n\r\n", "a", LONG_CHUNK],
  ["bare LF behind the last chunk", "0\r\n\n", "", "its last chunk is malformed"],
  ["CR alone behind the last chunk", "0\r\n\rX: 1\r\n\r\n", "", BAD_FIELD],
  ["a trailer that is no field", "0\r\nX\r\n\r\n", "", BAD_FIELD],
  ["a trailer with NUL", "0\r\nX: \0\r\n\r\n", "", BAD_FIELD],
  ["space before the first trailer", "0\r\n X: 1\r\n\r\n", "", "its first field begins with space"],
];

for (const [what, wire, body, reason] of chunks) {
  Deno.test(`ResponseReader refuses ${what} (RFC 9112 §7.1)`, () => {
    const head = ["head", 200, ["Transfer-Encoding", "chunked"], null, "kept"] as const;
    const parts: ResponseEvent[] = body === "" ? [] : [["body", body]];
    assertRefused(CHUNKED + wire, [head, ...parts, ["refused", reason]]);
  });
}

for (
  const [what, wire] of [
    ["a further answer", `${LENGTH}1\r\n\r\naHTTP/1.1 200 OK\r\n\r\n`],
    ["a line's end", `${LENGTH}1\r\n\r\na\r\n`],
    ["bytes behind the last chunk", `${CHUNKED}1\r\na\r\n0\r\n\r\nb`],
    ["a body of 204", "HTTP/1.1 204 N\r\nContent-Length: 1\r\n\r\na"],
    ["a body of 304", "HTTP/1.1 304 N\r\nContent-Length: 1\r\n\r\na"],
  ] as const
) {
  Deno.test(`ResponseReader refuses what nobody asked for: ${what}`, () => {
    const bytes = fromLatin1(wire);
    const events = readEvents([bytes]);
    assertEquals(events.slice(-2), [["end", []], ["refused", SURPLUS]]);
    assertEquals(readEvents(piecesOf(bytes, 1)), events);
  });
}

Deno.test("ResponseReader refuses the body of HEAD, and bytes before a request and behind a switch", () => {
  const head = fromLatin1(`${LENGTH}1\r\n\r\na`);
  assertEquals(readEvents([head], { expected: [{ isHead: true }] }).slice(1), [
    ["end", []],
    ["refused", SURPLUS],
  ]);
  assertEquals(readEvents([fromLatin1("H")], { expected: [] }), [["refused", SURPLUS]]);
  const pieces = ["HTTP/1.1 101 X\r\n\r\n", "a"].map(fromLatin1);
  assertEquals(readEvents(pieces, { expected: [{ allowsSwitch: true }] }).slice(1), [
    ["refused", SURPLUS],
  ]);
});

for (
  const [what, wire] of [
    ["a length", `HTTP/1.1 103 E\r\n\r\n${LENGTH}3\r\n\r\nab`],
    ["chunks", `${CHUNKED}3;x\r\nabc\r\n1\r\nd\r\n0\r\nX: 1\r\n\r`],
  ] as const
) {
  Deno.test(`ResponseReader never takes an answer with ${what} for whole that was cut`, () => {
    const bytes = fromLatin1(wire);
    for (let at = 0; at <= bytes.length; at++) {
      const events = readEvents([bytes.subarray(0, at)], { closes: true });
      assertEquals([events.at(-1), events.some(([kind]) => kind === "end")], [["cut"], false]);
    }
  });
}

/** One head of so many bytes, its empty line included. */
function headOf(length: number): string {
  const start = `${LENGTH}0\r\nX: `;
  return `${start}${"a".repeat(length - start.length - 4)}\r\n\r\n`;
}

function kindsOf(wire: string, size: number): string {
  return readEvents(piecesOf(fromLatin1(wire), size)).map((event) =>
    event[0] === "refused" ? event[1] : event[0]
  ).join(", ");
}

for (const size of [61, 1460, 65_536, 1_000_000]) {
  Deno.test(`ResponseReader bounds heads, fields and lines, in pieces of ${size}`, () => {
    const tooLong = `its head or trailer is over ${MAX_ANSWER_HEAD_BYTES} bytes`;
    assertEquals(kindsOf(headOf(MAX_ANSWER_HEAD_BYTES), size), "head, end");
    assertEquals(kindsOf(headOf(MAX_ANSWER_HEAD_BYTES + 1), size), tooLong);
    assertEquals(kindsOf(headOf(MAX_ANSWER_HEAD_BYTES).slice(0, -4), size), "");
    assertEquals(kindsOf(`${headOf(MAX_ANSWER_HEAD_BYTES).slice(0, -4)}aaaaa`, size), tooLong);

    const fields = (count: number): string => "X: 1\r\n".repeat(count);
    const tooMany = `it has more than ${MAX_ANSWER_FIELDS} fields`;
    const withCount = (count: number): string => `${LENGTH}0\r\n${fields(count - 1)}\r\n`;
    assertEquals(kindsOf(withCount(MAX_ANSWER_FIELDS), size), "head, end");
    assertEquals(kindsOf(withCount(MAX_ANSWER_FIELDS + 1), size), tooMany);

    const trailer = (length: number): string => `0\r\nX: ${"a".repeat(length - 7)}\r\n\r\n`;
    assertEquals(kindsOf(CHUNKED + trailer(MAX_ANSWER_HEAD_BYTES - 1), size), "head, end");
    assertEquals(kindsOf(CHUNKED + trailer(MAX_ANSWER_HEAD_BYTES + 1), size), `head, ${tooLong}`);
    const trailers = `${CHUNKED}0\r\n${fields(MAX_ANSWER_FIELDS)}`;
    assertEquals(kindsOf(`${trailers}\r\n`, size), "head, end");
    assertEquals(kindsOf(`${trailers}X: 1\r\n\r\n`, size), `head, ${tooMany}`);

    const line = (length: number): string => `1;${"a".repeat(length - 4)}\r\n`;
    const longLine = `head, a chunk's line is over ${MAX_CHUNK_LINE_BYTES} bytes`;
    assertEquals(kindsOf(`${CHUNKED}${line(MAX_CHUNK_LINE_BYTES)}a`, size), "head, body");
    assertEquals(kindsOf(`${CHUNKED}${line(MAX_CHUNK_LINE_BYTES + 1)}a`, size), longLine);
    assertEquals(kindsOf(CHUNKED + "1;".padEnd(MAX_CHUNK_LINE_BYTES + 1, "a"), size), longLine);
  });
}

// Read carelessly, these take time that grows with the square of their length.
Deno.test("ResponseReader reads heads in no more than a moment that are made to take long", () => {
  const room = MAX_ANSWER_HEAD_BYTES - 100;
  const spaces = withFields(`Content-Length: 0\r\nX: a${" ".repeat(room)}b`);
  assertEquals(readEvents([fromLatin1(spaces)]).length, 2);
  const folds = withFields(`Content-Length: 0\r\nX: a${"\n b".repeat(room / 3)}`);
  assertEquals(readEvents([fromLatin1(folds)]).length, 2);
  const lines = withFields("a:\n".repeat(room / 3));
  assertStringIncludes(kindsOf(lines, 1), "fields");
});
