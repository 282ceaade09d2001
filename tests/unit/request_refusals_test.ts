/** Requests that are refused: each whole, and cut everywhere. */

import { assert, assertEquals } from "@std/assert";
import {
  MAX_CHUNK_LINE_BYTES,
  MAX_CHUNK_OVERHEAD_BYTES,
  MAX_HEAD_BYTES,
  MAX_HEADER_COUNT,
  MAX_TARGET_BYTES,
  MAX_TRAILER_BYTES,
} from "../../lib/base/limits.ts";
import { parseRequestLine } from "../../lib/http/request_head.ts";
import { fromLatin1, piecesOf } from "../support/bytes.ts";
import { readRequests } from "../support/request_events.ts";

const GET = "GET / HTTP/1.1\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\n";
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const long = "/".repeat(MAX_TARGET_BYTES + 1);

const heads: readonly (readonly [what: string, wire: string, status: number])[] = [
  ["a TLS hello", "\x16\x03\x01\x02\x00\x01\xfc", 400],
  ["an unknown method (RFC 9110 §15.6.2)", "BREW /pot HTTP/1.1\r\nHost: a\r\n", 501],
  ["a method in lower case", "get / HTTP/1.1\r\n", 501],
  ["a PROXY header of version 1", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 400],
  ["a PROXY header of an unknown connection", "PROXY UNKNOWN\r\n", 400],
  ["a PROXY header of version 2", "\r\n\r\n\0\r\nQUIT\n!\x11\0\f", 400],
  ["a method PROXY", "PROXY / HTTP/1.1\r\n", 501],
  ["a method that is no token", "G@T / HTTP/1.1\r\n", 400],
  ["no method", " / HTTP/1.1\r\n", 400],
  ["the preface of HTTP/2 (RFC 9113 §3.4)", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
  ["HTTP/2.0", "GET / HTTP/2.0\r\n", 505],
  ["HTTP/1.2", "GET / HTTP/1.2\r\n", 505],
  ["HTTP/1.10", "GET / HTTP/1.10\r\n", 505],
  ["HTTP/0.9", "GET /\r\n", 400],
  ["HTTP/0.9 by name", "GET / HTTP/0.9\r\n", 505],
  ["a version in lower case", "GET / http/1.1\r\n", 400],
  ["another protocol", "GET / RTSP/1.0\r\n", 400],
  ["no target", "GET  HTTP/1.1\r\n", 400],
  ["two spaces", "GET  / HTTP/1.1\r\n", 400],
  ["space behind the version", "GET / HTTP/1.1 \r\n", 400],
  ["space in the target", "GET /a b HTTP/1.1\r\n", 400],
  ["a tab in the target", "GET /a\tb HTTP/1.1\r\n", 400],
  ["a byte above 127 in the target", "GET /\xff HTTP/1.1\r\n", 400],
  ["NUL in the target", "GET /\0 HTTP/1.1\r\n", 400],
  ["space first", " GET / HTTP/1.1\r\n", 400],
  ["two empty lines first", "\r\n\r\n", 400],
  ["a bare LF first", "\n", 400],
  ["a bare LF (RFC 9112 §2.2)", "GET / HTTP/1.1\nHost: a\n\n", 400],
  ["a bare LF behind a field", `${GET}Host: a\nX: b\r\n`, 400],
  ["a bare LF at the end", `${GET}Host: a\r\n\n`, 400],
  ["a bare CR in a value", `${GET}Host: a\rb\r\n`, 400],
  ["a bare CR in the line", "GET /\r HTTP/1.1\r\n", 400],
  ["two CRs", `${GET}Host: a\r\r\n`, 400],
  ["NUL in a value", `${GET}Host: a\0`, 400],
  ["DEL in a value", `${GET}Host: a\x7f`, 400],
  ["a form feed in a value", `${GET}Host: a\f`, 400],
  ["space before a colon (RFC 9112 §5.1)", `${GET}Host : a\r\n\r\n`, 400],
  ["a tab before a colon", `${GET}Host\t: a\r\n\r\n`, 400],
  ["space in a name", `${GET}Ho st: a\r\n\r\n`, 400],
  ["no colon", `${GET}Host\r\n\r\n`, 400],
  ["no name", `${GET}: a\r\n\r\n`, 400],
  ["a name beyond ASCII", `${GET}H\xf6st: a\r\n\r\n`, 400],
  ["a name in brackets", `${GET}(Host): a\r\n\r\n`, 400],
  ["a first field that begins with space", `${GET} Host: a\r\n\r\n`, 400],
  ["a line that goes on (RFC 9112 §5.2)", `${GET}Host: a\r\nX: 1\r\n b\r\n\r\n`, 400],
  ["a line that goes on by a tab", `${GET}Host: a\r\nX: 1\r\n\tb\r\n\r\n`, 400],
  ["a target over the limit without its end", `GET ${long}${long}`, 414],
  ["a head over the limit", `${GET}X: ${"x".repeat(MAX_HEAD_BYTES)}`, 431],
  ["a head over the limit in small fields", `${GET}${"X: 1\r\n".repeat(MAX_HEAD_BYTES / 6)}`, 431],
  ["a method over the limit", "X".repeat(MAX_HEAD_BYTES), 431],
];

/** Heads that can be understood, and so are named in the refusal. */
const requests: readonly (readonly [what: string, wire: string, status: number])[] = [
  [
    "length and chunks (RFC 9112 §6.1)",
    `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked`,
    400,
  ],
  ["chunks and length", `${POST}Transfer-Encoding: chunked\r\nContent-Length: 0`, 400],
  ["an empty coding and length", `${POST}Transfer-Encoding:\r\nContent-Length: 0`, 400],
  ["two lengths (RFC 9112 §6.3)", `${POST}Content-Length: 5\r\nContent-Length: 6`, 400],
  ["the same length twice", `${POST}Content-Length: 5\r\ncontent-length: 5`, 400],
  ["a list of lengths", `${POST}Content-Length: 5, 5`, 400],
  ["an empty length", `${POST}Content-Length:`, 400],
  ["a length with a sign", `${POST}Content-Length: +5`, 400],
  ["a negative length", `${POST}Content-Length: -5`, 400],
  ["a length in hexadecimal", `${POST}Content-Length: 0x5`, 400],
  ["a length with a dot", `${POST}Content-Length: 5.0`, 400],
  ["a length with space", `${POST}Content-Length: 5 5`, 400],
  ["a length that is not exact", `${POST}Content-Length: ${"9".repeat(16)}`, 400],
  ["chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked", 400],
  ["another coding", `${POST}Transfer-Encoding: gzip, chunked`, 501],
  ["chunks twice", `${POST}Transfer-Encoding: chunked, chunked`, 501],
  [
    "chunks twice in two fields",
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked`,
    501,
  ],
  ["chunks that are not last", `${POST}Transfer-Encoding: chunked, gzip`, 501],
  ["an empty coding", `${POST}Transfer-Encoding:`, 501],
  ["identity", `${POST}Transfer-Encoding: identity`, 501],
  ["a coding with a parameter", `${POST}Transfer-Encoding: chunked;x=1`, 501],
  ["a coding with what is no space", `${POST}Transfer-Encoding: \xa0chunked`, 501],
  ["a target over the limit", `GET ${long} HTTP/1.1\r\nHost: a`, 414],
  ["too many fields", `${GET}${Array(MAX_HEADER_COUNT + 1).fill("X: 1").join("\r\n")}`, 431],
];

const bodies: readonly (readonly [what: string, wire: string, status: number])[] = [
  ["no size", "\r\n", 400],
  ["a size that is none", "x\r\n", 400],
  ["a size with a sign", "+1\r\n", 400],
  ["a size by 0x", "0x1\r\n", 400],
  ["space before a size", " 1\r\n", 400],
  ["space behind a size", "1 \r\n", 400],
  ["a size that is not exact", `${"f".repeat(14)}\r\n`, 400],
  ["a bare LF behind a size", "1\n", 400],
  ["a bare CR behind a size", "1\ra\n", 400],
  ["an extension without a name", "1;\r\n", 400],
  ["an extension with a bare CR", "1;a\rb\r\n", 400],
  ["an extension with an open quote", '1;a="b\r\n', 400],
  ["a line over its limit", `1;a=${"b".repeat(MAX_CHUNK_LINE_BYTES)}`, 400],
  ["a chunk that is longer than it says", "1\r\nab\r\n", 400],
  ["a chunk with a bare LF behind it", "1\r\na\n", 400],
  [
    "more lines than data",
    `1;a=${"b".repeat(1000)}\r\nx\r\n`.repeat(MAX_CHUNK_OVERHEAD_BYTES / 900),
    400,
  ],
  ["a trailer with space before its colon", "0\r\nX : 1\r\n\r\n", 400],
  ["a trailer that goes on", "0\r\nX: 1\r\n 2\r\n\r\n", 400],
  ["a trailer with a bare LF", "0\r\nX: 1\n", 400],
  ["an empty line of a bare LF", "0\r\n\n", 400],
  ["trailers over their limit", `0\r\nX: ${"x".repeat(MAX_TRAILER_BYTES)}`, 431],
  ["too many trailers", `0\r\n${"X: 1\r\n".repeat(MAX_HEADER_COUNT + 1)}\r\n`, 431],
];

/** Whole, byte by byte, and cut at each place (at some, where it is long); more follows each time. */
function* waysOf(wire: string): Generator<readonly Uint8Array[]> {
  const bytes = fromLatin1(wire);
  const more = fromLatin1(`${GET}Host: a\r\n\r\n`);
  yield [bytes];
  yield [bytes, more];
  yield [fromLatin1(`${wire}${GET}Host: a\r\n\r\n`)];
  yield [...piecesOf(bytes, bytes.length > 2000 ? 499 : 1), more];
  const step = Math.ceil(bytes.length / 300);
  for (let at = 1; at < bytes.length; at += step) {
    yield [bytes.subarray(0, at), bytes.subarray(at), more];
  }
}

for (const [what, wire, status] of heads) {
  Deno.test(`RequestReader refuses a head with ${what} by ${status}, before anything else`, () => {
    for (const pieces of waysOf(wire)) {
      assertEquals(readRequests(pieces), [["refused", status, null]]);
    }
  });
}

for (const [what, wire, status] of requests) {
  Deno.test(`RequestReader refuses a request with ${what} by ${status}, and says which`, () => {
    const line = wire.slice(0, wire.indexOf("\r\n")).replace("HTTP/", "");
    for (const pieces of waysOf(`${wire}\r\n\r\n`)) {
      assertEquals(readRequests(pieces), [["refused", status, line]]);
    }
  });
}

for (const [what, wire, status] of bodies) {
  Deno.test(`RequestReader refuses a chunked body with ${what} by ${status}`, () => {
    for (const pieces of waysOf(CHUNKED + wire)) {
      const events = readRequests(pieces).filter(([kind]) => kind !== "body");
      assertEquals(events, [
        ["head", "POST / 1.1", ["Host", "a", "Transfer-Encoding", "chunked"]],
        ["refused", status, null],
      ]);
    }
  });
}

Deno.test("parseRequestLine has an error and a sentence of its own for all it refuses", () => {
  const lines = ["", "PROXY UNKNOWN", "PRI * HTTP/2.0", "FOO / HTTP/1.1", "GET / HTTP/3.0"];
  for (const line of lines) {
    const parsed = parseRequestLine(line);
    assert("status" in parsed);
    assert([400, 501, 505].includes(parsed.status));
    assert(/^[A-Z][A-Za-z0-9 .'/]+[^.]$/.test(parsed.reason), parsed.reason);
  }
});
