/**
 * Reads answers as a visitor that believes nothing: it shares no code with the programs, takes no
 * framing but the strict one, and keeps no body.
 */

const CR = 13;
const LF = 10;
const MAX_LINE_BYTES = 64 * 1024;

export interface AnswerHead {
  readonly status: number;
  /** By names in lower case; of repeated fields the first. */
  readonly fields: ReadonlyMap<string, string>;
}

export interface AnswerSink {
  head(head: AnswerHead): void;
  body(bytes: Uint8Array): void;
}

type Phase = "status" | "fields" | "fixed" | "size" | "data" | "dataEnd" | "trailers" | "end";

/** One answer. Its `push` throws a SyntaxError for what is no answer. */
export class AnswerReader {
  readonly #method: string;
  readonly #sink: AnswerSink;
  readonly #fields = new Map<string, string>();
  #phase: Phase = "status";
  #status = 0;
  #line: number[] = [];
  #left = 0;

  constructor(method: string, sink: AnswerSink) {
    this.#method = method;
    this.#sink = sink;
  }

  /** True once all of it has come that its head announces. */
  get isComplete(): boolean {
    return this.#phase === "end";
  }

  /** Takes bytes; returns those that are behind its end. */
  push(bytes: Uint8Array): Uint8Array {
    let at = 0;
    while (at < bytes.length && this.#phase !== "end") {
      if (this.#phase === "fixed" || this.#phase === "data") {
        const part = bytes.subarray(at, at + this.#left);
        at += part.length;
        this.#left -= part.length;
        this.#sink.body(part);
        if (this.#left === 0) this.#phase = this.#phase === "fixed" ? "end" : "dataEnd";
      } else {
        const byte = bytes[at++] ?? 0;
        this.#line.push(byte);
        if (byte === LF) this.#takeLine(this.#endLine());
      }
    }
    return bytes.subarray(at);
  }

  #endLine(): string {
    const line = this.#line;
    this.#line = [];
    if (line.length > MAX_LINE_BYTES) throw new SyntaxError("A line is too long");
    if (line.at(-2) !== CR) throw new SyntaxError("A line ends without CR");
    return String.fromCharCode(...line.slice(0, -2));
  }

  #takeLine(line: string): void {
    switch (this.#phase) {
      case "status": {
        const status = /^HTTP\/1\.1 ([1-5]\d\d) /.exec(line)?.[1];
        if (status === undefined) throw new SyntaxError(`A status line is "${line}"`);
        this.#status = Number(status);
        this.#phase = "fields";
        return;
      }
      case "fields": {
        if (line === "") return this.#endHead();
        const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
        if (field === null) throw new SyntaxError(`A field is "${line}"`);
        const [, name = "", value = ""] = field;
        if (!this.#fields.has(name.toLowerCase())) this.#fields.set(name.toLowerCase(), value);
        return;
      }
      case "size":
        if (!/^[0-9A-Fa-f]{1,12}$/.test(line)) throw new SyntaxError(`A size is "${line}"`);
        this.#left = parseInt(line, 16);
        this.#phase = this.#left === 0 ? "trailers" : "data";
        return;
      case "dataEnd":
        if (line !== "") throw new SyntaxError(`Behind a chunk stands "${line}"`);
        this.#phase = "size";
        return;
      case "trailers":
        if (line === "") this.#phase = "end";
        return;
    }
  }

  #endHead(): void {
    const fields = new Map(this.#fields);
    this.#fields.clear();
    const status = this.#status;
    if (status < 200 && status !== 101) {
      this.#phase = "status";
      return;
    }
    this.#phase = this.#toBodyPhase(fields);
    this.#sink.head({ status, fields });
  }

  #toBodyPhase(fields: ReadonlyMap<string, string>): Phase {
    if (this.#method === "HEAD" || [101, 204, 304].includes(this.#status)) return "end";
    const coding = fields.get("transfer-encoding");
    const length = fields.get("content-length");
    if (coding !== undefined && length !== undefined) throw new SyntaxError("Two lengths");
    if (coding !== undefined) {
      if (coding !== "chunked") throw new SyntaxError(`A coding is "${coding}"`);
      return "size";
    }
    // Up to the end of the connection: nobody could tell that from a cut.
    if (length === undefined) throw new SyntaxError("An answer does not tell its length");
    if (!/^\d{1,15}$/.test(length)) throw new SyntaxError(`A length is "${length}"`);
    this.#left = Number(length);
    return this.#left === 0 ? "end" : "fixed";
  }
}
