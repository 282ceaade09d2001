/** Text whose characters are bytes: heads of HTTP/1.1 are neither ASCII nor UTF-8 (RFC 9112 §2.2). */

import { Buffer } from "node:buffer";

const utf8 = new TextEncoder();
const NO_BYTES = new Uint8Array();

/** One character per byte. */
export function toLatin1Text(bytes: Uint8Array, from = 0, to = bytes.length): string {
  const buffer = bytes instanceof Buffer
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.toString("latin1", from, to);
}

/** One byte per character. */
export function encodeLatin1(text: string): Uint8Array {
  return joinLatin1(text, NO_BYTES);
}

/** Text, bytes and text in one piece, where each write would cost; one byte per character. */
export function joinLatin1(before: string, bytes: Uint8Array, after = ""): Uint8Array {
  const end = before.length + bytes.length;
  const joined = Buffer.allocUnsafe(end + after.length);
  // Half the time of Buffer's own, and the same bytes for ASCII, which most heads are. Any other
  // character takes more than one byte, so that it shows.
  const { read, written } = utf8.encodeInto(before, joined);
  if (read !== before.length || written !== read) joined.write(before, "latin1");
  joined.set(bytes, before.length);
  if (after !== "") joined.write(after, end, "latin1");
  return joined;
}
