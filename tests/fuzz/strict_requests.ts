/**
 * Requests as the grammar of RFC 9112 has them, read in the plainest way: all at once, by a pattern
 * for each part. It shares nothing with the reader under test, and bounds nothing.
 */

import type { RawHeaders } from "../../lib/http/message.ts";

/** One request that is whole, and well-formed in all its parts. */
export interface StrictRequest {
  readonly line: string;
  readonly headers: RawHeaders;
  readonly body: string;
  readonly trailers: RawHeaders;
}

const TOKEN = String.raw`[-!#$%&'*+.^_\x60|~\w]+`;
const LINE_REGEXP = new RegExp(String.raw`(?:\r\n)?(${TOKEN}) ([!-~]+) HTTP/(1\.[01])\r\n`, "y");
const FIELD_REGEXP = new RegExp(
  String.raw`(${TOKEN}):[ \t]*((?:[!-~\x80-\xff](?:[ \t]+(?=[!-~\x80-\xff]))?)*)[ \t]*\r\n`,
  "y",
);
const EMPTY_LINE_REGEXP = /\r\n/y;
const QUOTED = String.raw`"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"`;
const CHUNK_REGEXP = new RegExp(
  String.raw`([0-9A-Fa-f]+)(?:[ \t]*;[ \t]*${TOKEN}(?:[ \t]*=[ \t]*(?:${TOKEN}|${QUOTED}))?)*\r\n`,
  "y",
);

/** Those that stand at the beginning of a text of one character per byte. */
export function readStrictly(text: string): readonly StrictRequest[] {
  const requests: StrictRequest[] = [];
  let at = 0;
  const match = (regexp: RegExp): RegExpExecArray | undefined => {
    regexp.lastIndex = at;
    const found = regexp.exec(text) ?? undefined;
    if (found !== undefined) at += found[0].length;
    return found;
  };
  const takeBytes = (count: number): string | undefined => {
    if (at + count > text.length) return undefined;
    at += count;
    return text.slice(at - count, at);
  };
  const takeFields = (): string[] | undefined => {
    const fields: string[] = [];
    for (let field = match(FIELD_REGEXP); field !== undefined; field = match(FIELD_REGEXP)) {
      fields.push(field[1] ?? "", field[2] ?? "");
    }
    return match(EMPTY_LINE_REGEXP) === undefined ? undefined : fields;
  };
  const takeChunks = (): string | undefined => {
    let body = "";
    for (;;) {
      const line = match(CHUNK_REGEXP);
      if (line === undefined) return undefined;
      const size = parseInt(line[1] ?? "", 16);
      if (size === 0) return body;
      const data = takeBytes(size);
      if (data === undefined || match(EMPTY_LINE_REGEXP) === undefined) return undefined;
      body += data;
    }
  };
  for (;;) {
    const line = match(LINE_REGEXP);
    const headers = line === undefined ? undefined : takeFields();
    if (line === undefined || headers === undefined) return requests;
    const [, method = "", target = "", version = ""] = line;
    const lengths = valuesOf(headers, "content-length");
    const codings = valuesOf(headers, "transfer-encoding");
    let body: string | undefined = "";
    let trailers: RawHeaders | undefined = [];
    if (codings.length > 0) {
      // RFC 9112 §6.1: whoever also sends a length, or speaks 1.0, has it closed.
      const isChunked = codings.join(",").toLowerCase() === "chunked";
      if (!isChunked || lengths.length > 0 || version === "1.0") return requests;
      body = takeChunks();
      trailers = body === undefined ? undefined : takeFields();
    } else if (lengths.length > 0) {
      const [length = "", ...others] = lengths;
      if (others.length > 0 || !/^[0-9]+$/.test(length)) return requests;
      body = takeBytes(Number(length));
    }
    if (body === undefined || trailers === undefined) return requests;
    requests.push({ line: `${method} ${target} ${version}`, headers, body, trailers });
  }
}

function valuesOf(headers: RawHeaders, wanted: string): readonly string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === wanted);
}
