/**
 * Bodies whose chunks belong to whoever takes them: nobody else reads or changes a chunk once it
 * has been given away, so its memory may be freed as soon as it is written.
 */

import type { Readable } from "node:stream";

export interface OwnedChunks {
  readonly ownsChunks: true;
}

/** Whether a body says so of itself. */
export function ownsChunks(body: Readable): boolean {
  return "ownsChunks" in body && body.ownsChunks === true;
}

/**
 * Gives the memory of an owned chunk back at once, unless it is a part of something larger. Left to
 * the collector, the chunks of a fast stream pile up to 150 MB before it looks, and the process
 * stays as large (measured: 490 MB after 25 GiB, against 77 MB so, and a quarter more bytes a
 * second). Deno's sockets give each chunk a buffer of its own.
 */
export function freeChunk(chunk: Uint8Array): void {
  if (chunk.buffer.byteLength === chunk.byteLength) freeMemory(chunk);
}

/** The same for bytes that alone use the memory they are in, though not all of it. */
export function freeMemory({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
