/** The body of an answer as whoever asked for it reads it. */

import { Readable } from "node:stream";
import type { RawHeaders } from "../http/message.ts";
import type { OwnedChunks } from "../http/owned_chunks.ts";

export interface AnswerBodyOptions {
  /** Has more bytes come. */
  readonly resume: () => void;
  /** Nobody wants the rest. */
  readonly giveUp: () => void;
}

export class AnswerBody extends Readable implements OwnedChunks {
  readonly ownsChunks = true;
  /** Fields behind the body; known when it has ended. */
  trailers: RawHeaders = [];
  readonly #options: AnswerBodyOptions;
  #isWhole = false;

  constructor(options: AnswerBodyOptions) {
    super();
    this.#options = options;
    // It may fail before or after anybody listens; that must not end the process.
    this.on("error", () => {});
  }

  /** True while its reader waits for bytes. */
  get isWanting(): boolean {
    const isBeingRead = this.readableFlowing === true || this.listenerCount("readable") > 0;
    return isBeingRead && this.readableLength === 0 && !this.#isWhole && !this.destroyed;
  }

  /** True when all of it has come. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Some of the body; false if no more should come for now. */
  add(bytes: Uint8Array): boolean {
    return this.push(bytes);
  }

  finish(trailers: RawHeaders): void {
    this.#isWhole = true;
    this.trailers = trailers;
    this.push(null);
  }

  /** The rest will not come. */
  fail(error: Error): void {
    this.destroy(error);
  }

  override _read(): void {
    this.#options.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#isWhole) this.#options.giveUp();
    callback(error);
  }
}
