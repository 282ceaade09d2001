/** Takes a body out of a stream of records (docs/protocol.md, "Streams"). */

import { Readable } from "node:stream";
import { ClosedError, ProtocolError } from "../base/errors.ts";
import { MAX_MESSAGE_BYTES } from "../base/limits.ts";
import type { RawHeaders } from "../http/message.ts";
import { ABORT, DATA, END, HEAD, IDLE } from "./modern.ts";
import { decodeStreamHead, type ModernHead } from "./modern_messages.ts";
import { RecordReader } from "./record_reader.ts";
import { PayloadReader } from "./records.ts";

export interface StreamDecoderOptions {
  /** Called with the HEAD; undefined for a body stream, which has none. */
  readonly onHead?: (head: ModernHead) => void;
  /** Called when the body is being read and more bytes are wanted. */
  readonly onWanted: () => void;
  /** Called once, when nobody reads the body any more, be it at its end or before. */
  readonly onClosed: () => void;
  /** True where nobody else holds what is pushed, so that it may be freed. */
  readonly ownsChunks: boolean;
}

/** The body in a stream; destroying it is how a reader gives it up. */
export class StreamBody extends Readable {
  readonly ownsChunks: boolean;
  /** Fields behind the body; known when it has ended. */
  trailers: RawHeaders = [];
  readonly #options: StreamDecoderOptions;

  constructor(options: StreamDecoderOptions) {
    super();
    this.#options = options;
    this.ownsChunks = options.ownsChunks;
    // It may fail before or after anybody listens; that must not end the process.
    this.on("error", () => {});
  }

  override _read(): void {
    this.#options.onWanted();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    callback(error);
    this.#options.onClosed();
  }
}

export class StreamDecoder {
  readonly body: StreamBody;
  readonly #reader: RecordReader;
  readonly #onHead: ((head: ModernHead) => void) | undefined;
  #state: "head" | "body" | "over";
  #isFull = false;
  #bytesTaken = 0;

  constructor(options: StreamDecoderOptions) {
    this.body = new StreamBody({
      ...options,
      onWanted: () => {
        this.#isFull = false;
        options.onWanted();
      },
    });
    this.#onHead = options.onHead;
    this.#state = options.onHead === undefined ? "body" : "head";
    this.#reader = new RecordReader({
      boundOf: (type) => this.#boundOf(type),
      record: (type, payload) => this.#take(type, payload),
      piece: (bytes) => this.#push(bytes),
    });
  }

  /** True while the body holds as much as it likes: pushing is to wait for `onWanted`. */
  get isFull(): boolean {
    return this.#isFull && !this.body.destroyed;
  }

  /** How many bytes of the stream have come. */
  get bytesTaken(): number {
    return this.#bytesTaken;
  }

  /** True when the stream has come to its end, or has broken off. */
  get isOver(): boolean {
    return this.#state === "over";
  }

  /**
   * Takes some bytes of the stream, which now belong to the body.
   *
   * @throws {ProtocolError} and destroys the body, unless that has come to its end.
   */
  push(bytes: Uint8Array): void {
    this.#bytesTaken += bytes.length;
    try {
      if (this.#state === "over" && bytes.length > 0) {
        throw new ProtocolError("Bytes follow the end of a stream");
      }
      this.#reader.push(bytes);
    } catch (error) {
      this.breakOff();
      throw error;
    }
  }

  /** No more bytes come: a stream that has not come to its end has broken off. */
  breakOff(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.body.destroy(new ClosedError("The body broke off"));
  }

  #boundOf(type: number): number | "pieces" | undefined {
    if (this.#state === "head") return type === HEAD ? MAX_MESSAGE_BYTES : undefined;
    if (this.#state === "over") return undefined;
    switch (type) {
      case DATA:
        return "pieces";
      case END:
        return MAX_MESSAGE_BYTES;
      case ABORT:
      case IDLE:
        return 0;
      default:
        return undefined;
    }
  }

  #take(type: number, payload: Uint8Array): void {
    switch (type) {
      case HEAD:
        this.#state = "body";
        this.#onHead?.(decodeStreamHead(payload));
        return;
      case END: {
        const reader = new PayloadReader(payload, "END");
        this.body.trailers = reader.readTexts();
        reader.expectEnd();
        if (this.body.trailers.length % 2 !== 0) reader.fail("a field has no value");
        this.#state = "over";
        this.body.push(null);
        return;
      }
      case ABORT:
        this.breakOff();
    }
  }

  #push(bytes: Uint8Array): void {
    if (!this.body.destroyed) this.#isFull = !this.body.push(bytes);
  }
}

/** Feeds a decoder from a body; a failure of either ends both. */
export function feed(
  decoder: StreamDecoder,
  source: Readable,
  onViolation: (error: ProtocolError) => void,
): void {
  source.on("data", (chunk: Uint8Array) => {
    try {
      decoder.push(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      source.destroy();
      return onViolation(error);
    }
    if (decoder.isFull) source.pause();
  });
  source.on("end", () => decoder.breakOff());
  source.on("error", () => decoder.breakOff());
  source.on("close", () => decoder.breakOff());
  if (source.destroyed) decoder.breakOff();
}
