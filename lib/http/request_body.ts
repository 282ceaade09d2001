/** A request body as handlers see it: a stream whose `destroy()` leaves the connection alone. */

import { Readable } from "node:stream";
import { MAX_READ_AHEAD_BYTES, MAX_READ_AHEAD_PIECES } from "../base/limits.ts";
import type { OwnedChunks } from "./owned_chunks.ts";

export interface RequestBodyOptions {
  /** Somebody begins to read; called once. */
  readonly started: () => void;
  /** Has more bytes come. */
  readonly resume: () => void;
  /** Nobody wants the rest. */
  readonly giveUp: () => void;
}

export class RequestBody extends Readable implements OwnedChunks {
  readonly ownsChunks = true;
  readonly #options: RequestBodyOptions;
  /** What came before anybody began to read: a stream that is given something begins to ask. */
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #isStarted = false;
  #isWanting = false;
  #isWhole = false;

  constructor(options: RequestBodyOptions) {
    super();
    this.#options = options;
    // A body may fail before or after anybody listens to it; that must not end the process.
    this.on("error", () => {});
  }

  /** True while the reader waits for bytes that the peer has not sent. */
  get isWanting(): boolean {
    return this.#isWanting && !this.destroyed;
  }

  /** True while somebody reads it, or may read on. */
  get isBeingRead(): boolean {
    return this.#isStarted && !this.destroyed;
  }

  /** True if some of it has come. */
  get hasBegun(): boolean {
    return this.#earlyBytes > 0 || this.#isWhole;
  }

  /** Some of the body; false if no more should come for now. */
  add(bytes: Uint8Array): boolean {
    if (this.destroyed) return false;
    if (this.#isStarted) {
      const canTakeMore = this.push(bytes);
      if (!canTakeMore) this.#isWanting = false;
      return canTakeMore;
    }
    this.#early.push(bytes);
    this.#earlyBytes += bytes.length;
    return this.#earlyBytes < MAX_READ_AHEAD_BYTES && this.#early.length < MAX_READ_AHEAD_PIECES;
  }

  /** All of it has come. */
  finish(): void {
    this.#isWhole = true;
    this.#isWanting = false;
    if (this.#isStarted && !this.destroyed) this.push(null);
  }

  override _read(): void {
    if (this.#isStarted) return this.#want();
    this.#isStarted = true;
    this.#options.started();
    const early = this.#early;
    this.#early = [];
    let canTakeMore = true;
    for (const bytes of early) canTakeMore = this.push(bytes);
    if (this.#isWhole) this.push(null);
    else if (canTakeMore) this.#want();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#isWanting = false;
    this.#early = [];
    if (!this.#isWhole) this.#options.giveUp();
    callback(error);
  }

  #want(): void {
    if (this.#isWhole) return;
    this.#isWanting = true;
    this.#options.resume();
  }
}
