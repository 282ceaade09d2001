import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { MAX_TARGET_BYTES } from "../../lib/base/limits.ts";
import { toParserRefusal } from "../../lib/http/parser_refusal.ts";

const INVALID = "HPE_INVALID_CONSTANT";
const long = "/".repeat(MAX_TARGET_BYTES + 1);

const table: readonly (readonly [string, string, string, number])[] = [
  ["nothing at all", INVALID, "", 400],
  ["garbage", INVALID, "\x16\x03\x01\x02\x00\x01\xfc", 400],
  ["a head that came too slowly", "ERR_HTTP_REQUEST_TIMEOUT", "GET / HT", 408],
  ["an unknown method (RFC 9110 §15.6.2)", INVALID, "BREW /pot HTTP/1.1\r\nHost: a\r\n", 501],
  ["a method in lower case", INVALID, "get / HTTP/1.1\r\n", 501],
  ["a method that may be incomplete", INVALID, "BRE", 400],
  ["a PROXY header of version 1", INVALID, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", 400],
  ["a PROXY header of an unknown connection", INVALID, "PROXY UNKNOWN\r\n", 400],
  ["a PROXY header of version 2", INVALID, "\r\n\r\n\0\r\nQUIT\n!\x11\0\f", 400],
  ["a method PROXY", INVALID, "PROXY / HTTP/1.1\r\n", 501],
  ["a method that is no token", INVALID, "G@T / HTTP/1.1\r\n", 400],
  ["the preface of HTTP/2 (RFC 9113 §3.4)", INVALID, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
  ["HTTP/2.0", INVALID, "GET / HTTP/2.0\r\n", 505],
  ["HTTP/0.9", INVALID, "GET /\r\n", 400],
  ["HTTP/0.9 by name", INVALID, "GET / HTTP/0.9\r\n", 505],
  ["another protocol", INVALID, "GET / RTSP/1.0\r\n", 400],
  ["a target over the limit", "HPE_HEADER_OVERFLOW", `GET ${long} HTTP/1.1\r\n`, 414],
  ["a target over the limit without its end", "HPE_HEADER_OVERFLOW", `GET ${long}`, 414],
  ["a head over the limit", "HPE_HEADER_OVERFLOW", "GET / HTTP/1.1\r\nX: 1\r\n", 431],
  ["a bare line feed in the head", INVALID, "GET / HTTP/1.1\nHost: a\n\n", 400],
];

for (const [what, code, head, status] of table) {
  Deno.test(`toParserRefusal answers ${status} to ${what}`, () => {
    assertEquals(toParserRefusal(code, head).status, status);
  });
}

Deno.test("toParserRefusal has an error and a sentence of its own for all bytes", () => {
  const codes = fc.constantFrom("", INVALID, "HPE_HEADER_OVERFLOW", "ERR_HTTP_REQUEST_TIMEOUT");
  fc.assert(
    fc.property(codes, fc.string({ unit: "binary", maxLength: 200 }), (code, head) => {
      const { status, reason } = toParserRefusal(code, head);
      assert([400, 408, 414, 431, 501, 505].includes(status));
      assert(/^[A-Z][A-Za-z0-9 .'/]+[^.]$/.test(reason), reason);
    }),
  );
});
