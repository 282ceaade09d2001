/** Takes records out of bytes that come in any pieces. */

import { ProtocolError } from "../base/errors.ts";
import { readLength, RECORD_HEAD_BYTES } from "./records.ts";

/** Who gets the records. What it throws ends the reading. */
export interface RecordSink {
  /**
   * The longest payload taken of a record of this type, or "pieces" for one that is handed on as it
   * comes, of any length; undefined for a type that may not come.
   */
  boundOf(type: number): number | "pieces" | undefined;
  /** A whole record; `payload` may share the memory of what was pushed. */
  record(type: number, payload: Uint8Array): void;
  /** Some of the payload of a record taken in pieces; shares the memory of what was pushed. */
  piece(bytes: Uint8Array): void;
}

export class RecordReader {
  readonly #sink: RecordSink;
  /** The head of the next record, as far as it has come. */
  readonly #head = new Uint8Array(RECORD_HEAD_BYTES);
  #headLength = 0;
  /** Bytes of the payload that are still to come. */
  #missing = 0;
  #inPieces = false;
  /** The payload, as far as it has come, where that was not all at once. */
  #payload: Uint8Array | undefined;

  constructor(sink: RecordSink) {
    this.#sink = sink;
  }

  /** True between two records. */
  get isBetween(): boolean {
    return this.#headLength === 0;
  }

  /**
   * Takes some bytes, which the sink may keep.
   *
   * @throws {ProtocolError} for a record that may not come, or is too long.
   */
  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#headLength < RECORD_HEAD_BYTES) {
        at = this.#takeHead(bytes, at);
        if (this.#headLength < RECORD_HEAD_BYTES) return;
        if (this.#missing > 0) continue;
        this.#finish(bytes.subarray(at, at));
        continue;
      }
      const end = Math.min(bytes.length, at + this.#missing);
      const part = bytes.subarray(at, end);
      at = end;
      if (this.#inPieces) {
        this.#missing -= part.length;
        if (this.#missing === 0) this.#headLength = 0;
        this.#sink.piece(part);
      } else this.#takePayload(part);
    }
  }

  #takePayload(part: Uint8Array): void {
    if (this.#payload === undefined) {
      if (part.length === this.#missing) return this.#finish(part);
      // Within the bound of its type.
      this.#payload = new Uint8Array(this.#missing);
    }
    this.#payload.set(part, this.#payload.length - this.#missing);
    this.#missing -= part.length;
    if (this.#missing === 0) this.#finish(this.#payload);
  }

  #takeHead(bytes: Uint8Array, at: number): number {
    const part = bytes.subarray(at, at + RECORD_HEAD_BYTES - this.#headLength);
    this.#head.set(part, this.#headLength);
    this.#headLength += part.length;
    if (this.#headLength === RECORD_HEAD_BYTES) {
      this.#missing = readLength(this.#head, 1);
      const bound = this.#sink.boundOf(this.#type);
      if (bound === undefined) throw new ProtocolError(`${this.#name} may not come here`);
      this.#inPieces = bound === "pieces";
      if (bound !== "pieces" && this.#missing > bound) {
        throw new ProtocolError(`${this.#name} is over ${bound} bytes`);
      }
    }
    return at + part.length;
  }

  #finish(payload: Uint8Array): void {
    this.#headLength = 0;
    this.#payload = undefined;
    if (!this.#inPieces) this.#sink.record(this.#type, payload);
  }

  get #type(): number {
    return this.#head[0] ?? 0;
  }

  get #name(): string {
    return `A record of the type ${this.#type.toString(16).padStart(2, "0")}`;
  }
}
