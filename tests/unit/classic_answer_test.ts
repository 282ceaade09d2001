import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { Readable } from "node:stream";
import { MAX_MAGIC_HEADER_CHARS } from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { HttpAnswer, RawHeaders } from "../../lib/http/message.ts";
import {
  type ClassicAnswer,
  toClassicAnswer,
  toClassicStatus,
} from "../../lib/server/classic_answer.ts";
import { CLASSIC_STATUSES } from "../../lib/wire/classic.ts";
import { decodeMagicHeader } from "../../lib/wire/http_serde.ts";
import { turn } from "../support/turn.ts";

const HELLO = new TextEncoder().encode("hello");

function convert(answer: Partial<HttpAnswer>, isHead = false): ClassicAnswer {
  return toClassicAnswer({ status: 200, headers: [], body: null, ...answer }, { isHead });
}

function headersOf({ magic }: ClassicAnswer): RawHeaders {
  return decodeMagicHeader(magic).headers;
}

/** PROTOCOL.md's rule for servers, line by line. */
function expectedStatus(status: number): number {
  if (CLASSIC_STATUSES.some((one) => one === status)) return status;
  if (status === 205) return 204;
  if (status < 300) return 200;
  if (status < 400) return 307;
  if ([401, 407, 451].includes(status)) return 403;
  if (status === 410) return 404;
  return status < 500 ? 400 : 500;
}

Deno.test("toClassicStatus maps every status from 200 to 599 to one of the eleven", () => {
  for (let status = 200; status <= 599; status++) {
    assertEquals(toClassicStatus(status), expectedStatus(status), `${status}`);
  }
  assertEquals(
    [201, 202, 203, 205, 300, 301, 302, 303, 308].map(toClassicStatus),
    [200, 200, 200, 204, 307, 307, 307, 307, 307],
  );
  assertEquals([401, 402, 407, 410, 412, 451].map(toClassicStatus), [403, 400, 403, 404, 400, 403]);
  assertEquals([501, 502, 503, 504, 599].map(toClassicStatus), [500, 500, 500, 500, 500]);
});

Deno.test("toClassicAnswer carries status, headers and bytes, with their length", () => {
  const answer = convert({ status: 404, headers: ["X-Bin", "\xff\t"], body: HELLO });
  assertEquals(decodeMagicHeader(answer.magic), {
    status: 404,
    headers: ["x-bin", "\xff\t", "content-length", "5"],
  });
  assertEquals(answer.body, HELLO);
  assertEquals(answer.bodyLength, 5);
});

Deno.test("toClassicAnswer gives a stream the length that its headers declare, or none", () => {
  const known = Readable.from([HELLO]);
  const declared = convert({ headers: ["Content-Length", "5"], body: known });
  assertEquals(declared.bodyLength, 5);
  assertEquals(declared.body, known);
  assertEquals(headersOf(declared), ["content-length", "5"]);
  const unknown = Readable.from([HELLO]);
  const chunked = convert({ body: unknown });
  assertEquals(chunked.bodyLength, null);
  assertEquals(headersOf(chunked), []);
  known.destroy();
  unknown.destroy();
});

Deno.test("toClassicAnswer says of an answer without a body that its length is 0", () => {
  assertEquals(headersOf(convert({ status: 308, headers: ["Location", "./a/"] })), [
    "location",
    "./a/",
    "content-length",
    "0",
  ]);
});

for (const status of [200, 206, 404]) {
  Deno.test(`toClassicAnswer to HEAD with ${status} keeps the length, and gives up the body`, () => {
    const body = new Readable({ read: (): void => {} });
    const streamed = convert({ status, headers: ["Content-Length", "5000"], body }, true);
    assertEquals(headersOf(streamed), ["content-length", "5000"]);
    assertEquals([streamed.body, streamed.bodyLength], [null, 0]);
    assert(body.destroyed);
    const small = convert({ status, body: HELLO }, true);
    assertEquals(headersOf(small), ["content-length", "5"]);
    assertEquals([small.body, small.bodyLength], [null, 0]);
  });
}

for (const status of [204, 205, 304]) {
  Deno.test(`toClassicAnswer sends no body and no made-up length with ${status} (RFC 9110 §8.6)`, () => {
    for (const body of [HELLO, new Readable({ read: (): void => {} })]) {
      const answer = convert({ status, headers: ["ETag", '"x"'], body });
      assertEquals(headersOf(answer), ["etag", '"x"']);
      assertEquals([answer.body, answer.bodyLength], [null, 0]);
      if (body instanceof Readable) assert(body.destroyed);
    }
  });
}

Deno.test("toClassicAnswer writes each header once: lists joined, of cookies the first", () => {
  const headers = ["Vary", "a", "Set-Cookie", "x=1", "vary", "b", "set-cookie", "y=2", "VARY", "c"];
  assertEquals(headersOf(convert({ status: 304, headers })), [
    "vary",
    "a, b, c",
    "set-cookie",
    "x=1",
  ]);
});

Deno.test("toClassicAnswer drops what is for one connection, and its neighbours stay", () => {
  const headers = ["Connection", "close, X-Hop", "X-Hop", "1", "X-Kept", "2"];
  headers.push("Transfer-Encoding", "chunked", "Keep-Alive", "timeout=5", "Upgrade", "h2c");
  assertEquals(headersOf(convert({ status: 304, headers })), ["x-kept", "2"]);
});

Deno.test("toClassicAnswer turns headers that fit no request head into a 500, and ends the body", async () => {
  const body = new Readable({ read: (): void => {} });
  const answer = convert({ headers: ["X-Long", "x".repeat(MAX_MAGIC_HEADER_CHARS)], body });
  assertLessOrEqual(answer.magic.length, MAX_MAGIC_HEADER_CHARS);
  assertEquals(decodeMagicHeader(answer.magic).status, 500);
  assert(answer.body instanceof Uint8Array);
  assertEquals(headerValue(headersOf(answer), "content-length"), String(answer.body.length));
  assertEquals(new TextDecoder().decode(answer.body).includes("xxx"), false);
  assert(body.destroyed);
  await turn();
});

for (const [name, value] of [["X-A", "a\r\nX-B: b"], ["X A", "a"], ["X-A", "\u0100"]] as const) {
  Deno.test(`toClassicAnswer turns ${JSON.stringify(`${name}: ${value}`)} into a 500`, () => {
    const body = new Readable({ read: (): void => {} });
    const answer = convert({ headers: [name, value], body });
    assertEquals(decodeMagicHeader(answer.magic).status, 500);
    assertEquals(headerValue(headersOf(answer), name.toLowerCase()), undefined);
    assert(body.destroyed);
  });
}

Deno.test("toClassicAnswer takes headers up to the limit", () => {
  // 3 bytes of layout per header map and name, then base64: a margin of 64 bytes is plenty.
  const value = "x".repeat(Math.floor(MAX_MAGIC_HEADER_CHARS * 3 / 4) - 64);
  const answer = convert({ headers: ["X-Long", value], body: HELLO });
  assertEquals(headerValue(headersOf(answer), "x-long"), value);
  assertEquals(answer.body, HELLO);
});
