/**
 * Tar files (POSIX.1-2001: ustar, with pax records for what ustar cannot hold), written as a
 * stream. Nothing is compressed, so the length is known before anything is read.
 */

import { gather } from "./byte_blocks.ts";
import { type ArchiveEntry, readContent } from "./entry.ts";
import { BLOCK_BYTES, tarHeader } from "./tar_header.ts";

/** Two blocks of zeros. */
const END = new Uint8Array(2 * BLOCK_BYTES);

/**
 * Writes entries, in their order. Opens each file when its turn comes and closes it, also when the
 * reader stops early.
 *
 * @throws {Error} where a file shrinks while it is read, and whatever a read throws: what was
 * written by then has no end, which tar reports
 */
export function writeTar(entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<Uint8Array> {
  return gather(writePieces(entries));
}

/** The length in bytes of the tar file of these entries. */
export function tarLength(entries: readonly ArchiveEntry[]): number {
  return entries.reduce((sum, entry) => {
    const size = entry.kind === "directory" ? 0 : entry.size;
    return sum + tarHeader(entry, size).length + size + paddingLength(size);
  }, END.length);
}

async function* writePieces(entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) {
    if (entry.kind === "directory") {
      yield tarHeader(entry, 0);
      continue;
    }
    const file = entry.open();
    if (file === undefined) continue;
    try {
      yield tarHeader(entry, file.size);
      yield* readContent(file);
      yield new Uint8Array(paddingLength(file.size));
    } finally {
      file.close();
    }
  }
  yield END;
}

function paddingLength(size: number): number {
  return (BLOCK_BYTES - size % BLOCK_BYTES) % BLOCK_BYTES;
}
