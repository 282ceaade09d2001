/** Chunked bodies as bytes (RFC 9112 §7.1). */

import { isTrailer } from "./headers.ts";
import { joinLatin1 } from "./latin1.ts";
import type { RawHeaders } from "./message.ts";

/** A chunk that is not empty, in one piece, since each write costs. */
export function encodeChunk(chunk: Uint8Array): Uint8Array {
  return joinLatin1(`${chunk.length.toString(16)}\r\n`, chunk, "\r\n");
}

/** The end of a chunked body. Fields that may not stand there are left out. */
export function encodeLastChunk(trailers: RawHeaders): string {
  let text = "0\r\n";
  for (let i = 0; i + 1 < trailers.length; i += 2) {
    const [name = "", value = ""] = [trailers[i], trailers[i + 1]];
    if (isTrailer(name, value)) text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}
