/** Cuts a stream into segments (docs/protocol.md, "Paths"). */

import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";
import type { Clock, Timer } from "../base/clock.ts";
import { ClosedError } from "../base/errors.ts";
import { SEGMENT_BYTES, SEGMENT_DELAY_MS } from "../base/limits.ts";

export type Segment =
  /** Of 1 to SEGMENT_BYTES. */
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** The stream has ended, and all of it has been cut. */
  | { readonly kind: "end" }
  /** Nothing came in the time given. */
  | { readonly kind: "nothing" };

export class SegmentCutter {
  readonly #stream: Readable;
  readonly #clock: Clock;
  #parts: Uint8Array[] = [];
  #length = 0;
  /** When the first of those bytes came, by the monotonic clock. */
  #since = 0;
  #hasEnded = false;
  #error: Error | undefined;
  #wake = (): void => {};

  /** Takes the stream over. */
  constructor(stream: Readable, clock: Clock) {
    this.#stream = stream;
    this.#clock = clock;
    stream.on("data", (chunk: Uint8Array) => {
      if (this.#length === 0) this.#since = clock.monotonic();
      this.#parts.push(chunk);
      this.#length += chunk.length;
      if (this.#length >= SEGMENT_BYTES) stream.pause();
      this.#wake();
    });
    stream.on("end", () => {
      this.#hasEnded = true;
      this.#wake();
    });
    const fail = (error?: Error): void => {
      if (!this.#hasEnded) this.#error ??= error ?? new ClosedError("The stream was closed");
      this.#wake();
    };
    stream.on("error", fail);
    stream.on("close", () => fail());
    if (stream.destroyed) fail();
  }

  /**
   * The next segment: as soon as it is full, or some time after its first byte; "nothing" where
   * that has not come within `waitMs`. To be called by one caller at a time.
   *
   * @throws the stream's error, or what `signal` aborts with.
   */
  async next(waitMs: number, signal: AbortSignal): Promise<Segment> {
    if (!await this.#until(() => this.#length > 0, waitMs, signal)) return { kind: "nothing" };
    if (this.#length > 0) {
      const delay = Math.max(0, this.#since + SEGMENT_DELAY_MS - this.#clock.monotonic());
      await this.#until(() => this.#length >= SEGMENT_BYTES, delay, signal);
    }
    if (this.#length === 0) return { kind: "end" };
    return { kind: "bytes", bytes: this.#cut() };
  }

  /** Gives the stream up. */
  destroy(): void {
    this.#stream.destroy();
  }

  /** Waits for a condition, or the stream's end; false if neither comes in time. */
  async #until(isMet: () => boolean, waitMs: number, signal: AbortSignal): Promise<boolean> {
    let isLate = false;
    const timer: Timer = this.#clock.after(waitMs, () => {
      isLate = true;
      this.#wake();
    });
    const abort = (): void => this.#wake();
    signal.addEventListener("abort", abort);
    try {
      while (!isMet() && !this.#hasEnded && !isLate) {
        if (this.#error !== undefined) throw this.#error;
        signal.throwIfAborted();
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
      return isMet() || this.#hasEnded;
    } finally {
      this.#wake = () => {};
      this.#clock.clear(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  #cut(): Uint8Array {
    const all = this.#parts.length === 1 && this.#parts[0] !== undefined
      ? this.#parts[0]
      : Buffer.concat(this.#parts);
    const rest = all.subarray(SEGMENT_BYTES);
    this.#parts = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
    // What follows a full segment has a delay of its own, so that it can become full too.
    this.#since = this.#clock.monotonic();
    if (this.#length < SEGMENT_BYTES) this.#stream.resume();
    return all.subarray(0, SEGMENT_BYTES);
  }
}
