/** Heads of answers as text and bytes (RFC 9112 §4, §5). */

import { STATUS_CODES } from "node:http";
import { headerPairs, isValidHeader } from "./headers.ts";
import { encodeLatin1 } from "../base/latin1.ts";
import type { RawHeaders } from "./message.ts";

const statusLines = new Map<number, string>();

/** With its end. Statuses are few, since they have three digits. */
export function toStatusLine(status: number): string {
  let line = statusLines.get(status);
  if (line === undefined) {
    line = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
    statusLines.set(status, line);
  }
  return line;
}

/**
 * With its end.
 *
 * @throws {TypeError} for a field that cannot stand in a head.
 */
export function toFieldLine(name: string, value: string): string {
  if (!isValidHeader(name, value)) {
    throw new TypeError(`Cannot encode head: malformed field ${JSON.stringify(name)}`);
  }
  return `${name}: ${value}\r\n`;
}

/**
 * Status line, fields and the empty line.
 *
 * @throws {TypeError} for a field that cannot stand in a head.
 */
export function encodeHead(status: number, headers: RawHeaders): Uint8Array {
  let head = toStatusLine(status);
  for (const [name, value] of headerPairs(headers)) head += toFieldLine(name, value);
  return encodeLatin1(`${head}\r\n`);
}
