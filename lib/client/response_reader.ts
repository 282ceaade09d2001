/**
 * Reads answers off an HTTP/1.1 connection (RFC 9112 §4 to §8). Pure: bytes in, events out. What
 * says two things at once is refused, since whoever comes after us might hear the other one; what
 * is only sloppy, as small devices are, is read.
 */

import { Buffer } from "node:buffer";
import { ProtocolError } from "../base/errors.ts";
import {
  INTERIM_OVERHEAD_BYTES,
  MAX_ANSWER_FIELDS,
  MAX_ANSWER_HEAD_BYTES,
  MAX_INTERIM_BYTES,
} from "../base/limits.ts";
import { ChunkReader, LAX_CHUNK_LINE_REGEXP } from "../http/chunk_reader.ts";
import { connectionOptions } from "../http/connection_options.ts";
import { headerValues, isValidHeader } from "../http/headers.ts";
import { toLatin1Text } from "../base/latin1.ts";
import type { RawHeaders } from "../http/message.ts";

/** The head of a final answer. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: RawHeaders;
  /** Bytes of the body; null where only its end will tell, 0 where there is none. */
  readonly length: number | null;
  /** True if the connection can take another request once the body has ended. */
  readonly keepsAlive: boolean;
}

/** Who gets what is read. */
export interface ResponseSink {
  /** An answer of 1xx, but not 101. */
  interim(status: number, headers: RawHeaders): void;
  head(head: ResponseHead): void;
  /** Some of the body: what was pushed, or a part of it. */
  body(bytes: Uint8Array): void;
  /** The body is whole. */
  end(trailers: RawHeaders): void;
  /** After a 101: what is left of what was pushed is of the other protocol. */
  switched(headers: RawHeaders, rest: Uint8Array): void;
}

/** What an answer is to. */
export interface Expectation {
  readonly isHead: boolean;
  /** Whether it may be a 101. */
  readonly allowsSwitch: boolean;
}

type State =
  /** No request is open: nothing may come. */
  | "idle"
  | "head"
  | "length"
  | "chunks"
  | "trailers"
  | "until close"
  | "switched";

export class ResponseReader {
  readonly #sink: ResponseSink;
  readonly #chunks: ChunkReader;
  #state: State = "idle";
  #expectation: Expectation = { isHead: false, allowsSwitch: false };
  #isUntouched = true;
  /** Of the request that is open. */
  #interimBytes = 0;
  /** Bytes of the body that are still to come, where their number is known. */
  #missing = 0;
  /** What has come of a head or of trailers, where that was not all at once. */
  #pending: Uint8Array = NO_BYTES;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
    this.#chunks = new ChunkReader({
      body: (bytes) => sink.body(bytes),
      line: LAX_CHUNK_LINE_REGEXP,
    });
  }

  /** True if no byte has come since the request, not even of an interim answer. */
  get isUntouched(): boolean {
    return this.#isUntouched;
  }

  /** A request is being sent: its answer comes next. */
  expect(expectation: Expectation): void {
    this.#expectation = expectation;
    this.#isUntouched = true;
    this.#interimBytes = 0;
    this.#state = "head";
  }

  /** @throws {ProtocolError} with the reason. The connection is of no use any more. */
  push(bytes: Uint8Array): void {
    this.#isUntouched = false;
    // Whoever gets all of it as a body may free it at once: it has no length then.
    for (let at = 0; at < bytes.length;) at = this.#take(bytes, at);
  }

  /** The peer sends no more; false where an answer is not whole. */
  end(): boolean {
    if (this.#state === "until close") this.#finish([]);
    return this.#state === "idle" || this.#state === "switched";
  }

  /** Takes the part that begins at an offset; the offset behind it. */
  #take(bytes: Uint8Array, at: number): number {
    switch (this.#state) {
      case "head":
        return this.#takeHead(bytes, at);
      case "length":
      case "until close":
        return this.#takeBody(bytes, at);
      case "chunks":
        return this.#takeChunks(bytes, at);
      case "trailers":
        return this.#takeTrailers(bytes, at);
      case "idle":
      case "switched":
        throw new ProtocolError("more came than was asked for");
    }
  }

  #takeHead(bytes: Uint8Array, at: number): number {
    const found = this.#untilEmptyLine(bytes, at);
    if (found === undefined) {
      // Whoever speaks another protocol may now wait for a word of ours.
      const start = toLatin1Text(this.#pending.subarray(0, VERSION.length));
      if (!VERSION.startsWith(start)) throw new ProtocolError(NO_HTTP);
      return bytes.length;
    }
    const { status, version, fields } = parseHead(found.text);
    if (status === 101) {
      if (!this.#expectation.allowsSwitch) {
        throw new ProtocolError("it switches protocols, and nobody asked for that");
      }
      this.#state = "switched";
      this.#sink.switched(fields, bytes.subarray(found.end));
      return bytes.length;
    }
    if (status < 200) {
      this.#interimBytes += found.text.length + INTERIM_OVERHEAD_BYTES;
      if (this.#interimBytes > MAX_INTERIM_BYTES) {
        throw new ProtocolError("it sends interim answers without end");
      }
      this.#sink.interim(status, fields);
      return found.end;
    }
    const { state, length } = toFraming(status, version, fields, this.#expectation.isHead);
    this.#state = state;
    this.#missing = length ?? Infinity;
    if (state === "chunks") this.#chunks.start();
    this.#sink.head({
      status,
      headers: fields,
      length,
      keepsAlive: state !== "until close" && keepsAlive(version, fields),
    });
    if (length === 0) this.#finish([]);
    return found.end;
  }

  #takeBody(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + this.#missing);
    this.#missing -= end - at;
    const isLast = this.#missing === 0;
    this.#sink.body(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    if (isLast) this.#finish([]);
    return end;
  }

  #takeChunks(bytes: Uint8Array, at: number): number {
    const end = this.#chunks.take(bytes, at);
    if (this.#chunks.isOver) {
      this.#state = "trailers";
      // So that an empty line is found at once.
      this.#pending = LINE_FEED;
    }
    return end;
  }

  #takeTrailers(bytes: Uint8Array, at: number): number {
    const found = this.#untilEmptyLine(bytes, at);
    if (found === undefined) return bytes.length;
    if (found.text === "\n\n") throw new ProtocolError("its last chunk is malformed");
    this.#finish(parseFields(found.text));
    return found.end;
  }

  #finish(trailers: RawHeaders): void {
    this.#state = "idle";
    this.#sink.end(trailers);
  }

  /** The text up to the first empty line, with that, and the offset behind it; once it has come. */
  #untilEmptyLine(bytes: Uint8Array, at: number): { text: string; end: number } | undefined {
    const before = this.#pending.length;
    const part = bytes.subarray(at);
    const all = before === 0 ? part : Buffer.concat([this.#pending, part]);
    const end = findEmptyLine(all, Math.max(0, before - 2));
    if ((end ?? all.length) > MAX_ANSWER_HEAD_BYTES) {
      throw new ProtocolError(`its head or trailer is over ${MAX_ANSWER_HEAD_BYTES} bytes`);
    }
    this.#pending = end === undefined ? all : NO_BYTES;
    if (end === undefined) return undefined;
    return { text: toLatin1Text(all.subarray(0, end)), end: at + end - before };
  }
}

const LF = 0x0a;
const CR = 0x0d;
const NO_BYTES = new Uint8Array();
const LINE_FEED = Uint8Array.of(LF);
const VERSION = "HTTP/1.";
const NO_HTTP = "it is no HTTP/1.1";

/** The offset behind the first empty line. A bare LF ends a line too (RFC 9112 §2.2). */
function findEmptyLine(bytes: Uint8Array, from: number): number | undefined {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return undefined;
}

const STATUS_LINE_REGEXP = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n/;

function parseHead(
  text: string,
): { readonly status: number; readonly version: "0" | "1"; readonly fields: RawHeaders } {
  const [line, version, status] = STATUS_LINE_REGEXP.exec(text) ?? [];
  if (line === undefined) throw new ProtocolError(NO_HTTP);
  return {
    status: Number(status),
    version: version === "0" ? "0" : "1",
    fields: parseFields(text.slice(line.length)),
  };
}

/** Field lines and empty ones. Space around values, and before a colon, is dropped (RFC 9112 §5). */
function parseFields(text: string): RawHeaders {
  const fields: string[] = [];
  let next = 0;
  for (let at = 0; at < text.length; at = next) {
    const lineFeed = text.indexOf("\n", at);
    next = lineFeed < 0 ? text.length : lineFeed + 1;
    let end = lineFeed < 0 ? text.length : lineFeed;
    if (end > at && text[end - 1] === "\r") end--;
    if (end === at) continue;
    if (isSpace(text, at)) {
      // A line that goes on is joined by a space (RFC 9112 §5.2).
      const begun = fields.pop();
      if (begun === undefined) throw new ProtocolError("its first field begins with space");
      const rest = trimSpace(text, at, end);
      fields.push(begun === "" || rest === "" ? begun + rest : `${begun} ${rest}`);
      continue;
    }
    if (fields.length >= 2 * MAX_ANSWER_FIELDS) {
      throw new ProtocolError(`it has more than ${MAX_ANSWER_FIELDS} fields`);
    }
    const colon = text.indexOf(":", at);
    if (colon < 0 || colon >= end) throw new ProtocolError(MALFORMED_FIELD);
    fields.push(trimSpace(text, at, colon), trimSpace(text, colon + 1, end));
  }
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (!isValidHeader(fields[i] ?? "", fields[i + 1] ?? "")) {
      throw new ProtocolError(MALFORMED_FIELD);
    }
  }
  return fields;
}

const MALFORMED_FIELD = "a field is malformed";

function isSpace(text: string, at: number): boolean {
  return text[at] === " " || text[at] === "\t";
}

/**
 * A part without space and tabs around it, but with all that `trim()` takes for space (RFC 9110
 * §5.6.3).
 */
function trimSpace(text: string, start: number, end: number): string {
  while (start < end && isSpace(text, start)) start++;
  while (end > start && isSpace(text, end - 1)) end--;
  return text.slice(start, end);
}

/** RFC 9112 §6.3. */
function toFraming(
  status: number,
  version: "0" | "1",
  fields: RawHeaders,
  isHead: boolean,
): { readonly state: "length" | "chunks" | "until close"; readonly length: number | null } {
  const codings = headerValues(fields, "transfer-encoding");
  const lengths = headerValues(fields, "content-length");
  const [coding] = codings;
  const [length] = lengths;
  if (coding !== undefined && (length !== undefined || version === "0")) {
    throw new ProtocolError("it says in two ways where it ends");
  }
  // Twice the same may be taken for one only by whoever hands on one (RFC 9110 §8.6).
  if (lengths.length > 1 || (length !== undefined && !/^[0-9]{1,15}$/.test(length))) {
    throw new ProtocolError("its Content-Length is malformed");
  }
  if (isHead || status === 204 || status === 304) return { state: "length", length: 0 };
  if (coding !== undefined) {
    if (codings.length > 1 || coding.toLowerCase() !== "chunked") {
      throw new ProtocolError("its transfer coding is not known");
    }
    return { state: "chunks", length: null };
  }
  return length === undefined
    ? { state: "until close", length: null }
    : { state: "length", length: Number(length) };
}

/** RFC 9112 §9.3. */
function keepsAlive(version: "0" | "1", fields: RawHeaders): boolean {
  const options = connectionOptions(fields);
  return !options.includes("close") && (version === "1" || options.includes("keep-alive"));
}
