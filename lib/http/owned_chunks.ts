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
