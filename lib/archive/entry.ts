/** What goes into an archive, and how the bytes of a file are read for it. */

import { FILE_PIECE_BYTES } from "../base/limits.ts";

export interface ArchiveFolder {
  readonly kind: "directory";
  /** Names from the top of the archive down. */
  readonly path: readonly string[];
  /** Last change in milliseconds since 1970, or null where it is not known. */
  readonly mtime: number | null;
}

export interface ArchiveFile {
  readonly kind: "file";
  readonly path: readonly string[];
  readonly mtime: number | null;
  /** In bytes, when it was looked up: what counts is the size that it is opened with. */
  readonly size: number;
  /** Opens it when its turn comes; undefined leaves it out. */
  open(): OpenedFile | undefined;
}

export type ArchiveEntry = ArchiveFolder | ArchiveFile;

/** A file being archived. Whoever opened it closes it, once, and never under a read. */
export interface OpenedFile {
  /** The bytes that are archived. A longer file is cut there; a shorter one fails the archive. */
  readonly size: number;
  /** Fills a part of `buffer`; the number of bytes read, 0 at the end. */
  read(buffer: Uint8Array): Promise<number>;
  close(): void;
}

/**
 * Exactly `size` bytes of an opened file, each piece in a buffer of its own. Does not close it.
 *
 * @throws {Error} where the file ends before: padding would pass for content
 */
export async function* readContent(file: OpenedFile): AsyncGenerator<Uint8Array> {
  let remaining = file.size;
  while (remaining > 0) {
    const buffer = new Uint8Array(Math.min(FILE_PIECE_BYTES, remaining));
    const count = await file.read(buffer);
    if (count === 0) throw new Error("Cannot archive file: it shrank while it was read");
    remaining -= count;
    yield buffer.subarray(0, count);
  }
}
