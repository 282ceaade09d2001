/** Strings of one character per byte (Latin-1), as heads are held, and their bytes. */

const utf8 = new TextEncoder();

/**
 * Writes one byte per character; returns the offset behind them.
 *
 * @throws {RangeError} for a character above U+00FF.
 */
export function writeLatin1(target: Uint8Array, offset: number, text: string): number {
  const end = offset + text.length;
  // Much faster than a loop, and than Buffer's own; where all of it has been read, it was ASCII, a
  // byte per character.
  const { read } = utf8.encodeInto(text, target.subarray(offset, end));
  if (read === text.length) return end;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) throw new RangeError("Cannot encode text: it has characters above U+00FF");
    target[offset + i] = code;
  }
  return end;
}
