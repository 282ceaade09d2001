/** The bytes of a file as a stream: a few ranges of it, with other bytes between them. */

import { Readable } from "node:stream";
import { FILE_BODIES_BYTES, FILE_PIECE_BYTES, MIN_FILE_PIECE_BYTES } from "../base/limits.ts";
import { loopTurns } from "../base/loop_turns.ts";
import type { OwnedChunks } from "../http/owned_chunks.ts";
import type { ByteRange } from "../http/range.ts";
import type { OpenFile } from "./file_system.ts";

/**
 * Streams pieces in order. Owns the file: closes it once, at the end, on an error, or when
 * destroyed. Sends exactly as many bytes as the ranges say: a file that grows is cut there, and one
 * that shrinks ends the stream with an error, never with padding. Takes over the bytes among the
 * pieces.
 */
export class FileBody extends Readable implements OwnedChunks {
  readonly ownsChunks = true;
  readonly #file: OpenFile;
  readonly #pieces: Iterator<Uint8Array | ByteRange>;
  #remaining = 0;
  #reading: Promise<void> | undefined;

  /** All of the process: the more there are, the less each of them may hold. */
  static #count = 0;

  constructor(file: OpenFile, pieces: Iterable<Uint8Array | ByteRange>) {
    super({ highWaterMark: toPieceBytes(++FileBody.#count) });
    this.#file = file;
    this.#pieces = pieces[Symbol.iterator]();
  }

  override _read(): void {
    try {
      if (this.#remaining === 0) {
        const { value: piece, done } = this.#pieces.next();
        if (done === true) return void this.push(null);
        if (piece instanceof Uint8Array) return void this.push(piece);
        this.#file.seek(piece.first);
        this.#remaining = piece.last - piece.first + 1;
      }
    } catch (error) {
      return void this.destroy(toError(error));
    }
    this.#reading = this.#readPiece();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const close = (): void => {
      FileBody.#count--;
      this.#file.close();
      callback(error);
    };
    // A file that is closed under a read may be another file by the time that the read runs.
    if (this.#reading === undefined) close();
    else this.#reading.then(close);
  }

  async #readPiece(): Promise<void> {
    try {
      // A new buffer each time: the reader may hold on to what it was given.
      const buffer = new Uint8Array(Math.min(toPieceBytes(FileBody.#count), this.#remaining));
      const count = await this.#file.read(buffer);
      // A thousand readers that all get their first bytes would leave nobody else a moment.
      await new Promise<void>((resolve) => loopTurns.add(resolve));
      this.#reading = undefined;
      if (count === 0) throw new Error("Cannot send file: it shrank while it was sent");
      this.#remaining -= count;
      this.push(count === buffer.length ? buffer : buffer.subarray(0, count));
    } catch (error) {
      this.#reading = undefined;
      this.destroy(toError(error));
    }
  }
}

/** How much each of so many bodies reads at a time. */
function toPieceBytes(count: number): number {
  const share = Math.floor(FILE_BODIES_BYTES / count);
  return Math.max(MIN_FILE_PIECE_BYTES, Math.min(FILE_PIECE_BYTES, share));
}

/** Reads `length` bytes at `offset` at once; undefined where the file ends before. */
export function readSmall(
  file: OpenFile,
  { offset, length }: { readonly offset: number; readonly length: number },
): Uint8Array | undefined {
  if (offset > 0) file.seek(offset);
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = file.readSync(bytes.subarray(filled));
    if (count === 0) return undefined;
    filled += count;
  }
  return bytes;
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
