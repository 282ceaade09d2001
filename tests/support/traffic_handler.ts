/** What answers the traffic: a handler of a server, or what is behind one of an origin. */

import { Readable } from "node:stream";
import type { Handler, HttpAnswer, HttpRequest } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import {
  parseTrafficPath,
  TrafficBytes,
  TrafficCheck,
  type TrafficExchange,
} from "./traffic_exchange.ts";

const PIECE_BYTES = 64 * 1024;
/** Between two pieces of a trickling answer. */
const EVENT_PAUSE_MS = 40;
/** Of a trickling answer. */
const EVENT_BYTES = 100;
/** Up to here an answer with a length is given as bytes, not as a stream. */
const WHOLE_BYTES = 8 * 1024;

/** Who notes down what a handler of the traffic sees. */
export interface TrafficRecord {
  /** An exchange has arrived; said before anything is done about it. */
  delivered(exchange: TrafficExchange, method: string): void;
  /** Something arrived that no visitor has sent so. */
  violation(text: string): void;
}

export const SINK_ANSWER = "all of it came\n";

/** Answers what visitors of the traffic ask for, and 404 to all else. */
export function createTrafficHandler(record: TrafficRecord): Handler {
  return (request) => {
    const exchange = parseTrafficPath(request.target);
    if (exchange === undefined) return textAnswer(404, "No exchange of the traffic");
    record.delivered(exchange, request.method);
    switch (exchange.kind) {
      case "answer":
        return toAnswer(exchange);
      case "events":
        return {
          status: 200,
          headers: ["Content-Type", "text/event-stream"],
          body: new TricklingBytes(exchange),
        };
      case "echo":
      case "sink":
        return takeUpload(exchange, request, record);
      case "socket":
        return switchToEcho(exchange, request, record);
    }
  };
}

function toAnswer(exchange: TrafficExchange): HttpAnswer {
  const { length, isChunked } = exchange;
  const headers = ["Content-Type", "application/octet-stream"];
  if (isChunked) return { status: 200, headers, body: new StreamedBytes(exchange) };
  if (length <= WHOLE_BYTES) {
    return { status: 200, headers, body: new TrafficBytes(exchange, "down").slice(0, length) };
  }
  return {
    status: 200,
    headers: [...headers, "Content-Length", String(length)],
    body: new StreamedBytes(exchange),
  };
}

function takeUpload(
  exchange: TrafficExchange,
  { body, bodyLength }: HttpRequest,
  record: TrafficRecord,
): HttpAnswer {
  const checked = checkUpload(exchange, body ?? Readable.from([]), record);
  if (exchange.kind === "echo") {
    const length = bodyLength === null ? [] : ["Content-Length", String(bodyLength)];
    const headers = ["Content-Type", "application/octet-stream", ...length];
    return { status: 200, headers, body: Readable.from(checked, { objectMode: false }) };
  }
  return {
    status: 200,
    headers: ["Content-Type", "text/plain"],
    body: Readable.from(confirm(checked), { objectMode: false }),
  };
}

/** Where the upload breaks off, so does the answer: nobody is told that all of it came. */
async function* confirm(upload: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const _ of upload);
  yield new TextEncoder().encode(SINK_ANSWER);
}

/** The same bytes; what is wrong with them, or with where they end, is noted down. */
async function* checkUpload(
  exchange: TrafficExchange,
  body: Readable,
  record: TrafficRecord,
): AsyncGenerator<Uint8Array> {
  const check = new TrafficCheck(new TrafficBytes(exchange, "up"));
  const what = `upload of exchange ${exchange.number}`;
  for await (const chunk of body) {
    check.push(chunk);
    yield new Uint8Array(chunk);
  }
  // A body that breaks off throws above, and never comes here.
  if (check.fault !== undefined) record.violation(`${what} is corrupted: ${check.fault}`);
  if (check.offset !== exchange.length) {
    record.violation(
      `${what} was cut and looks complete: ${check.offset} of ${exchange.length} bytes`,
    );
  }
}

function switchToEcho(
  exchange: TrafficExchange,
  { upgrade, body }: HttpRequest,
  record: TrafficRecord,
): HttpAnswer {
  if (upgrade === null || body === null) return textAnswer(426, "It asks for no upgrade");
  const check = new TrafficCheck(new TrafficBytes(exchange, "up"));
  body.on("data", (chunk: Uint8Array) => {
    const isRight = check.fault === undefined;
    check.push(chunk);
    if (isRight && check.fault !== undefined) {
      record.violation(`upgrade of exchange ${exchange.number} is corrupted: ${check.fault}`);
    }
  });
  return {
    status: 101,
    headers: ["Upgrade", upgrade, "Connection", "Upgrade"],
    body: new Echo(body),
  };
}

/** All bytes of an answer, as fast as they are read. */
class StreamedBytes extends Readable {
  readonly #bytes: TrafficBytes;
  readonly #length: number;
  #offset = 0;

  constructor(exchange: TrafficExchange) {
    super({ highWaterMark: PIECE_BYTES });
    this.#bytes = new TrafficBytes(exchange, "down");
    this.#length = exchange.length;
  }

  override _read(): void {
    const length = Math.min(PIECE_BYTES, this.#length - this.#offset);
    if (length === 0) return void this.push(null);
    const piece = this.#bytes.slice(this.#offset, length);
    this.#offset += length;
    this.push(piece);
  }
}

/** The same, a little now and then. */
class TricklingBytes extends Readable {
  readonly #bytes: TrafficBytes;
  readonly #length: number;
  #offset = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(exchange: TrafficExchange) {
    super({ highWaterMark: 1 });
    this.#bytes = new TrafficBytes(exchange, "down");
    this.#length = exchange.length;
  }

  override _read(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const length = Math.min(EVENT_BYTES, this.#length - this.#offset);
      if (length === 0) return void this.push(null);
      const piece = this.#bytes.slice(this.#offset, length);
      this.#offset += length;
      this.push(piece);
    }, EVENT_PAUSE_MS);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    callback(error);
  }
}

/** What comes on a connection goes back on it. */
class Echo extends Readable {
  readonly #source: Readable;

  constructor(source: Readable) {
    super();
    this.#source = source;
    source.on("data", (chunk: Uint8Array) => {
      if (!this.push(new Uint8Array(chunk))) source.pause();
    });
    source.on("end", () => this.push(null));
    source.on("error", () => this.destroy(new Error("The connection broke")));
    source.on("close", () => {
      if (!source.readableEnded) this.destroy(new Error("The connection broke"));
    });
  }

  override _read(): void {
    this.#source.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#source.destroy();
    callback(error);
  }
}
