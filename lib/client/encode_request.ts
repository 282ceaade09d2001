/** Requests as bytes (RFC 9112 §3, §5, §7.1). */

import { Buffer } from "node:buffer";
import { toLatin1Bytes } from "../base/latin1.ts";
import { isTrailer, isValidHeader } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";

/**
 * Request line, fields and the empty line.
 *
 * @throws {TypeError} for what cannot stand in a head; for CONNECT, whose answers are no answers.
 */
export function encodeRequestHead(
  { method, target, headers }: {
    readonly method: string;
    readonly target: string;
    readonly headers: RawHeaders;
  },
): Uint8Array {
  if (!METHOD_REGEXP.test(method) || method === "CONNECT" || !TARGET_REGEXP.test(target)) {
    throw new TypeError("Cannot send a request: its method or target is malformed");
  }
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    if (!isValidHeader(name, value)) {
      throw new TypeError(`Cannot send a request: malformed field ${JSON.stringify(name)}`);
    }
    head += `${name}: ${value}\r\n`;
  }
  return toLatin1Bytes(`${head}\r\n`);
}

/** A chunk: its size, itself, and a line's end; copied together, since each write costs. */
export function encodeChunk(chunk: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, LINE_END]);
}

/** The end of a chunked body. Fields that may not stand there are left out. */
export function encodeLastChunk(trailers: RawHeaders): Uint8Array {
  let text = "0\r\n";
  for (let i = 0; i + 1 < trailers.length; i += 2) {
    const [name = "", value = ""] = [trailers[i], trailers[i + 1]];
    if (isTrailer(name, value)) text += `${name}: ${value}\r\n`;
  }
  return toLatin1Bytes(`${text}\r\n`);
}

const LINE_END = Buffer.from("\r\n");
const METHOD_REGEXP = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const TARGET_REGEXP = /^[!-~\u0080-\u00ff]+$/;
