/** Requests for properties: bytes, and what is to be read of them. */

import fc from "fast-check";
import type { RawHeaders } from "../../lib/http/message.ts";
import { anyLatin1 } from "./any_answers.ts";
import type { RequestEvent } from "./request_events.ts";

export interface AnyRequest {
  readonly wire: string;
  readonly events: readonly RequestEvent[];
}

const name = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/)
  .filter((text) => !/^(?:content-length|transfer-encoding)$/i.test(text));
const value = anyLatin1(20)
  .map((text) => text.replaceAll(/[^\t -~\x80-\xff]/g, "").replaceAll(/^[ \t]+|[ \t]+$/g, ""));
const space = fc.constantFrom("", " ", " ", "\t", "  \t");
const fields = fc.array(fc.tuple(name, value, space, space), { maxLength: 6 }).map((lines) => ({
  text: lines.map(([key, text, before, behind]) => `${key}:${before}${text}${behind}\r\n`).join(""),
  headers: lines.flatMap(([key, text]) => [key, text]),
}));
const extension = fc.constantFrom("", ";a", ' ;\ta = "\xff\\""', ";a=1;b");
const chunks = fc.record({
  parts: fc.array(fc.tuple(anyLatin1(40), extension, fc.boolean()))
    .map((parts) => parts.filter(([text]) => text !== "")),
  last: extension,
  trailers: fields,
}).map(({ parts, last, trailers }) => ({
  wire: parts.map(([text, more, isUpper]) => {
    const size = text.length.toString(16);
    return `${isUpper ? size.toUpperCase() : `0${size}`}${more}\r\n${text}\r\n`;
  }).join("") + `0${last}\r\n${trailers.text}\r\n`,
  body: parts.map(([text]) => text).join(""),
  trailers: trailers.headers,
}));

/** Requests that have to be read; an empty line may stand before them. */
export const anyRequest: fc.Arbitrary<AnyRequest> = fc.record({
  before: fc.constantFrom("", "", "\r\n"),
  method: fc.constantFrom(
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PROPFIND",
    "M-SEARCH",
  ),
  target: fc.stringMatching(/^[!-~]{1,20}$/),
  version: fc.constantFrom("1.0", "1.1"),
  first: fields,
  last: fields,
  framing: fc.constantFrom("none", "length", "chunked"),
  bytes: fc.oneof(
    anyLatin1(60),
    fc.constantFrom("\r\n\r\n", "\n", "0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"),
  ),
  chunks,
}).map(({ before, method, target, version, first, last, framing, bytes, chunks }) => {
  const isChunked = framing === "chunked" && version === "1.1";
  const hasLength = framing !== "none" && !isChunked;
  const framed: RawHeaders = isChunked
    ? ["Transfer-Encoding", "chunked"]
    : hasLength
    ? ["Content-Length", String(bytes.length)]
    : [];
  const body = isChunked ? chunks.body : hasLength ? bytes : "";
  const parts: RequestEvent[] = body === "" ? [] : [["body", body]];
  const line = framed.length === 0 ? "" : `${framed.join(": ")}\r\n`;
  const head = `${method} ${target} HTTP/${version}\r\n${first.text}${line}${last.text}\r\n`;
  return {
    wire: before + head + (isChunked ? chunks.wire : body),
    events: [
      ["head", `${method} ${target} ${version}`, [...first.headers, ...framed, ...last.headers]],
      ...parts,
      ["end", isChunked ? chunks.trailers : []],
    ],
  };
});
