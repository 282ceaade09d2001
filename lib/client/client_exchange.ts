/** One request on a connection, and its answer. */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { clearImmediate, setImmediate } from "node:timers";
import { ProtocolError, toMessage } from "../base/errors.ts";
import { headerPairs, isTrailer, isValidHeader } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";
import { freeChunk, freeWhenWritten, ownsChunks } from "../http/owned_chunks.ts";
import { AnswerBody } from "./answer_body.ts";
import type { ResponseHead } from "./response_reader.ts";
import { toAbortError, toRequestError, UnreachableError } from "./unreachable_error.ts";

export interface ClientRequest {
  readonly method: string;
  /** Raw, one character per byte. */
  readonly target: string;
  /** All fields, those that frame the body included. */
  readonly headers: RawHeaders;
  /** Taken over: read to its end, or destroyed. */
  readonly body: Uint8Array | Readable | null;
  /** Bytes that a stream gives, as the fields announce; null for a chunked one. */
  readonly length: number | null;
  /** Asked for fields behind a chunked body, once that has ended. Default: none. */
  readonly trailers?: (() => RawHeaders) | undefined;
  /** Whether the answer may be a 101. Default: false. */
  readonly allowsSwitch?: boolean;
  /** Holds the body back until {@linkcode ClientExchange.sendBody} is called. Default: false. */
  readonly holdsBody?: boolean;
  /** Told of answers of 1xx, but not of 101. */
  readonly onInterim?: (status: number, headers: RawHeaders) => void;
  /** Called when all of the request has been handed to the connection. */
  readonly onSent?: () => void;
  /** Ends all of it, and the connection. */
  readonly signal: AbortSignal;
}

export type ClientAnswer =
  | {
    readonly kind: "answer";
    readonly status: number;
    readonly headers: RawHeaders;
    /** Destroying it before its end closes the connection. */
    readonly body: AnswerBody;
  }
  /** The connection speaks another protocol now, and is the caller's; `head` came already. */
  | {
    readonly kind: "switched";
    readonly headers: RawHeaders;
    readonly socket: Socket;
    readonly head: Uint8Array;
  };

/** What an exchange needs of its connection. */
export interface Carrier {
  readonly socket: Socket;
  /** How messages call the other end. */
  readonly peer: string;
  /** True if the connection has carried an exchange before. */
  readonly isReused: boolean;
  /** The exchange is over; the connection may take another one. */
  release(head: ResponseHead): void;
}

export class ClientExchange {
  readonly answer: Promise<ClientAnswer>;
  readonly #request: ClientRequest;
  readonly #carrier: Carrier;
  readonly #result = Promise.withResolvers<ClientAnswer>();
  #head: ResponseHead | undefined;
  #body: AnswerBody | undefined;
  #isSent = false;
  #isOver = false;
  /** The request's head, until it is written. */
  #pendingHead: Uint8Array | undefined;
  #flushTimer: ReturnType<typeof setImmediate> | undefined;
  #sentBytes = 0;
  #isSendingBody = false;

  /** @throws {TypeError} for a request that cannot be written. */
  constructor(request: ClientRequest, carrier: Carrier) {
    this.#request = request;
    this.#carrier = carrier;
    this.answer = this.#result.promise;
    this.#pendingHead = encodeRequestHead(request);
  }

  /** True where the whole request has been handed to the connection. */
  get isSent(): boolean {
    return this.#isSent;
  }

  /** True while bytes of the peer are waited for, not those of whoever reads or feeds this side. */
  get isWaitingForPeer(): boolean {
    if (this.#isOver) return false;
    if (this.#body === undefined) return this.#isSent || this.#carrier.socket.writableLength > 0;
    return this.#body.isWanting;
  }

  /** Begins to send. */
  start(): void {
    const { body, signal, holdsBody = false } = this.#request;
    signal.addEventListener("abort", this.#abort);
    if (signal.aborted) return this.#abort();
    if (body instanceof Readable) {
      if (holdsBody) this.#flushHead();
      else this.sendBody();
      return;
    }
    const head = this.#pendingHead ?? NO_BYTES;
    this.#pendingHead = undefined;
    const isSmall = body !== null && body.length > 0 && body.length <= MAX_JOINED_BYTES;
    if (isSmall) this.#write(Buffer.concat([head, body]));
    else {
      this.#write(head);
      if (body !== null && body.length > 0) this.#write(body);
    }
    this.#finishSending();
  }

  /** Sends the body that has been held back; harmless when it is sent already, or not wanted. */
  sendBody(): void {
    const { body } = this.#request;
    if (this.#isSendingBody || this.#isOver || !(body instanceof Readable)) return;
    this.#isSendingBody = true;
    // The head waits for the first bytes of the body, so that both leave together; not for long.
    if (this.#pendingHead !== undefined) {
      this.#flushTimer = setImmediate(() => this.#flushHead());
    }
    this.#pump(body);
  }

  /** The connection has room again. */
  drain(): void {
    const { body } = this.#request;
    if (this.#isSendingBody && body instanceof Readable) body.resume();
  }

  interim(status: number, headers: RawHeaders): void {
    if (!this.#isOver) this.#request.onInterim?.(status, headers);
  }

  takeHead(head: ResponseHead): void {
    if (this.#isOver) return;
    this.#head = head;
    const { socket } = this.#carrier;
    this.#body = new AnswerBody({
      resume: () => socket.resume(),
      giveUp: () => this.#end(new UnreachableError("aborted", "The answer was given up")),
    });
    const { status, headers } = head;
    this.#result.resolve({ kind: "answer", status, headers, body: this.#body });
  }

  takeBody(bytes: Uint8Array): void {
    if (this.#body?.add(bytes) === false) this.#carrier.socket.pause();
  }

  takeEnd(trailers: RawHeaders): void {
    const head = this.#head;
    if (this.#isOver || head === undefined) return;
    const isClean = this.#isSent;
    this.#settle();
    this.#body?.finish(trailers);
    // A peer that has answered has read what it wants of the request.
    if (!isClean) this.#giveUpBody();
    if (isClean && head.keepsAlive) this.#carrier.release(head);
    else this.#carrier.socket.destroy();
  }

  takeSwitch(headers: RawHeaders, head: Uint8Array): void {
    if (this.#isOver) return;
    this.#settle();
    const { socket } = this.#carrier;
    this.#result.resolve({ kind: "switched", headers, socket, head });
  }

  /** The connection failed, or ended before the answer was whole. */
  fail(error: unknown, { isUntouched }: { readonly isUntouched: boolean }): void {
    const { peer, isReused } = this.#carrier;
    if (error instanceof ProtocolError && !isUntouched) {
      const message = `Cannot complete a request to ${peer}: ${toMessage(error)}`;
      const kind = error.message === CUT_MESSAGE ? "cut" : "protocol";
      return this.#end(new UnreachableError(kind, message, { cause: error }));
    }
    const fault = toRequestError(error, peer);
    const isStale = isReused && isUntouched && !(this.#request.body instanceof Readable);
    this.#end(isStale ? new UnreachableError("stale", fault.message, { cause: error }) : fault);
  }

  /** Gives it up for a reason of the caller's. */
  cut(error: UnreachableError): void {
    this.#end(error);
  }

  readonly #abort = (): void => {
    this.#end(toAbortError(this.#request.signal.reason, this.#carrier.peer));
  };

  #pump(body: Readable): void {
    const { length } = this.#request;
    const isOwned = ownsChunks(body);
    const failBody = (reason: string, cause?: unknown): void => {
      const error = new UnreachableError("body", `Cannot send a body: ${reason}`, { cause });
      this.#end(error);
    };
    body.on("error", (error) => failBody(toMessage(error), error));
    body.on("close", () => {
      if (!body.readableEnded) failBody("it ended early");
    });
    body.on("data", (chunk: Uint8Array) => {
      if (this.#isOver || chunk.length === 0) return;
      this.#sentBytes += chunk.length;
      if (length !== null && this.#sentBytes > length) {
        return failBody(`it is longer than its ${length} bytes`);
      }
      const hasRoom = length === null
        ? this.#writeChunk(chunk, isOwned)
        : this.#writePart(chunk, isOwned);
      if (!hasRoom) body.pause();
      if (this.#sentBytes === length) this.#finishSending();
    });
    body.on("end", () => {
      if (this.#isOver) return;
      if (length !== null) {
        if (this.#sentBytes < length) failBody(`it is shorter than its ${length} bytes`);
        else this.#finishSending();
        return;
      }
      this.#flushHead();
      this.#write(encodeLastChunk(this.#request.trailers?.() ?? []));
      this.#finishSending();
    });
    // Failed before: its events are past.
    if (body.destroyed) failBody("it ended early");
  }

  /** A part of a body of known length. */
  #writePart(chunk: Uint8Array, isOwned: boolean): boolean {
    const head = this.#takeHead();
    if (head !== undefined && chunk.length <= MAX_JOINED_BYTES) {
      return this.#write(Buffer.concat([head, chunk]));
    }
    if (head !== undefined) this.#write(head);
    return this.#carrier.socket.write(chunk, isOwned ? freeWhenWritten(chunk) : undefined);
  }

  /** RFC 9112 §7.1: its size, itself, and a line's end; copied together, since each write costs. */
  #writeChunk(chunk: Uint8Array, isOwned: boolean): boolean {
    const head = this.#takeHead() ?? NO_BYTES;
    const size = Buffer.from(`${chunk.length.toString(16)}\r\n`, "latin1");
    const bytes = Buffer.concat([head, size, chunk, LINE_END]);
    if (isOwned) freeChunk(chunk);
    return this.#write(bytes);
  }

  #takeHead(): Uint8Array | undefined {
    const head = this.#pendingHead;
    this.#pendingHead = undefined;
    this.#clearFlush();
    return head;
  }

  #flushHead(): void {
    const head = this.#takeHead();
    if (head !== undefined) this.#write(head);
  }

  #write(bytes: Uint8Array): boolean {
    return this.#carrier.socket.write(bytes);
  }

  #finishSending(): void {
    if (this.#isSent) return;
    this.#isSent = true;
    this.#request.onSent?.();
  }

  /** It came to nothing, or its answer broke off. */
  #end(error: UnreachableError): void {
    if (this.#isOver) return;
    this.#settle();
    this.#carrier.socket.destroy();
    this.#giveUpBody();
    if (this.#body === undefined) this.#result.reject(error);
    else this.#body.fail(error);
  }

  #settle(): void {
    this.#isOver = true;
    this.#clearFlush();
    this.#request.signal.removeEventListener("abort", this.#abort);
  }

  #giveUpBody(): void {
    const { body } = this.#request;
    if (body instanceof Readable) body.destroy();
  }

  #clearFlush(): void {
    if (this.#flushTimer !== undefined) clearImmediate(this.#flushTimer);
    this.#flushTimer = undefined;
  }
}

/** What {@linkcode ResponseReader.end} says of an answer that is not whole. */
export const CUT_MESSAGE = "The answer was cut";

/** Bodies and chunks up to this size are written together with the head: each write costs. */
const MAX_JOINED_BYTES = 64 * 1024;

const NO_BYTES = new Uint8Array();
const LINE_END = Buffer.from("\r\n", "latin1");

/** @throws {TypeError} */
function encodeRequestHead({ method, target, headers }: ClientRequest): Uint8Array {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method) || !/^[!-\xff]+$/.test(target)) {
    throw new TypeError("Cannot send a request: its method or target is malformed");
  }
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (const [name, value] of headerPairs(headers)) {
    if (!isValidHeader(name, value)) {
      throw new TypeError(`Cannot send a request: malformed field ${JSON.stringify(name)}`);
    }
    head += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${head}\r\n`, "latin1");
}

function encodeLastChunk(trailers: RawHeaders): Uint8Array {
  let text = "0\r\n";
  for (const [name, value] of headerPairs(trailers)) {
    if (isTrailer(name, value)) text += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, "latin1");
}
