/** A body as a stream of records (docs/protocol.md, "Streams"). */

import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import type { Clock, Timer } from "../base/clock.ts";
import { ClosedError, toMessage } from "../base/errors.ts";
import { SEGMENT_BYTES, STREAM_IDLE_MS } from "../base/limits.ts";
import type { RawHeaders } from "../http/message.ts";
import { freeChunk, ownsChunks } from "../http/owned_chunks.ts";
import { ABORT, DATA, END, IDLE } from "./modern.ts";
import {
  encodeEmptyRecord,
  measureTexts,
  RECORD_HEAD_BYTES,
  writeRecordHead,
  writeTexts,
} from "./records.ts";

export interface RecordStreamOptions {
  /** What comes before the body: the HEAD record of an answer; default: nothing. */
  readonly head?: Uint8Array;
  /** Taken over: read to its end, or destroyed. */
  readonly body: Uint8Array | Readable | null;
  /** Bytes of the body; null where they are not known. Without meaning for bytes and null. */
  readonly length: number | null;
  /** Asked when the body has ended; only where the length is not known. Default: none. */
  readonly trailers?: (() => RawHeaders) | undefined;
  readonly clock: Clock;
}

/**
 * Where the length is known, the body's own chunks between a head and an end; the stream fails if
 * they are more or fewer. Where it is not, a record per chunk, IDLE in pauses, and at a failure of
 * the body ABORT and a proper end.
 */
export class RecordStream extends Readable {
  /** Bytes of the whole stream; null where they are not known. */
  readonly byteLength: number | null;
  readonly ownsChunks: boolean;
  readonly #options: RecordStreamOptions;
  readonly #source: Readable | undefined;
  #isStarted = false;
  #isOver = false;
  #sent = 0;
  #idleTimer: Timer | undefined;
  /** When anything was last sent, by the monotonic clock. */
  #movedAt = 0;

  constructor(options: RecordStreamOptions) {
    super({ highWaterMark: SEGMENT_BYTES });
    this.#options = options;
    const { body, head } = options;
    this.#source = body === null || body instanceof Uint8Array ? undefined : body;
    const ownsSource = this.#source !== undefined && ownsChunks(this.#source);
    const length = this.#knownLength;
    // Those of a body without a length are copied.
    this.ownsChunks = length === null || ownsSource;
    this.byteLength = length === null
      ? null
      : (head?.length ?? 0) + RECORD_HEAD_BYTES + length + encodeEnd([]).length;
    // It may fail before or after anybody listens; that must not end the process.
    this.on("error", () => {});
    // So may the source; #start looks whether it has.
    this.#source?.on("error", () => {});
  }

  get #knownLength(): number | null {
    const { body, length } = this.#options;
    if (body === null) return 0;
    return body instanceof Uint8Array ? body.length : length;
  }

  override _read(): void {
    if (this.#isStarted) this.#source?.resume();
    else this.#start();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#stopIdling();
    this.#source?.destroy();
    callback(error);
  }

  #start(): void {
    this.#isStarted = true;
    const { head, body } = this.#options;
    const length = this.#knownLength;
    if (head !== undefined) this.push(head);
    if (length !== null) this.push(encodeDataHead(length));
    if (this.#source === undefined) {
      if (body instanceof Uint8Array && body.length > 0) this.push(body);
      this.#end(encodeEnd([]));
      return;
    }
    if (length === null) {
      this.#movedAt = this.#options.clock.monotonic();
      this.#idle(STREAM_IDLE_MS);
    }
    this.#source.on("error", (error) => this.#breakOff(toMessage(error)));
    this.#source.on("close", () => this.#breakOff("it was closed early"));
    this.#source.on("data", (chunk: Uint8Array) => this.#take(chunk));
    this.#source.on("end", () => this.#finish());
    // Failed before: its events are past.
    if (this.#source.destroyed) this.#breakOff("it was closed early");
  }

  #take(chunk: Uint8Array): void {
    if (this.#isOver || chunk.length === 0) return;
    this.#sent += chunk.length;
    const length = this.#knownLength;
    if (length !== null && this.#sent > length) return this.#breakOff("it is too long");
    if (length !== null) {
      if (!this.push(chunk)) this.#source?.pause();
      return;
    }
    this.#movedAt = this.#options.clock.monotonic();
    const record = encodeData(chunk);
    if (this.#source !== undefined && ownsChunks(this.#source)) freeChunk(chunk);
    if (!this.push(record)) this.#source?.pause();
  }

  #finish(): void {
    if (this.#isOver) return;
    const length = this.#knownLength;
    if (length !== null && this.#sent < length) return this.#breakOff("it is too short");
    let last: Uint8Array;
    try {
      last = encodeEnd(length === null ? this.#options.trailers?.() ?? [] : []);
    } catch (error) {
      // Trailers past the bounds of a record.
      return this.#breakOff(toMessage(error));
    }
    this.#end(last);
  }

  #breakOff(reason: string): void {
    if (this.#isOver || this.destroyed) return;
    if (this.#knownLength === null) this.#end(encodeEmptyRecord(ABORT));
    else this.destroy(new ClosedError(`The body broke off: ${reason}`));
  }

  #end(last: Uint8Array): void {
    this.#isOver = true;
    this.#stopIdling();
    this.push(last);
    this.push(null);
  }

  /** Looks again when a pause could be over, rather than set a timer for each chunk. */
  #idle(ms: number): void {
    const { clock } = this.#options;
    this.#idleTimer = clock.after(ms, () => {
      const left = this.#movedAt + STREAM_IDLE_MS - clock.monotonic();
      if (left > 0) return this.#idle(left);
      if (this.readableLength === 0) this.push(encodeEmptyRecord(IDLE));
      this.#idle(STREAM_IDLE_MS);
    });
  }

  #stopIdling(): void {
    if (this.#idleTimer !== undefined) this.#options.clock.clear(this.#idleTimer);
    this.#idleTimer = undefined;
  }
}

/** The whole stream of a body that is at hand, where copying it costs less than streaming it. */
export function encodeWholeStream(head: Uint8Array, body: Uint8Array): Uint8Array {
  return Buffer.concat([head, encodeDataHead(body.length), body, encodeEnd([])]);
}

function encodeDataHead(length: number): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEAD_BYTES);
  writeRecordHead(bytes, 0, { type: DATA, length });
  return bytes;
}

/** Copied behind its head: two writes cost more than that. */
function encodeData(chunk: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEAD_BYTES + chunk.length);
  bytes.set(chunk, writeRecordHead(bytes, 0, { type: DATA, length: chunk.length }));
  return bytes;
}

function encodeEnd(trailers: RawHeaders): Uint8Array {
  const length = measureTexts(trailers);
  const bytes = new Uint8Array(RECORD_HEAD_BYTES + length);
  writeTexts(bytes, writeRecordHead(bytes, 0, { type: END, length }), trailers);
  return bytes;
}
