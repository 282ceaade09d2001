/**
 * Zip files (PKWARE APPNOTE 6.3 with Zip64), written as a stream: one pass, nothing sought, and of
 * what was written only its record in the central directory kept. What is compressed already is
 * stored, the rest deflated.
 */

import { crc32 } from "node:zlib";
import { ByteBlocks, gather } from "./byte_blocks.ts";
import { isCompressedName } from "./compressed_name.ts";
import { deflate } from "./deflate.ts";
import { type ArchiveEntry, type OpenedFile, readContent } from "./entry.ts";
import { toEntryName } from "./entry_name.ts";
import {
  centralRecord,
  dataDescriptor,
  endRecords,
  localHeader,
  MAX_UINT16,
  MAX_UINT32,
  METHOD_DEFLATE,
  METHOD_STORE,
  type ZipContent,
  type ZipHeader,
} from "./zip_records.ts";

const NO_CONTENT: ZipContent = { crc: 0, compressedSize: 0, size: 0 };

const NOTHING = new Uint8Array();

const encoder = new TextEncoder();

/**
 * Writes entries, in their order. Opens each file when its turn comes and closes it, also when the
 * reader stops early.
 *
 * @throws {Error} where a file shrinks while it is read, and whatever a read throws: what was
 * written by then is no zip file
 */
export function writeZip(entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<Uint8Array> {
  return gather(writePieces(entries));
}

/** True where the length of an entry in a zip file is known before it is written. */
export function isStored(entry: ArchiveEntry): boolean {
  return entry.kind === "directory" || toMethod(entry.path, entry.size) === METHOD_STORE;
}

/** The length in bytes of the zip file of these entries, all of which `isStored`. */
export function storedZipLength(entries: readonly ArchiveEntry[]): number {
  const directory = new CentralDirectory();
  for (const entry of entries) {
    const size = entry.kind === "directory" ? 0 : entry.size;
    const header = toHeader(entry, size);
    const content = { crc: 0, compressedSize: size, size };
    directory.add(header, content, [
      localHeader(header).length,
      size,
      header.hasDescriptor ? dataDescriptor(header, content).length : 0,
    ]);
  }
  return directory.offset + directory.length + directory.end().length;
}

async function* writePieces(entries: AsyncIterable<ArchiveEntry>): AsyncGenerator<Uint8Array> {
  const directory = new CentralDirectory();
  for await (const entry of entries) {
    if (entry.kind === "directory") {
      const header = toHeader(entry, 0);
      const bytes = localHeader(header);
      yield bytes;
      directory.add(header, NO_CONTENT, [bytes.length]);
      continue;
    }
    const file = entry.open();
    if (file === undefined) continue;
    try {
      const header = toHeader(entry, file.size);
      const bytes = localHeader(header);
      yield bytes;
      const content = yield* writeContent(header, file);
      const descriptor = header.hasDescriptor ? dataDescriptor(header, content) : NOTHING;
      yield descriptor;
      directory.add(header, content, [bytes.length, content.compressedSize, descriptor.length]);
    } finally {
      file.close();
    }
  }
  yield* directory.takeRecords();
  yield directory.end();
}

async function* writeContent(
  { method }: ZipHeader,
  file: OpenedFile,
): AsyncGenerator<Uint8Array, ZipContent> {
  let crc = 0;
  let compressedSize = 0;
  async function* checked(): AsyncGenerator<Uint8Array> {
    for await (const piece of readContent(file)) {
      crc = crc32(piece, crc);
      yield piece;
    }
  }
  for await (const piece of method === METHOD_DEFLATE ? deflate(checked()) : checked()) {
    compressedSize += piece.length;
    yield piece;
  }
  return { crc, compressedSize, size: file.size };
}

function toHeader({ path, mtime, kind }: ArchiveEntry, size: number): ZipHeader {
  const isFolder = kind === "directory";
  const name = encoder.encode(toEntryName(path, { isFolder }));
  if (name.length > MAX_UINT16) {
    throw new RangeError(`Cannot write zip entry: its name has ${name.length} bytes`);
  }
  const method = toMethod(path, size);
  // DEFLATE adds 5 bytes to at most 16 KiB that cannot be compressed.
  const longest = method === METHOD_STORE ? size : size + Math.ceil(size / 1024) + 1024;
  return {
    name,
    isFolder,
    method,
    mtime,
    hasDescriptor: size > 0,
    isZip64: longest >= MAX_UINT32,
  };
}

function toMethod(path: readonly string[], size: number): ZipHeader["method"] {
  return size === 0 || isCompressedName(path.at(-1) ?? "") ? METHOD_STORE : METHOD_DEFLATE;
}

/** Counts what was written, and keeps what the end of the file says of it. */
class CentralDirectory {
  readonly #records = new ByteBlocks();
  #count = 0;
  /** Bytes of all entries so far: where the directory will begin. */
  offset = 0;
  /** Bytes of the directory so far. */
  length = 0;

  /** Notes an entry that takes so many bytes in its parts. */
  add(header: ZipHeader, content: ZipContent, parts: readonly number[]): void {
    const record = centralRecord(header, { ...content, offset: this.offset });
    this.#records.append(record);
    this.#count++;
    this.length += record.length;
    this.offset += parts.reduce((sum, part) => sum + part);
  }

  takeRecords(): readonly Uint8Array[] {
    return this.#records.takeAll();
  }

  end(): Uint8Array {
    return endRecords({ count: this.#count, offset: this.offset, length: this.length });
  }
}
