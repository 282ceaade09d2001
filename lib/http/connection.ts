/**
 * One connection of a listener. Its requests are served one after the other, as their answers have
 * to go out (RFC 9112 §9.3.2), and what comes behind the one being served is held, up to a bound.
 */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../base/clock.ts";
import { ClosedError, toMessage } from "../base/errors.ts";
import { MAX_READ_AHEAD_BYTES, MAX_READ_AHEAD_PIECES } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import type { Ongoing } from "./answer_writer.ts";
import { encodeHead } from "./encode_head.ts";
import { type Observed, type ObserveExchange, observeExchange } from "./exchange_observer.ts";
import { formatHttpDate } from "./http_date.ts";
import { IncomingRequest } from "./incoming_request.ts";
import type { Handler, HttpAnswer, RawHeaders } from "./message.ts";
import { RequestBody } from "./request_body.ts";
import { checkRequest, toRefusalAnswer } from "./request_check.ts";
import type { Refusal, RequestHead } from "./request_head.ts";
import { RequestReader } from "./request_reader.ts";
import { destroyBody, sendAnswer } from "./send_answer.ts";
import type { Watched } from "./silence_watch.ts";
import { SocketFlow } from "./socket_flow.ts";
import { ConnectionBody, type SwitchedConnection, switchProtocols } from "./switched_connection.ts";
import { textAnswer } from "./text_answer.ts";

/** What a connection needs of its listener. */
export interface ConnectionContext {
  readonly handler: Handler;
  readonly log: Logger;
  readonly clock: Clock;
  readonly observe: ObserveExchange | undefined;
  readonly allowsUpgrade: ((protocol: string) => boolean) | undefined;
  /** How long a peer's last bytes are taken that nobody wants. */
  readonly lingerMs: number;
  /** True when no further requests are taken. */
  isClosing(): boolean;
}

export interface ConnectionOptions {
  /** As requests show it. */
  readonly remoteAddress: string;
  /** The TCP connection below a TLS socket; else the socket itself. */
  readonly transport: Socket;
  readonly context: ConnectionContext;
  /** Called when the connection is gone. */
  readonly closed: () => void;
}

type Phase =
  /** A head is waited for: the first one, or one that has begun to come. */
  | "head"
  /** Nothing is waited for. */
  | "idle"
  | "serving"
  /** The connection speaks another protocol. */
  | "switched"
  /** The last answer has been sent: what still comes is dropped. */
  | "leaving";

/** A request, from its head until its answer has been handed over. */
interface Exchange {
  readonly head: RequestHead;
  readonly body: RequestBody | null;
  /** Why no handler sees it. */
  refusal: Refusal | undefined;
  request: IncomingRequest | undefined;
  observed: Observed | undefined;
  /** What comes on the connection, where its peer asks to switch protocols. */
  comes: ConnectionBody | undefined;
  /** True when all of the request has come, or no more of it is waited for. */
  isWhole: boolean;
  trailers: RawHeaders;
  /** True when the final answer has begun. */
  hasAnswer: boolean;
  ongoing: Ongoing | null;
  /** True when all of the answer has been handed to the network. */
  isAnswered: boolean;
  /** True if it is the connection's last one. */
  isLast: boolean;
}

export class Connection implements Watched {
  readonly socket: Socket;
  /** Watched for heads that come too slowly. */
  readonly headWatched: Watched;
  /** Watched for being idle too long. */
  readonly idleWatched: Watched;
  readonly #transport: Socket;
  readonly #flow: SocketFlow;
  readonly #remoteAddress: string;
  readonly #context: ConnectionContext;
  readonly #closed: () => void;
  readonly #reader: RequestReader;
  #phase: Phase = "head";
  /** Grows with each change of phase, so that no two are taken for one. */
  #step = 0;
  #exchange: Exchange | undefined;
  /** The exchange whose head has just come, until what came with it has been read. */
  #opened: Exchange | undefined;
  #switched: SwitchedConnection | undefined;
  /** What came behind the request that is being served. */
  readonly #held: Uint8Array[] = [];
  #heldBytes = 0;
  #hasPeerEnded = false;
  #lingerTimer: Timer | undefined;

  constructor(socket: Socket, { remoteAddress, transport, context, closed }: ConnectionOptions) {
    this.#closed = closed;
    this.socket = socket;
    this.#flow = new SocketFlow(socket);
    this.#transport = transport;
    this.#remoteAddress = remoteAddress;
    this.#context = context;
    this.#reader = new RequestReader({
      head: (head) => this.#open(head),
      body: (bytes) => this.#takeBody(bytes),
      end: (trailers) => this.#endRequest(trailers),
      refuse: (refusal, head) => this.#refuse(refusal, head),
    });
    const progress = (): number => this.#step;
    this.headWatched = {
      isWaitingForPeer: () => this.#phase === "head",
      progress,
      cut: () => this.#refuse(LATE_HEAD, undefined),
    };
    this.idleWatched = {
      isWaitingForPeer: () => this.#phase === "idle",
      progress,
      cut: () => this.#leave(),
    };
    // The close event tells all we need, and a reset must not end the process. But a TLS socket that
    // cannot decrypt what comes does not close by itself.
    socket.on("error", () => {
      if (!socket.destroyed) this.cut();
    });
    socket.on("data", this.#read).on("end", this.#readEnd).on("close", this.#close);
  }

  /** True while no request is being served, nor the last answer on its way. */
  get isIdle(): boolean {
    return this.#exchange === undefined && this.#phase !== "leaving";
  }

  isWaitingForPeer(): boolean {
    if (this.#switched !== undefined) return this.#switched.isWaitingForPeer();
    if (this.#exchange === undefined) return false;
    return this.#exchange.body?.isWanting === true || this.socket.writableLength > 0;
  }

  progress(): number {
    // bytesWritten counts what was handed over, writableLength what of it is still here.
    return this.socket.bytesRead + this.socket.bytesWritten - this.socket.writableLength;
  }

  /** Takes bytes that were read before the connection was made. */
  push(bytes: Uint8Array): void {
    this.#read(bytes);
  }

  /** Ends the connection by a reset, so that no answer on it looks complete, even one until close. */
  cut(): void {
    // A TLS socket would first say that this is the end (RFC 8446 §6.1).
    this.#transport.resetAndDestroy();
    if (this.#transport !== this.socket) this.socket.destroy();
  }

  readonly #read = (chunk: Uint8Array): void => {
    this.#flow.took(chunk);
    if (this.#phase === "leaving") return;
    if (this.#exchange?.isWhole === true) this.#hold(chunk);
    else this.#feed(chunk);
  };

  readonly #readEnd = (): void => {
    this.#hasPeerEnded = true;
    const exchange = this.#exchange;
    if (this.#phase === "switched" || this.#phase === "leaving") return;
    if (exchange === undefined || (exchange.isAnswered && !exchange.isWhole)) return this.#leave();
    // RFC 9112 §9.6: an answer that is all here still goes out. Else nobody can tell a peer that
    // waits from one that has left, and a handler has to know of the latter at once.
    if (!exchange.hasAnswer) this.socket.destroy();
    else if (!exchange.isWhole || exchange.ongoing?.isAllHere === false) this.cut();
  };

  readonly #close = (): void => {
    this.#flow.release();
    this.#clearLinger();
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange !== undefined) {
      exchange.request?.finish(this.#switched?.isWhole() === true ? "delivered" : "cut");
      if (!exchange.isWhole) {
        const message = "The peer closed the connection in the middle of the body";
        exchange.body?.destroy(new ClosedError(message));
      }
      exchange.ongoing?.abandon();
    }
    this.#dropHeld();
    this.#closed();
  };

  #feed(chunk: Uint8Array): void {
    if (this.#phase === "idle") this.#enter("head");
    const taken = this.#reader.push(chunk);
    if (taken < chunk.length) {
      this.#held.unshift(chunk.subarray(taken));
      this.#heldBytes += chunk.length - taken;
    }
    // Not before: an answer that comes before the end of its request ends the connection, and the
    // end of a small one is in the same piece.
    const opened = this.#opened;
    this.#opened = undefined;
    if (opened !== undefined) this.#serve(opened);
  }

  #hold(chunk: Uint8Array): void {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (!this.#canHoldMore()) this.#flow.pause();
  }

  #open(head: RequestHead, refusal?: Refusal): void {
    const isRefused = refusal !== undefined;
    const hasBody = !isRefused && (head.isChunked || (head.bodyLength ?? 0) > 0);
    const exchange: Exchange = {
      head,
      body: hasBody ? this.#openBody(head) : null,
      refusal,
      request: undefined,
      observed: undefined,
      comes: undefined,
      isWhole: isRefused,
      trailers: NO_FIELDS,
      hasAnswer: false,
      ongoing: null,
      isAnswered: false,
      isLast: !head.keepsAlive,
    };
    this.#exchange = exchange;
    this.#opened = exchange;
    this.#enter("serving");
  }

  #openBody({ expectation, httpVersion }: RequestHead): RequestBody {
    const body: RequestBody = new RequestBody({
      started: () => {
        // RFC 9110 §10.1.1: not until the body is wanted, and never after the final answer.
        if (expectation !== "100-continue" || httpVersion === "1.0" || body.hasBegun) return;
        this.#inform(100, NO_FIELDS);
      },
      resume: () => this.#flow.resume(),
      giveUp: () => {
        if (this.#exchange?.isAnswered === false) this.#flow.pause();
      },
    });
    return body;
  }

  #takeBody(bytes: Uint8Array): void {
    const exchange = this.#exchange;
    if (exchange === undefined || exchange.isAnswered) return;
    if (exchange.body?.add(bytes) === false) this.#flow.pause();
  }

  #endRequest(trailers: RawHeaders): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.isWhole = true;
    exchange.trailers = trailers;
    exchange.request?.takeTrailers(trailers);
    exchange.body?.finish();
    if (exchange.isAnswered) this.#settle(exchange);
    else if (exchange.body !== null) this.#flow.resume();
  }

  #serve(exchange: Exchange): void {
    const { head } = exchange;
    const { handler, observe } = this.#context;
    if (this.#asksToSwitch(exchange)) exchange.comes = this.#giveConnection();
    const request = new IncomingRequest(head, {
      remoteAddress: this.#remoteAddress,
      body: exchange.comes ?? exchange.body,
      asksToSwitch: exchange.comes !== undefined,
      inform: this.#inform,
    });
    request.takeTrailers(exchange.trailers);
    exchange.request = request;
    exchange.observed = observeExchange(request, observe);
    const refusal = exchange.refusal ?? checkRequest(head);
    if (refusal !== undefined) {
      exchange.isLast = true;
      return this.#answer(exchange, toRefusalAnswer(refusal));
    }
    try {
      const answer = handler(request);
      if (answer instanceof Promise) void this.#answerLater(exchange, answer);
      else this.#answer(exchange, answer);
    } catch (error) {
      this.#answer(exchange, this.#toFault(request, error));
    }
  }

  async #answerLater(exchange: Exchange, promise: Promise<HttpAnswer>): Promise<void> {
    // As above, where the peer has ended its side before.
    if (this.#hasPeerEnded) this.socket.destroy();
    let answer: HttpAnswer;
    try {
      answer = await promise;
    } catch (error) {
      answer = this.#toFault(exchange.head, error);
    }
    this.#answer(exchange, answer);
  }

  #toFault({ target }: { readonly target: string }, error: unknown): HttpAnswer {
    this.#context.log.error("Handler failed", { reason: toMessage(error), target });
    return textAnswer(500, "Internal error");
  }

  /** Never throws: a fault in here costs one connection. */
  #answer(exchange: Exchange, answer: HttpAnswer): void {
    const { head, body, comes, observed } = exchange;
    const { isClosing, log, clock } = this.#context;
    // Too late: the connection is gone, or the request turned out to be none.
    if (exchange !== this.#exchange || exchange.hasAnswer || this.socket.destroyed) {
      return destroyBody(answer.body);
    }
    observed?.answered(answer.status);
    exchange.hasAnswer = true;
    const isLeftUnread = body !== null && !exchange.isWhole && !body.isBeingRead;
    exchange.isLast ||= isLeftUnread || comes !== undefined || this.#hasPeerEnded || isClosing();
    try {
      if (comes !== undefined && answer.status === 101) {
        return this.#switch(comes, answer, observed?.sent);
      }
      const { closesConnection, ongoing } = sendAnswer(this.socket, answer, {
        request: head,
        closesConnection: exchange.isLast,
        date: formatHttpDate(clock.now()),
        handedOver: this.#handedOver,
        cut: this.#cut,
        sent: observed?.sent,
        log,
      });
      exchange.isLast = closesConnection;
      exchange.ongoing = ongoing;
    } catch (error) {
      // A head that cannot be written: a fault of ours.
      log.error("Answer cannot be sent", { reason: toMessage(error) });
      destroyBody(answer.body);
      this.cut();
    }
  }

  readonly #cut = (): void => this.cut();

  readonly #inform = (status: number, headers: RawHeaders): void => {
    if (this.#exchange?.hasAnswer !== false || this.socket.destroyed) return;
    this.socket.write(encodeHead(status, headers));
  };

  readonly #handedOver = (error?: Error | null): void => {
    const exchange = this.#exchange;
    if (exchange === undefined || (error !== undefined && error !== null)) return;
    if (this.socket.destroyed) return;
    exchange.request?.finish("delivered");
    exchange.isAnswered = true;
    this.#settle(exchange);
  };

  /** The answer has been sent: as soon as the request is off the connection, the next one has its turn. */
  #settle(exchange: Exchange): void {
    if (!exchange.isWhole) {
      // RFC 9112 §9.6: closing with unread bytes would reset the connection, and the peer might never
      // see its answer. But that cannot go on for ever.
      exchange.body?.destroy();
      this.#flow.resume();
      this.#linger();
      return;
    }
    this.#clearLinger();
    exchange.comes?.destroy();
    if (exchange.isLast) this.#leave();
    else if (this.#held.length === 0) this.#next();
    // Other connections have their turn before a pipelined request.
    else setImmediate(this.#next);
  }

  /** The next request has its turn: reads what has been held, up to the end of that. */
  readonly #next = (): void => {
    // Gone, meanwhile.
    if (this.#exchange?.isAnswered !== true) return;
    this.#exchange = undefined;
    this.#reader.next();
    while (this.#exchange === undefined) {
      const chunk = this.#held.shift();
      if (chunk === undefined) break;
      this.#heldBytes -= chunk.length;
      this.#feed(chunk);
    }
    if (this.#exchange === undefined && this.#phase !== "leaving") {
      this.#enter(this.#reader.isWithin ? "head" : "idle");
      if (this.#hasPeerEnded || this.#context.isClosing()) return this.#leave();
    }
    if (this.#canHoldMore()) this.#flow.resume();
  };

  #canHoldMore(): boolean {
    return this.#heldBytes < MAX_READ_AHEAD_BYTES && this.#held.length < MAX_READ_AHEAD_PIECES;
  }

  /** What comes cannot be understood, or not in time: one more answer, and no more is read. */
  #refuse(refusal: Refusal, head: RequestHead | undefined): void {
    if (head !== undefined) return this.#open(head, refusal);
    const exchange = this.#exchange;
    if (exchange === undefined) return this.#refuseHead(refusal);
    // No more of it is waited for.
    exchange.isWhole = true;
    exchange.isLast = true;
    exchange.body?.destroy(new ClosedError("The body is not valid"));
    if (exchange === this.#opened) exchange.refusal = refusal;
    else if (exchange.isAnswered) this.#settle(exchange);
    else if (exchange.hasAnswer) this.cut();
    else {
      exchange.request?.finish("cut");
      this.#answer(exchange, toRefusalAnswer(refusal));
    }
  }

  /** Answers where there is no request. */
  #refuseHead(refusal: Refusal): void {
    const { log, clock } = this.#context;
    sendAnswer(this.socket, toRefusalAnswer(refusal), {
      request: { method: "GET", httpVersion: "1.1" },
      closesConnection: true,
      date: formatHttpDate(clock.now()),
      handedOver: () => {},
      cut: this.#cut,
      sent: undefined,
      log,
    });
    this.#leave();
  }

  /** Ends our side; a peer that keeps its own open is not waited for. */
  #leave(): void {
    this.#enter("leaving");
    this.#exchange = undefined;
    this.#dropHeld();
    this.#clearLinger();
    this.#linger();
    this.#flow.resume();
    this.socket.end();
  }

  /** Takes what comes for a while, and goes. */
  #linger(): void {
    const { clock, lingerMs } = this.#context;
    this.#lingerTimer = clock.after(lingerMs, () => {
      if (this.#phase === "leaving") this.socket.destroy();
      else this.#leave();
    });
  }

  #clearLinger(): void {
    if (this.#lingerTimer !== undefined) this.#context.clock.clear(this.#lingerTimer);
    this.#lingerTimer = undefined;
  }

  /** RFC 9110 §7.8: only what is allowed here, and only where no body is in the way. */
  #asksToSwitch({ head, body, refusal }: Exchange): boolean {
    const { upgrade, method, httpVersion } = head;
    return upgrade !== null && method === "GET" && httpVersion === "1.1" && body === null &&
      refusal === undefined && this.#context.allowsUpgrade?.(upgrade.toLowerCase()) === true;
  }

  /** Leaves reading to whoever gets the connection, with what has come already. */
  #giveConnection(): ConnectionBody {
    this.socket.off("data", this.#read);
    this.#flow.release();
    const early = Buffer.concat(this.#held);
    this.#dropHeld();
    return new ConnectionBody(this.socket, early);
  }

  #switch(comes: ConnectionBody, answer: HttpAnswer, sent: Observed["sent"]): void {
    const { log } = this.#context;
    this.#switched = switchProtocols(this.socket, answer, { comes, cut: this.#cut, sent, log });
    // From here on it is the connection's end that ends the exchange.
    this.#enter("switched");
  }

  #dropHeld(): void {
    this.#held.length = 0;
    this.#heldBytes = 0;
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#step++;
  }
}

const NO_FIELDS: RawHeaders = [];
const LATE_HEAD: Refusal = { status: 408, reason: "The request did not arrive in time" };
