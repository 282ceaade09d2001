/** Reads chunked bodies, up to the line of the last chunk (RFC 9112 §7.1). Pure: bytes in, out. */

import { ProtocolError } from "../base/errors.ts";
import { MAX_CHUNK_LINE_BYTES, MAX_CHUNK_OVERHEAD_BYTES } from "../base/limits.ts";
import { toLatin1Text } from "../base/latin1.ts";

export interface ChunkReaderOptions {
  /** Told of the bytes of the body: what was pushed, or a part of it. */
  readonly body: (bytes: Uint8Array) => void;
  /** What a chunk's first line has to be, with its end; its first group is the size. */
  readonly line: RegExp;
}

// Longer sizes than 13 digits are not exact.
const SIZE = "([0-9A-Fa-f]{1,13})";
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = String.raw`"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"`;
const EXTENSION = `[ \\t]*;[ \\t]*${TOKEN}(?:[ \\t]*=[ \\t]*(?:${TOKEN}|${QUOTED}))?`;

/** A size, and extensions that nobody has to know (RFC 9112 §7.1.1). */
export const STRICT_CHUNK_LINE_REGEXP = new RegExp(`^${SIZE}(?:${EXTENSION})*\\r\\n$`);

/** The same, as sloppy senders write it. */
export const LAX_CHUNK_LINE_REGEXP = new RegExp(`^${SIZE}[ \\t]*(?:;[^\\r\\n]*)?\\r\\n$`);

type State = "line" | "chunk" | "chunk end" | "over";

export class ChunkReader {
  readonly #options: ChunkReaderOptions;
  #state: State = "line";
  /** Bytes of a chunk, or of the end of its line, that are still to come. */
  #missing = 0;
  /** What has come of a chunk's first line. */
  #line = "";
  /** Bytes of lines so far, less what chunks of a sensible size would need. */
  #overhead = 0;

  constructor(options: ChunkReaderOptions) {
    this.#options = options;
  }

  /** Begins with the next body. */
  start(): void {
    this.#state = "line";
    this.#overhead = 0;
  }

  /** True when the line of the last chunk has come: trailer fields and an empty line follow. */
  get isOver(): boolean {
    return this.#state === "over";
  }

  /**
   * Takes the part that begins at an offset; the offset behind it.
   *
   * @throws {ProtocolError} with the reason.
   */
  take(bytes: Uint8Array, at: number): number {
    switch (this.#state) {
      case "line":
        return this.#takeLine(bytes, at);
      case "chunk":
        return this.#takeChunk(bytes, at);
      case "chunk end":
        if (bytes[at] !== (this.#missing-- === 2 ? CR : LF)) {
          throw new ProtocolError("a chunk is longer than it says");
        }
        if (this.#missing === 0) this.#state = "line";
        return at + 1;
      case "over":
        return at;
    }
  }

  #takeLine(bytes: Uint8Array, at: number): number {
    const lineFeed = bytes.indexOf(LF, at);
    const end = lineFeed < 0 ? bytes.length : lineFeed + 1;
    if (this.#line.length + end - at > MAX_CHUNK_LINE_BYTES) {
      throw new ProtocolError(`a chunk's line is over ${MAX_CHUNK_LINE_BYTES} bytes`);
    }
    this.#line += toLatin1Text(bytes, at, end);
    if (lineFeed < 0) return end;
    const [, size] = this.#options.line.exec(this.#line) ?? [];
    if (size === undefined) throw new ProtocolError("a chunk's size is malformed");
    this.#missing = parseInt(size, 16);
    this.#overhead += this.#line.length - FREE_LINE_BYTES - 2 * this.#missing;
    this.#overhead = Math.max(0, this.#overhead);
    if (this.#overhead > MAX_CHUNK_OVERHEAD_BYTES) {
      throw new ProtocolError("its chunks are more lines than data");
    }
    this.#line = "";
    this.#state = this.#missing === 0 ? "over" : "chunk";
    return end;
  }

  #takeChunk(bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + this.#missing);
    this.#missing -= end - at;
    if (this.#missing === 0) {
      this.#state = "chunk end";
      this.#missing = 2;
    }
    this.#options.body(at === 0 && end === bytes.length ? bytes : bytes.subarray(at, end));
    return end;
  }
}

const LF = 0x0a;
const CR = 0x0d;

/** What a line may have without being counted. */
const FREE_LINE_BYTES = 16;
