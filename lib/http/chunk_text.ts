/** What chunked bodies have around their chunks (RFC 9112 §7.1); one byte per character. */

import { isTrailer } from "./headers.ts";
import type { RawHeaders } from "./message.ts";

/** What stands before a chunk of so many bytes, which are not none. */
export function toChunkStart(bytes: number): string {
  return `${bytes.toString(16)}\r\n`;
}

/** What stands behind a chunk. */
export const CHUNK_END = "\r\n";

/** The end of a chunked body. Fields that may not stand there are left out. */
export function toLastChunk(trailers: RawHeaders): string {
  let text = "0\r\n";
  for (let i = 0; i + 1 < trailers.length; i += 2) {
    const [name = "", value = ""] = [trailers[i], trailers[i + 1]];
    if (isTrailer(name, value)) text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}
