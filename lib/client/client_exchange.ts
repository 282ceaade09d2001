/** One request on a connection, and its answer. */

import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { clearImmediate, setImmediate } from "node:timers";
import { ProtocolError, toMessage } from "../base/errors.ts";
import { connectionOptions } from "../http/connection_options.ts";
import { CHUNK_END, toChunkStart, toLastChunk } from "../http/chunk_text.ts";
import { encodeLatin1 } from "../base/latin1.ts";
import type { RawHeaders } from "../http/message.ts";
import { ownsChunks } from "../http/owned_chunks.ts";
import { writePart } from "../http/write_part.ts";
import type { SocketFlow } from "../http/socket_flow.ts";
import { AnswerBody } from "./answer_body.ts";
import type { ResponseHead } from "./response_reader.ts";
import { toAbortError, toRequestError, UnreachableError } from "./unreachable_error.ts";

export interface ClientRequest {
  readonly method: string;
  /** Raw, one character per byte. */
  readonly target: string;
  /** All fields, those that frame the body included. */
  readonly headers: RawHeaders;
  /** Taken over, whatever comes of the request: read to its end, or destroyed. */
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

export interface ClientAnswer {
  readonly status: number;
  readonly headers: RawHeaders;
  /** Destroying it before its end closes the connection. */
  readonly body: AnswerBody;
  /** After a 101, which has no body: the connection speaks another protocol, and is the caller's. */
  readonly switched: SwitchedSocket | null;
}

export interface SwitchedSocket {
  /** To be listened to at once: its end is told once, even if nobody listens. */
  readonly socket: Socket;
  /** What came of the other protocol already. */
  readonly head: Uint8Array;
}

/** What an exchange needs of its connection. */
export interface Carrier {
  readonly socket: Socket;
  readonly flow: Pick<SocketFlow, "pause" | "resume">;
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
  /** The request's head until it is written, then nothing. */
  #pendingHead: string;
  #flushTimer: ReturnType<typeof setImmediate> | undefined;
  #sentBytes = 0;
  #isSendingBody = false;
  #isCorked = false;

  /** `head` is the request's, one byte per character. */
  constructor(request: ClientRequest, head: string, carrier: Carrier) {
    this.#request = request;
    this.#carrier = carrier;
    this.#pendingHead = head;
    this.answer = this.#result.promise;
    // It may fail before anybody waits for it; that must not end the process.
    this.answer.catch(() => {});
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

  /** Bytes read and written on its connection so far; any change is a sign of life. */
  get progress(): number {
    const { bytesRead, bytesWritten } = this.#carrier.socket;
    return bytesRead + bytesWritten;
  }

  /** Begins to send. */
  start(): void {
    const { body, signal, holdsBody = false } = this.#request;
    signal.addEventListener("abort", this.#abort);
    if (signal.aborted) return this.#abort();
    if (body instanceof Readable) this.#watch(body);
    if (holdsBody && body !== null) this.#flushHead();
    else this.sendBody();
  }

  /** Sends the body that has been held back; harmless when it is sent already, or not wanted. */
  sendBody(): void {
    const { body } = this.#request;
    if (this.#isSendingBody || this.#isOver) return;
    this.#isSendingBody = true;
    if (body instanceof Readable) return this.#pump(body);
    if (body === null || body.length === 0) this.#flushHead();
    else this.#writePart(body, false, false);
    this.#finishSending();
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
    const { flow } = this.#carrier;
    this.#body = new AnswerBody({
      resume: () => flow.resume(),
      giveUp: () => this.#end(new UnreachableError("aborted", "The answer was given up")),
    });
    const { status, headers } = head;
    this.#result.resolve({ status, headers, body: this.#body, switched: null });
  }

  takeBody(bytes: Uint8Array): void {
    if (this.#body?.add(bytes) === false) this.#carrier.flow.pause();
  }

  takeEnd(trailers: RawHeaders): void {
    const head = this.#head;
    if (this.#isOver || head === undefined) return;
    const { body, headers } = this.#request;
    const { socket } = this.#carrier;
    this.#settle();
    this.#body?.finish(trailers);
    // A peer that has answered has read what it wants of the request. What it has not would be
    // before the next one.
    const isClean = this.#isSent && socket.writableLength === 0;
    const keepsAlive = head.keepsAlive && !connectionOptions(headers).includes("close");
    if (isClean && keepsAlive) this.#carrier.release(head);
    else socket.destroy();
    if (!(body instanceof Readable)) return;
    if (this.#isSent) body.resume();
    else body.destroy();
  }

  takeSwitch(headers: RawHeaders, head: Uint8Array): void {
    if (this.#isOver) return;
    const { socket, peer } = this.#carrier;
    if (!this.#isSent) {
      const error = new ProtocolError("it switches protocols within the request");
      return this.#end(toRequestError(error, peer));
    }
    this.#settle();
    const body = new AnswerBody({ resume: () => {}, giveUp: () => {} });
    body.finish([]);
    this.#result.resolve({ status: 101, headers, body, switched: { socket, head } });
  }

  /** The connection failed, or ended before the answer was whole. */
  fail(error: unknown, { isUntouched }: { readonly isUntouched: boolean }): void {
    const { peer, isReused } = this.#carrier;
    const fault = toRequestError(error, peer);
    const isStale = fault.kind === "cut" && isReused && isUntouched &&
      !(this.#request.body instanceof Readable);
    this.#end(isStale ? new UnreachableError("stale", fault.message, { cause: error }) : fault);
  }

  /** Gives it up for a reason of the caller's. */
  cut(error: UnreachableError): void {
    this.#end(error);
  }

  readonly #abort = (): void => {
    this.#end(toAbortError(this.#request.signal.reason, this.#carrier.peer));
  };

  /** From the start, since a body that is held back may fail too. */
  #watch(body: Readable): void {
    const fail = (error: Error | null): void =>
      this.#failBody(error === null ? "it ended early" : toMessage(error), error);
    body.on("error", fail);
    body.on("close", () => {
      if (!body.readableEnded) fail(null);
    });
    // Its events are past.
    if (body.destroyed) fail(body.errored);
  }

  #pump(body: Readable): void {
    const { length } = this.#request;
    const isOwned = ownsChunks(body);
    if (length === 0) {
      this.#flushHead();
      this.#finishSending();
    } else {
      // The head waits for the first bytes of the body, so that both leave together; not for long.
      this.#flushTimer = setImmediate(() => this.#flushHead());
    }
    body.on("data", (chunk: Uint8Array) => {
      if (this.#isOver) return void body.destroy();
      if (chunk.length === 0) return;
      this.#sentBytes += chunk.length;
      if (length !== null && this.#sentBytes > length) {
        return this.#failBody(`it is longer than its ${length} bytes`);
      }
      const hasRoom = this.#writePart(chunk, isOwned, length === null);
      if (!hasRoom) body.pause();
      if (this.#sentBytes === length) this.#finishSending();
    });
    body.on("end", () => {
      if (this.#isOver || this.#isSent) return;
      if (length !== null) return this.#failBody(`it is shorter than its ${length} bytes`);
      this.#writeText(toLastChunk(this.#request.trailers?.() ?? []));
      this.#finishSending();
    });
  }

  /** Something of the body that is not empty, behind the head if that is still to be sent. */
  #writePart(bytes: Uint8Array, isOwned: boolean, isChunk: boolean): boolean {
    const head = this.#takeHead();
    this.#cork();
    return writePart(this.#carrier.socket, {
      before: isChunk ? head + toChunkStart(bytes.length) : head,
      bytes,
      after: isChunk ? CHUNK_END : "",
      owned: isOwned ? bytes : undefined,
    });
  }

  /** What is written in one turn leaves in one system call. */
  #cork(): void {
    if (this.#isCorked) return;
    const { socket } = this.#carrier;
    this.#isCorked = true;
    socket.cork();
    queueMicrotask(() => {
      this.#isCorked = false;
      socket.uncork();
    });
  }

  #takeHead(): string {
    const head = this.#pendingHead;
    this.#pendingHead = "";
    this.#clearFlush();
    return head;
  }

  #flushHead(): void {
    this.#writeText("");
  }

  /** Behind the head if that is still to be sent. */
  #writeText(text: string): void {
    const all = this.#takeHead() + text;
    if (all !== "") this.#carrier.socket.write(encodeLatin1(all));
  }

  #finishSending(): void {
    if (this.#isSent) return;
    this.#isSent = true;
    this.#request.onSent?.();
  }

  #failBody(reason: string, cause?: unknown): void {
    this.#end(new UnreachableError("body", `Cannot send a body: ${reason}`, { cause }));
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
