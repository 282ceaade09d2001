/**
 * Reads requests off an HTTP/1.1 connection (RFC 9112 §3 to §7). Pure: bytes in, events out. It
 * takes what the grammar allows and nothing more: whatever stands between us and the peer may have
 * taken the rest for something else. The one tolerance is an empty line before a request (§2.2).
 */

import { Buffer } from "node:buffer";
import { ProtocolError } from "../base/errors.ts";
import { MAX_HEAD_BYTES, MAX_HEADER_COUNT, MAX_TRAILER_BYTES } from "../base/limits.ts";
import { ChunkReader, STRICT_CHUNK_LINE_REGEXP } from "./chunk_reader.ts";
import { toLatin1Text } from "../base/latin1.ts";
import type { RawHeaders } from "./message.ts";
import {
  INVALID,
  parseFieldLines,
  parseRequestLine,
  readRequestHead,
  type Refusal,
  type RequestHead,
  toOverflowRefusal,
} from "./request_head.ts";

/** Who gets what is read. */
export interface RequestSink {
  head(head: RequestHead): void;
  /** Some of the body: what was pushed, or a part of it. */
  body(bytes: Uint8Array): void;
  /** The request is whole. */
  end(trailers: RawHeaders): void;
  /**
   * The rest of the connection cannot be understood; `head` is the request's that is refused, where
   * it is known and has not been told of before.
   */
  refuse(refusal: Refusal, head: RequestHead | undefined): void;
}

type State =
  | "head"
  | "length"
  | "chunks"
  | "trailers"
  /** The request is whole; the next one is not read yet. */
  | "whole"
  | "refused";

export class RequestReader {
  readonly #sink: RequestSink;
  readonly #chunks: ChunkReader;
  #state: State = "head";
  /** Bytes of a body that are still to come, where their number is known. */
  #missing = 0;
  /** What has come of a head or of trailers, where that was not all at once. */
  #pending: Uint8Array = NO_BYTES;

  constructor(sink: RequestSink) {
    this.#sink = sink;
    this.#chunks = new ChunkReader({
      body: (bytes) => sink.body(bytes),
      line: STRICT_CHUNK_LINE_REGEXP,
    });
  }

  /** True while a request has begun and is not whole. */
  get isWithin(): boolean {
    if (this.#state === "head") return this.#pending.length > 0;
    return this.#state !== "whole" && this.#state !== "refused";
  }

  /**
   * Reads up to the end of a request at the most, so that the next one can wait until the answer to
   * this one has been sent. How many bytes it took; after a refusal, all.
   */
  push(bytes: Uint8Array): number {
    let at = 0;
    // Whoever gets all of it as a body may free it at once: it has no length then.
    while (at < bytes.length && this.#state !== "whole") at = this.#take(bytes, at);
    return at;
  }

  /** Begins with the next request. */
  next(): void {
    if (this.#state === "whole") this.#state = "head";
  }

  /** Takes the part that begins at an offset; the offset behind it. */
  #take(bytes: Uint8Array, at: number): number {
    switch (this.#state) {
      case "head":
        return this.#takeHead(bytes, at);
      case "length":
        return this.#takeBody(bytes, at);
      case "chunks":
        return this.#takeChunks(bytes, at);
      case "trailers":
        return this.#takeTrailers(bytes, at);
      case "whole":
      case "refused":
        return bytes.length;
    }
  }

  #takeHead(bytes: Uint8Array, at: number): number {
    const known = this.#pending.length;
    const text = this.#gather(bytes, at, MAX_HEAD_BYTES);
    const start = text.startsWith("\r\n") ? 2 : 0;
    const lineEnd = text.indexOf("\r\n", start);
    const end = lineEnd < 0 ? -1 : text.indexOf("\r\n\r\n", lineEnd);
    // Not again for every byte that comes behind it.
    const isNews = lineEnd >= 0 && (lineEnd + 2 > known || end >= 0);
    const line = isNews ? parseRequestLine(text.slice(start, lineEnd)) : undefined;
    if (line !== undefined && "status" in line) return this.#refuse(line, bytes);
    if (end < 0) {
      if (isBroken(text, known)) return this.#refuse(INVALID, bytes);
      if (text.length >= MAX_HEAD_BYTES) {
        const begun = text.slice(start, lineEnd < 0 ? text.length : lineEnd);
        return this.#refuse(toOverflowRefusal(begun), bytes);
      }
      return bytes.length;
    }
    if (line === undefined) return bytes.length;
    this.#pending = NO_BYTES;
    const headers = parseFieldLines(text.slice(lineEnd + 2, end + 4));
    if (headers === undefined) return this.#refuse(INVALID, bytes);
    const head = readRequestHead(line, headers);
    if ("refusal" in head) return this.#refuse(head.refusal, bytes, head.head);
    this.#begin(head);
    return at + end + 4 - known;
  }

  #begin(head: RequestHead): void {
    this.#missing = head.bodyLength ?? 0;
    if (head.isChunked) {
      this.#state = "chunks";
      this.#chunks.start();
    } else {
      this.#state = this.#missing > 0 ? "length" : "whole";
    }
    this.#sink.head(head);
    if (this.#state === "whole") this.#sink.end(NO_FIELDS);
  }

  #takeBody(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + this.#missing);
    this.#missing -= end - at;
    const isLast = this.#missing === 0;
    this.#sink.body(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (isLast) this.#finish(NO_FIELDS);
    return end;
  }

  #takeChunks(bytes: Uint8Array, at: number): number {
    try {
      const end = this.#chunks.take(bytes, at);
      if (this.#chunks.isOver) this.#state = "trailers";
      return end;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return this.#refuse(BAD_CHUNKS, bytes);
    }
  }

  #takeTrailers(bytes: Uint8Array, at: number): number {
    const known = this.#pending.length;
    const text = this.#gather(bytes, at, MAX_TRAILER_BYTES);
    const end = text.startsWith("\r\n") ? 0 : text.indexOf("\r\n\r\n") + 2;
    if (end === 1) {
      if (isBroken(text, known)) return this.#refuse(INVALID, bytes);
      if (text.length >= MAX_TRAILER_BYTES) return this.#refuse(LARGE_TRAILERS, bytes);
      return bytes.length;
    }
    this.#pending = NO_BYTES;
    const trailers = parseFieldLines(text.slice(0, end + 2));
    if (trailers === undefined) return this.#refuse(INVALID, bytes);
    if (trailers.length > 2 * MAX_HEADER_COUNT) return this.#refuse(LARGE_TRAILERS, bytes);
    this.#finish(trailers);
    return at + end + 2 - known;
  }

  #finish(trailers: RawHeaders): void {
    this.#state = "whole";
    this.#sink.end(trailers);
  }

  #refuse(refusal: Refusal, bytes: Uint8Array, head?: RequestHead): number {
    this.#state = "refused";
    this.#pending = NO_BYTES;
    this.#sink.refuse(refusal, head);
    return bytes.length;
  }

  /** What has come of a head or of trailers, as text, up to so many bytes; kept for the next time. */
  #gather(bytes: Uint8Array, at: number, maxBytes: number): string {
    if (this.#pending.length > 0) {
      const part = bytes.subarray(at, at + maxBytes - this.#pending.length);
      this.#pending = Buffer.concat([this.#pending, part]);
    } else {
      this.#pending = bytes.subarray(at, at + maxBytes);
    }
    return toLatin1Text(this.#pending);
  }
}

const NO_BYTES = new Uint8Array();
const NO_FIELDS: RawHeaders = [];
const BAD_CHUNKS: Refusal = { status: 400, reason: "A chunk of the body is not valid" };
const LARGE_TRAILERS: Refusal = { status: 431, reason: "The trailer fields are too large" };

// What can stand nowhere in a head: then its end is not waited for. A bare LF or CR is no line's end
// (RFC 9112 §2.2).
// deno-lint-ignore no-control-regex
const BROKEN_REGEXP = /(?<!\r)\n|\r(?!\n|$)|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** Whether a head that is not whole cannot become one; the first `known` bytes have been looked at. */
function isBroken(text: string, known: number): boolean {
  // A CR at the end of what was known may have been followed by anything.
  BROKEN_REGEXP.lastIndex = Math.max(0, known - 1);
  return BROKEN_REGEXP.test(text);
}
