/** Small pieces of bytes gathered into bigger ones. */

import { ARCHIVE_BLOCK_BYTES } from "../base/limits.ts";

/**
 * Bytes in blocks of ARCHIVE_BLOCK_BYTES, filled one after the other: a hundred bytes kept here
 * cost a hundred, where an array of their own costs twice as much again.
 */
export class ByteBlocks {
  #full: Uint8Array[] = [];
  #block = new Uint8Array(ARCHIVE_BLOCK_BYTES);
  #used = 0;

  /** Copies bytes to the end. */
  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + this.#block.length - this.#used);
      this.#block.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used === this.#block.length) this.#startBlock();
    }
  }

  /** All full blocks; they are no longer kept. */
  takeFull(): readonly Uint8Array[] {
    return this.#full.splice(0);
  }

  /** Everything; nothing is kept. */
  takeAll(): readonly Uint8Array[] {
    if (this.#used > 0) this.#startBlock();
    return this.takeFull();
  }

  #startBlock(): void {
    this.#full.push(this.#block.subarray(0, this.#used));
    this.#block = new Uint8Array(ARCHIVE_BLOCK_BYTES);
    this.#used = 0;
  }
}

/**
 * The same bytes in fewer pieces: those smaller than half a block are put together, since each
 * piece costs a write to the network; bigger ones pass uncopied.
 */
export async function* gather(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const blocks = new ByteBlocks();
  for await (const piece of pieces) {
    if (piece.length < ARCHIVE_BLOCK_BYTES / 2) {
      blocks.append(piece);
      yield* blocks.takeFull();
    } else {
      yield* blocks.takeAll();
      yield piece;
    }
  }
  yield* blocks.takeAll();
}
