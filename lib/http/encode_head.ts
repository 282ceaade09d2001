/** Heads of answers as bytes, for where node:http writes none. */

import { Buffer } from "node:buffer";
import { STATUS_CODES } from "node:http";
import { headerPairs, isValidHeader } from "./headers.ts";
import type { RawHeaders } from "./message.ts";

/**
 * Status line, fields and the empty line (RFC 9112 §4).
 *
 * @throws {TypeError} for a field that cannot stand in a head.
 */
export function encodeHead(status: number, headers: RawHeaders): Uint8Array {
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  for (const [name, value] of headerPairs(headers)) {
    if (!isValidHeader(name, value)) {
      throw new TypeError(`Cannot encode head: malformed field ${JSON.stringify(name)}`);
    }
    head += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, "latin1");
}
