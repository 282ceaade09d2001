/** The body of an answer as whoever asked for it reads it. */

import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import type { RawHeaders } from "../http/message.ts";
import { freeChunk, type OwnedChunks } from "../http/owned_chunks.ts";

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
  /** What has come before anybody has begun to read; undefined from then on. */
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;
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

  /**
   * All of the body at once, in place of reading it, where all of it has come, is no longer than
   * `maxBytes`, and nobody has begun to read; else undefined. Whoever gets it has no more use for
   * the stream.
   */
  takeWhole(maxBytes: number): Uint8Array | undefined {
    const held = this.#held;
    if (!this.#isWhole || held === undefined || this.#heldBytes > maxBytes) return undefined;
    if (held.length === 1) return held[0];
    const whole = Buffer.concat(held);
    for (const chunk of held) freeChunk(chunk);
    return whole;
  }

  /** Some of the body; false if no more should come for now. */
  add(bytes: Uint8Array): boolean {
    if (this.#held === undefined) return this.push(bytes);
    this.#held.push(bytes);
    this.#heldBytes += bytes.length;
    return this.#heldBytes < this.readableHighWaterMark;
  }

  finish(trailers: RawHeaders): void {
    this.#isWhole = true;
    this.trailers = trailers;
    if (this.#held === undefined) this.push(null);
  }

  /** The rest will not come. */
  fail(error: Error): void {
    this.destroy(error);
  }

  override _read(): void {
    const held = this.#held;
    this.#held = undefined;
    let hasRoom = true;
    for (const bytes of held ?? []) hasRoom = this.push(bytes);
    if (held !== undefined && this.#isWhole) this.push(null);
    else if (hasRoom) this.#options.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#isWhole) this.#options.giveUp();
    callback(error);
  }
}
