/** A stream longer than anybody may hold, which counts what it has been asked for. */

import { Readable } from "node:stream";

/** Where nothing holds it back, it ends here, so that a test fails rather than run out of memory. */
const MAX_BYTES = 16 * 1024 * 1024;

export class CountedSource extends Readable {
  /** Bytes given so far. */
  given = 0;
  readonly #size: number;

  /** Chunks have `size` bytes. */
  constructor(size: number) {
    super({ highWaterMark: size });
    this.#size = size;
  }

  override _read(): void {
    if (this.given >= MAX_BYTES) return void this.push(null);
    this.given += this.#size;
    this.push(new Uint8Array(this.#size));
  }
}
