/** The body of one answer, on its way from a stream to a socket. */

import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { clearImmediate, setImmediate } from "node:timers";
import { toMessage } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { AnswerWriter, type Ongoing } from "./answer_writer.ts";
import { toLastChunk } from "./chunk_text.ts";
import type { RawHeaders } from "./message.ts";
import { ownsChunks } from "./owned_chunks.ts";

export interface AnswerStreamOptions {
  readonly socket: Socket;
  /** Everything up to the body. */
  readonly head: string;
  /** Bytes that the body has to give; null for any number. */
  readonly length: number | null;
  readonly isChunked: boolean;
  /** Asked for the fields behind a chunked body, once it has ended. */
  readonly trailers: (() => RawHeaders) | undefined;
  /** Told of every piece of the body that is handed over, in bytes. */
  readonly sent: ((bytes: number) => void) | undefined;
  /** Ends the connection so that the answer does not look complete. */
  readonly cut: () => void;
  /** All of the answer has been handed to the network; called once, never if that fails. */
  readonly handedOver: () => void;
  readonly log: Logger;
}

export class AnswerStream implements Ongoing {
  readonly isAllHere = false;
  readonly #body: Readable;
  readonly #options: AnswerStreamOptions;
  readonly #writer: AnswerWriter;
  readonly #isOwned: boolean;
  readonly #flushTimer: ReturnType<typeof setImmediate>;
  #sentBytes = 0;
  #isOver = false;

  /** Takes over the body, and begins to read it. */
  constructor(body: Readable, options: AnswerStreamOptions) {
    this.#body = body;
    this.#options = options;
    const { socket, head, isChunked, handedOver } = options;
    this.#writer = new AnswerWriter(socket, {
      head,
      isChunked,
      drained: () => {
        if (!this.#isOver) body.resume();
      },
      handedOver,
    });
    this.#isOwned = ownsChunks(body);
    // The head waits for the first bytes of the body, so that both leave together; not for long.
    this.#flushTimer = setImmediate(() => {
      if (!this.#isOver) this.#writer.flushHead();
    });
    body.on("error", (error) => this.#fail(toMessage(error)));
    body.on("close", () => {
      if (!body.readableEnded) this.#fail("the body ended early");
    });
    body.on("data", (chunk: unknown) => this.#take(chunk));
    body.on("end", () => this.#end());
    // Failed while the handler was still awaited: its events are past.
    if (body.destroyed) this.#fail("the body ended early");
  }

  abandon(): void {
    this.#settle();
    this.#writer.abandon();
    this.#body.destroy();
  }

  #take(chunk: unknown): void {
    if (this.#isOver) return;
    if (!(chunk instanceof Uint8Array)) return this.#fail("a chunk is no bytes");
    const { length: bytes } = chunk;
    if (bytes === 0) return;
    const { length, sent } = this.#options;
    this.#sentBytes += bytes;
    if (length !== null && this.#sentBytes > length) {
      return this.#fail("the body is longer than its Content-Length");
    }
    if (!this.#writer.write(chunk, this.#isOwned)) this.#body.pause();
    sent?.(bytes);
  }

  #end(): void {
    if (this.#isOver) return;
    const { length, isChunked, trailers } = this.#options;
    if (length !== null && this.#sentBytes < length) {
      return this.#fail("the body is shorter than its Content-Length");
    }
    let tail = "";
    try {
      if (isChunked) tail = toLastChunk(trailers?.() ?? []);
    } catch (error) {
      return this.#fail(toMessage(error));
    }
    this.#settle();
    this.#writer.end(tail);
  }

  #fail(reason: string): void {
    if (this.#isOver) return;
    this.#settle();
    const { log, length, cut } = this.#options;
    log.debug("Answer was cut", { reason, sent: this.#sentBytes, declared: length });
    this.#body.destroy();
    cut();
  }

  #settle(): void {
    this.#isOver = true;
    clearImmediate(this.#flushTimer);
  }
}
