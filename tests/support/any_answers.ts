/** Answers for properties: bytes, and what is to be read of them. */

import fc from "fast-check";
import type { RawHeaders } from "../../lib/http/message.ts";
import type { ResponseEvent } from "./response_events.ts";

export interface AnyAnswer {
  readonly wire: string;
  readonly events: readonly ResponseEvent[];
  /** Whether it is to a HEAD. */
  readonly isHead: boolean;
}

/** Any text of one byte per character. */
export function anyLatin1(maxLength: number): fc.Arbitrary<string> {
  return fc.uint8Array({ maxLength }).map((bytes) => String.fromCharCode(...bytes));
}

const name = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/)
  .filter((text) => !/^(?:connection|content-length|transfer-encoding|upgrade)$/i.test(text));
const value = anyLatin1(20)
  .map((text) => text.replaceAll(/[^\t -~\x80-\xff]/g, "").replaceAll(/^[ \t]+|[ \t]+$/g, ""));
const body = fc.oneof(
  anyLatin1(60),
  fc.constantFrom("\r\n\r\n", "\n", "0\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"),
);

/** Answers with an end of their own; sloppy ones may end lines by LF, and have space before colons. */
export function anyAnswer({ isSloppy }: { readonly isSloppy: boolean }): fc.Arbitrary<AnyAnswer> {
  const lineEnd = isSloppy ? fc.constantFrom("\r\n", "\r\n", "\n") : fc.constant("\r\n");
  const space = fc.constantFrom("", " ", " ", "\t", "  \t");
  const fields = fc.array(
    fc.tuple(name, value, isSloppy ? space : fc.constant(""), space, space, lineEnd),
    { maxLength: 6 },
  ).map((lines) => ({
    text: lines.map(([key, text, before, after, behind, end]) =>
      `${key}${before}:${after}${text}${behind}${end}`
    ).join(""),
    headers: lines.flatMap(([key, text]) => [key, text]),
  }));
  const interims = fc.array(
    fc.tuple(
      fc.integer({ min: 100, max: 199 }).filter((status) => status !== 101),
      fields,
      lineEnd,
    ),
    { maxLength: 2 },
  ).map((all) => ({
    wire: all.map(([status, { text }, end]) => `HTTP/1.1 ${status} X${end}${text}${end}`).join(""),
    events: all.map(([status, { headers }]): ResponseEvent => ["interim", status, headers]),
  }));
  const extension = fc.constantFrom("", ";a", ' ;a="\xff"', "\t", ";a=1;b").filter((text) =>
    isSloppy || !/[ \t]/.test(text)
  );
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
  return fc.record({
    interims,
    status: fc.constantFrom(200, 204, 205, 304, 404, 599),
    first: fields,
    last: fields,
    framing: fc.constantFrom("none", "length", "chunked"),
    bytes: body,
    chunks,
    isHead: fc.boolean(),
    end: lineEnd,
  }).map(({ interims, status, first, last, framing, bytes, chunks, isHead, end }) => {
    const isBare = isHead || status === 204 || status === 304;
    const isChunked = framing === "chunked" && !isBare;
    const framed = toFraming(framing === "none" && !isBare ? "length" : framing, bytes.length);
    const [content, trailers] = isBare
      ? ["", []]
      : isChunked
      ? [chunks.body, chunks.trailers]
      : [bytes, []];
    const parts: ResponseEvent[] = content === "" ? [] : [["body", content]];
    const line = framed.length === 0 ? "" : framed.join(": ") + end;
    const head = `HTTP/1.1 ${status} X${end}${first.text}${line}${last.text}${end}`;
    const headers = [...first.headers, ...framed, ...last.headers];
    const length = isBare ? 0 : isChunked ? null : bytes.length;
    return {
      wire: interims.wire + head + (isBare ? "" : isChunked ? chunks.wire : bytes),
      events: [
        ...interims.events,
        ["head", status, headers, length, "kept"],
        ...parts,
        ["end", trailers],
      ],
      isHead,
    };
  });
}

function toFraming(framing: string, length: number): RawHeaders {
  if (framing === "chunked") return ["Transfer-Encoding", "chunked"];
  return framing === "length" ? ["Content-Length", String(length)] : [];
}
