/** A request body as handlers see it: a stream whose `destroy()` leaves the connection alone. */

import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { ClosedError } from "../base/errors.ts";
import type { OwnedChunks } from "./owned_chunks.ts";

/**
 * Wraps node:http's message. Destroying that one destroys its socket, and with it the chance to
 * answer; destroying this one only stops the reading.
 */
export class IncomingBody extends Readable implements OwnedChunks {
  readonly ownsChunks = true;
  readonly #incoming: IncomingMessage;
  readonly #onFirstRead: () => void;
  #isStarted = false;
  #isWanting = false;

  /** `onFirstRead` is called once, when somebody begins to read. */
  constructor(incoming: IncomingMessage, onFirstRead: () => void) {
    super();
    this.#incoming = incoming;
    this.#onFirstRead = onFirstRead;
    // A body may fail before or after anybody listens to it; that must not end the process.
    this.on("error", () => {});
    incoming.on("error", () => this.#cut());
    incoming.on("aborted", () => this.#cut());
  }

  /** True while the reader waits for bytes that the peer has not sent. */
  get isWanting(): boolean {
    return this.#isWanting && !this.destroyed;
  }

  /** True while somebody reads it, or may read on. */
  get isBeingRead(): boolean {
    return this.#isStarted && !this.destroyed;
  }

  override _read(): void {
    this.#isWanting = true;
    if (this.#isStarted) {
      this.#incoming.resume();
      return;
    }
    this.#isStarted = true;
    this.#onFirstRead();
    this.#incoming.on("data", this.#take);
    this.#incoming.on("end", this.#end);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#isWanting = false;
    this.#incoming.off("data", this.#take);
    this.#incoming.off("end", this.#end);
    this.#incoming.pause();
    callback(error);
  }

  readonly #take = (chunk: Uint8Array): void => {
    if (this.push(chunk)) return;
    this.#isWanting = false;
    this.#incoming.pause();
  };

  readonly #end = (): void => {
    this.#isWanting = false;
    this.push(null);
  };

  #cut(): void {
    this.destroy(new ClosedError("The peer closed the connection in the middle of the body"));
  }
}
