/** Text of one character per byte (Latin-1): heads of HTTP/1.1 are neither ASCII nor UTF-8. */

import { Buffer } from "node:buffer";

const utf8 = new TextEncoder();
const NO_BYTES = new Uint8Array();

/**
 * Writes one byte per character; returns the offset behind them.
 *
 * @throws {RangeError} for a character above U+00FF.
 */
export function writeLatin1(target: Uint8Array, offset: number, text: string): number {
  const end = offset + text.length;
  // Half the time of Buffer's own, and the same bytes for ASCII, which most heads are: then all of
  // it has been read, a byte per character.
  const { read } = utf8.encodeInto(text, target.subarray(offset, end));
  if (read === text.length) return end;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) throw new RangeError("Cannot encode text: it has characters above U+00FF");
    target[offset + i] = code;
  }
  return end;
}

/** One byte per character. @throws {RangeError} as writeLatin1. */
export function encodeLatin1(text: string): Uint8Array {
  return joinLatin1(text, NO_BYTES);
}

/**
 * Text, bytes and text in one piece, where each write would cost.
 *
 * @throws {RangeError} as writeLatin1.
 */
export function joinLatin1(before: string, bytes: Uint8Array, after = ""): Uint8Array {
  const joined = Buffer.allocUnsafe(before.length + bytes.length + after.length);
  const at = writeLatin1(joined, 0, before);
  joined.set(bytes, at);
  writeLatin1(joined, at + bytes.length, after);
  return joined;
}

/** One character per byte. */
export function toLatin1Text(bytes: Uint8Array, from = 0, to = bytes.length): string {
  const buffer = bytes instanceof Buffer
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.toString("latin1", from, to);
}
