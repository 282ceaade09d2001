/** Heads of requests as text (RFC 9112 §3, §5). */

import { isValidHeader } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";

/**
 * Request line, fields and the empty line; one byte per character.
 *
 * @throws {TypeError} for what cannot stand in a head; for CONNECT, whose answers are no answers.
 */
export function toRequestHead(
  { method, target, headers }: {
    readonly method: string;
    readonly target: string;
    readonly headers: RawHeaders;
  },
): string {
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
  return `${head}\r\n`;
}

const METHOD_REGEXP = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const TARGET_REGEXP = /^[!-~\u0080-\u00ff]+$/;
