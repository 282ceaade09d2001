/**
 * Reads answers off an HTTP/1.1 connection (RFC 9112 §4 to §8). Pure: bytes in, events out. What
 * says two things at once is refused, since whoever comes after us might hear the other one; what
 * is only sloppy, as small devices are, is read.
 */

import { Buffer } from "node:buffer";
import { ProtocolError } from "../base/errors.ts";
import { MAX_ANSWER_FIELDS, MAX_ANSWER_HEAD_BYTES, MAX_CHUNK_LINE_BYTES } from "../base/limits.ts";
import { headerValue, headerValues } from "../http/headers.ts";
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
  /** Some of the body; shares its memory with what was pushed. */
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
  | "chunk size"
  | "chunk"
  | "chunk end"
  | "trailers"
  | "until close"
  | "switched";

export class ResponseReader {
  readonly #sink: ResponseSink;
  #state: State = "idle";
  #expectation: Expectation = { isHead: false, allowsSwitch: false };
  /** Bytes of the body, or the chunk, that are still to come. */
  #missing = 0;
  /** What has come of a head, a chunk's line or trailers, where that was not all at once. */
  #pending: Uint8Array | undefined;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** True if no byte of the answer has come. */
  get isUntouched(): boolean {
    return this.#state === "head" && this.#pending === undefined;
  }

  /** A request is being sent: its answer comes next. */
  expect(expectation: Expectation): void {
    this.#expectation = expectation;
    this.#state = "head";
  }

  /** @throws {ProtocolError} The connection is of no use any more. */
  push(bytes: Uint8Array): void {
    let rest: Uint8Array | undefined = bytes;
    while (rest !== undefined && rest.length > 0) rest = this.#take(rest);
  }

  /**
   * The peer sends no more.
   *
   * @throws {ProtocolError} where an answer is not whole.
   */
  end(): void {
    if (this.#state === "until close") return this.#finish([]);
    if (this.#state !== "idle" && this.#state !== "switched") {
      throw new ProtocolError("The answer was cut");
    }
  }

  /** Takes a part; what is left of it, if anything. */
  #take(bytes: Uint8Array): Uint8Array | undefined {
    switch (this.#state) {
      case "head": {
        const found = this.#untilEmptyLine(bytes);
        if (found === undefined) return undefined;
        return this.#takeHead(found.text, found.rest);
      }
      case "length":
      case "chunk":
        return this.#takeBody(bytes);
      case "until close":
        this.#sink.body(bytes);
        return undefined;
      case "chunk size":
      case "chunk end":
        return this.#takeChunkLine(bytes);
      case "trailers": {
        const found = this.#untilTrailersEnd(bytes);
        if (found === undefined) return undefined;
        this.#finish(parseFields(found.text));
        return found.rest;
      }
      case "idle":
      case "switched":
        throw new ProtocolError("Bytes came that no request asked for");
    }
  }

  #takeHead(text: string, rest: Uint8Array): Uint8Array | undefined {
    const { status, version, fields } = parseHead(text);
    if (status === 101) {
      if (!this.#expectation.allowsSwitch) {
        throw new ProtocolError("The answer switches protocols, and nobody asked for it");
      }
      this.#state = "switched";
      this.#sink.switched(fields, rest);
      return undefined;
    }
    if (status < 200) {
      this.#sink.interim(status, fields);
      return rest;
    }
    const framing = toFraming(status, version, fields, this.#expectation.isHead);
    this.#state = framing.state;
    this.#missing = framing.length ?? 0;
    this.#sink.head({
      status,
      headers: fields,
      length: framing.length,
      keepsAlive: framing.state !== "until close" && keepsAlive(version, fields),
    });
    if (framing.state === "length" && framing.length === 0) this.#finish([]);
    return rest;
  }

  #takeBody(bytes: Uint8Array): Uint8Array {
    const part = bytes.length <= this.#missing ? bytes : bytes.subarray(0, this.#missing);
    this.#missing -= part.length;
    const isLast = this.#missing === 0;
    this.#sink.body(part);
    if (isLast) {
      if (this.#state === "length") this.#finish([]);
      else this.#state = "chunk end";
    }
    return bytes.subarray(part.length);
  }

  #takeChunkLine(bytes: Uint8Array): Uint8Array | undefined {
    const all = this.#join(bytes);
    const end = all.indexOf(LF);
    if (end < 0) {
      if (all.length > MAX_CHUNK_LINE_BYTES) throw new ProtocolError("A chunk's line is too long");
      this.#pending = all;
      return undefined;
    }
    const rest = all.subarray(end + 1);
    const line = toText(all.subarray(0, end + 1));
    if (this.#state === "chunk end") {
      if (line !== "\r\n") throw new ProtocolError("A chunk is longer than it says");
      this.#state = "chunk size";
      return rest;
    }
    // RFC 9112 §7.1: a size in hexadecimal, extensions that nobody has to know, and CR LF.
    const [, size] = /^([0-9A-Fa-f]{1,13})[ \t]*(?:;[^\r\n]*)?\r\n$/.exec(line) ?? [];
    if (size === undefined || line.length > MAX_CHUNK_LINE_BYTES) {
      throw new ProtocolError("A chunk's size is malformed");
    }
    this.#missing = parseInt(size, 16);
    this.#state = this.#missing === 0 ? "trailers" : "chunk";
    return rest;
  }

  #finish(trailers: RawHeaders): void {
    this.#state = "idle";
    this.#sink.end(trailers);
  }

  /** The head with its empty line, once that has come. */
  #untilEmptyLine(bytes: Uint8Array): { text: string; rest: Uint8Array } | undefined {
    const all = this.#join(bytes);
    const end = findEmptyLine(all);
    return this.#cut(all, end);
  }

  /** The trailer fields with their empty line, which may come at once. */
  #untilTrailersEnd(bytes: Uint8Array): { text: string; rest: Uint8Array } | undefined {
    const all = this.#join(bytes);
    if (all[0] === LF) throw new ProtocolError("Trailer fields are malformed");
    if (all[0] === CR && all.length < 2) {
      this.#pending = all;
      return undefined;
    }
    const end = all[0] === CR && all[1] === LF ? 2 : findEmptyLine(all);
    return this.#cut(all, end);
  }

  #cut(all: Uint8Array, end: number): { text: string; rest: Uint8Array } | undefined {
    if (end < 0 ? all.length > MAX_ANSWER_HEAD_BYTES : end > MAX_ANSWER_HEAD_BYTES) {
      throw new ProtocolError(`A head is over ${MAX_ANSWER_HEAD_BYTES} bytes`);
    }
    if (end < 0) {
      this.#pending = all;
      return undefined;
    }
    return { text: toText(all.subarray(0, end)), rest: all.subarray(end) };
  }

  /** What has come before, and this. */
  #join(bytes: Uint8Array): Uint8Array {
    if (this.#pending === undefined) return bytes;
    const all = Buffer.concat([this.#pending, bytes]);
    this.#pending = undefined;
    return all;
  }
}

const LF = 0x0a;
const CR = 0x0d;

/** The offset behind the first empty line, or -1. A bare LF ends a line too (RFC 9112 §2.2). */
function findEmptyLine(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return -1;
}

/** One character per byte. */
function toText({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString("latin1");
}

const STATUS_LINE_REGEXP = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?\r?\n/;

function parseHead(
  text: string,
): { readonly status: number; readonly version: "0" | "1"; readonly fields: RawHeaders } {
  const [line, version, status] = STATUS_LINE_REGEXP.exec(text) ?? [];
  if (line === undefined) throw new ProtocolError("The answer is no HTTP/1.1");
  return {
    status: Number(status),
    version: version === "0" ? "0" : "1",
    fields: parseFields(text.slice(line.length)),
  };
}

// Space before the colon is dropped (RFC 9112 §5.1), and so is space around the value.
const FIELD_REGEXP = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*(.*?)[ \t]*$/;
// deno-lint-ignore no-control-regex
const FORBIDDEN_REGEXP = /[\u0000\r]/;

/** Field lines and the empty line behind them. */
function parseFields(text: string): RawHeaders {
  const fields: string[] = [];
  for (const raw of text.split("\n")) {
    const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    if (line === "") continue;
    if (FORBIDDEN_REGEXP.test(line)) throw new ProtocolError("A field has a forbidden character");
    if (line.startsWith(" ") || line.startsWith("\t")) {
      // RFC 9112 §5.2: a line that goes on is joined by a space.
      if (fields.length === 0) throw new ProtocolError("The first field begins with a space");
      fields.push(`${fields.pop() ?? ""} ${line.trim()}`);
      continue;
    }
    const [, name, value] = FIELD_REGEXP.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new ProtocolError("A field is malformed");
    if (fields.length >= 2 * MAX_ANSWER_FIELDS) {
      throw new ProtocolError(`There are more than ${MAX_ANSWER_FIELDS} fields`);
    }
    fields.push(name, value);
  }
  return fields;
}

/** RFC 9112 §6.3. */
function toFraming(
  status: number,
  version: "0" | "1",
  fields: RawHeaders,
  isHead: boolean,
): { readonly state: "length" | "chunk size" | "until close"; readonly length: number | null } {
  const coding = headerValues(fields, "transfer-encoding").join(",").trim().toLowerCase();
  const lengths = new Set(
    headerValues(fields, "content-length").flatMap((value) => value.split(",")),
  );
  const values = [...lengths].map((value) => value.trim());
  if (coding !== "" && (version === "0" || values.length > 0)) {
    throw new ProtocolError("The answer says in two ways where it ends");
  }
  if (new Set(values).size > 1 || values.some((value) => !/^[0-9]{1,15}$/.test(value))) {
    throw new ProtocolError("The answer's Content-Length is malformed");
  }
  if (isHead || status === 204 || status === 304) return { state: "length", length: 0 };
  if (coding === "chunked") return { state: "chunk size", length: null };
  if (coding !== "") throw new ProtocolError("The answer has a transfer coding that is not known");
  const [length] = values;
  return length === undefined
    ? { state: "until close", length: null }
    : { state: "length", length: Number(length) };
}

/** RFC 9112 §9.3. */
function keepsAlive(version: "0" | "1", fields: RawHeaders): boolean {
  const options = headerValue(fields, "connection") === undefined
    ? []
    : headerValues(fields, "connection").join(",").toLowerCase().split(",").map((option) =>
      option.trim()
    );
  return version === "1" ? !options.includes("close") : options.includes("keep-alive");
}
