/** A web stream as a body of node:stream. */

import { Readable } from "node:stream";
import { ClosedError } from "../base/errors.ts";

/**
 * Reads a stream of bytes as it is read itself. Destroying it cancels the stream, read or not; a
 * stream that fails, or gives anything but bytes, destroys it.
 */
export class WebBody extends Readable {
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  readonly #onFailed: (error: unknown) => void;
  #isOver = false;

  /** `onFailed` is told why the stream, or its cancelling, failed. Locks the stream. */
  constructor(stream: ReadableStream<unknown>, onFailed: (error: unknown) => void) {
    super();
    this.#reader = stream.getReader();
    this.#onFailed = onFailed;
    // It may fail before or after anybody listens; that must not end the process.
    this.on("error", () => {});
  }

  override _read(): void {
    void this.#readOn();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#isOver) {
      this.#isOver = true;
      this.#cancel(new ClosedError("Nobody reads the body any more"));
    }
    callback(error);
  }

  async #readOn(): Promise<void> {
    try {
      const { done, value } = await this.#reader.read();
      if (this.#isOver) return;
      if (done) {
        this.#isOver = true;
        this.push(null);
      } else if (value instanceof Uint8Array) {
        this.push(value);
      } else {
        const error = new TypeError("Cannot send body: a chunk is no Uint8Array");
        this.#cancel(error);
        throw error;
      }
    } catch (error) {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#onFailed(error);
      this.destroy(error instanceof Error ? error : new ClosedError(String(error)));
    }
  }

  #cancel(reason: Error): void {
    void this.#reader.cancel(reason).catch(this.#onFailed);
  }
}
