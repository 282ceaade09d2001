/** One request to an origin on node:http, with all that HTTP/1.1 can say in both directions. */

import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  request as openRequest,
} from "node:http";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import type { Clock, Timer } from "../base/clock.ts";
import { EXPECT_WAIT_MS, MAX_TEXTS_BYTES } from "../base/limits.ts";
import { headerValue, headerValues } from "../http/headers.ts";
import type { HttpAnswer, HttpRequest, RawHeaders } from "../http/message.ts";
import { isBodyless } from "../http/send_answer.ts";
import type { SilenceWatch, Watched } from "../http/silence_watch.ts";
import type { AgentOptions } from "./connection_agent.ts";
import { ConnectionBody } from "../http/switched_connection.ts";
import { pumpBody } from "./pump_body.ts";
import { markUsed } from "./relay_request.ts";
import { toAbortError, toRequestError, UnreachableError } from "../client/unreachable_error.ts";

/** The way that a request takes. */
export interface OriginWay {
  readonly agent: Agent;
  /** The request target, as the origin gets it. */
  readonly target: string;
  /** All fields but those that node:http adds of its own. */
  readonly headers: RawHeaders;
  /** What visitors get of the fields of an answer. */
  readonly toVisitorHeaders: (headers: RawHeaders) => RawHeaders;
  /** Watches over the origin's silence; undefined for no limit. */
  readonly silence: SilenceWatch | undefined;
  readonly clock: Clock;
  /** How messages call the origin. */
  readonly peer: string;
}

/**
 * Sends a visitor's request; resolves with the head of the answer, whose body then streams. A GET or
 * HEAD without a body goes out once more where a kept connection turns out to be closed.
 *
 * @throws {UnreachableError}
 */
export async function sendToOrigin(request: HttpRequest, way: OriginWay): Promise<HttpAnswer> {
  try {
    return await new OriginExchange(request, way).answer;
  } catch (error) {
    const isStale = error instanceof UnreachableError && error.kind === "stale";
    const isSafe = request.method === "GET" || request.method === "HEAD";
    if (!isStale || !isSafe || request.body !== null) throw error;
    return await new OriginExchange(request, way).answer;
  }
}

class OriginExchange implements Watched {
  readonly answer: Promise<HttpAnswer>;
  readonly #request: HttpRequest;
  readonly #way: OriginWay;
  readonly #outgoing: ClientRequest;
  readonly #result = Promise.withResolvers<HttpAnswer>();
  #incoming: IncomingMessage | undefined;
  #socket: Socket | undefined;
  #isReused = false;
  #isOver = false;
  #expectTimer: Timer | undefined;

  constructor(request: HttpRequest, way: OriginWay) {
    this.#request = request;
    this.#way = way;
    this.answer = this.#result.promise;
    const { signal } = request;
    const options: AgentOptions & { readonly maxHeaderSize: number } = {
      agent: way.agent,
      method: request.method,
      path: way.target,
      headers: [...way.headers],
      connectSignal: signal,
      maxHeaderSize: MAX_TEXTS_BYTES,
    };
    this.#outgoing = openRequest(options);
    // Its bytes are limited. Else fields past the thousandth would be left out.
    this.#outgoing.maxHeadersCount = 0;
    signal.addEventListener("abort", this.#abort);
    this.#outgoing.on("socket", (socket: Socket) => {
      this.#socket = socket;
      this.#isReused = markUsed(socket);
    });
    this.#outgoing.on("error", (error) => this.#fail(this.#toFault(error)));
    this.#outgoing.on("close", () => this.#fail(this.#toFault(new Error("closed"))));
    this.#outgoing.on("information", (info) => this.#inform(info));
    this.#outgoing.on("response", (incoming: IncomingMessage) => this.#respond(incoming));
    if (request.upgrade !== null) {
      this.#outgoing.on(
        "upgrade",
        (incoming: IncomingMessage, socket: Socket, head: Uint8Array) => {
          this.#switch({ incoming, socket, head });
        },
      );
    }
    way.silence?.add(this);
    this.#sendBody();
    if (signal.aborted) this.#abort();
  }

  /** Until the answer begins, and while it is being read; but not for what the visitor is slow with. */
  isWaitingForPeer(): boolean {
    if (this.#incoming === undefined) {
      return this.#outgoing.writableFinished || this.#outgoing.writableLength > 0;
    }
    return this.#incoming.readableFlowing === true;
  }

  progress(): number {
    return (this.#socket?.bytesRead ?? 0) + (this.#socket?.bytesWritten ?? 0);
  }

  /** The origin has been silent for too long. */
  cut(): void {
    const message = `Cannot complete a request to ${this.#way.peer}: it fell silent`;
    const error = new UnreachableError("silent", message);
    if (this.#incoming === undefined) this.#fail(error);
    else this.#incoming.destroy(error);
  }

  #sendBody(): void {
    const { body, upgrade, headers } = this.#request;
    if (body === null || upgrade !== null) return void this.#outgoing.end();
    const isExpecting = headerValue(headers, "expect")?.toLowerCase() === "100-continue";
    if (!isExpecting) return this.#pump(body);
    // RFC 9110 §10.1.1: an origin may ignore it, so it is not waited for without end.
    let isPumping = false;
    const start = (): void => {
      if (isPumping || this.#incoming !== undefined || this.#isOver) return;
      isPumping = true;
      this.#pump(body);
    };
    this.#outgoing.flushHeaders();
    this.#outgoing.once("continue", start);
    this.#expectTimer = this.#way.clock.after(EXPECT_WAIT_MS, start);
  }

  #pump(body: Readable): void {
    pumpBody(body, this.#outgoing, {
      length: this.#request.bodyLength,
      trailers: () => this.#request.trailers,
      fail: (reason, cause) => {
        const fault = new UnreachableError("body", `Cannot send a body: ${reason}`, { cause });
        // An origin that has answered may not care for the rest.
        if (this.#incoming === undefined) this.#fail(fault);
        else this.#outgoing.destroy();
      },
    });
  }

  #inform({ statusCode, rawHeaders }: { statusCode: number; rawHeaders: readonly string[] }): void {
    if (statusCode === 100 || this.#isOver) return;
    this.#request.inform(statusCode, this.#way.toVisitorHeaders(rawHeaders));
  }

  #respond(incoming: IncomingMessage): void {
    this.#incoming = incoming;
    // It may fail before or after anybody listens; that must not end the process.
    incoming.on("error", () => {});
    if (this.#isOver) return void incoming.destroy();
    const status = incoming.statusCode ?? 0;
    const fault = findFault(status, incoming.rawHeaders);
    if (fault !== undefined) {
      incoming.destroy();
      const message = `Cannot use the answer of ${this.#way.peer}: ${fault}`;
      return this.#fail(new UnreachableError("protocol", message));
    }
    incoming.once("close", () => this.#finish());
    this.#clearExpect();
    const hasBody = !isBodyless(status, this.#request.method === "HEAD");
    // To give it up unread would close the connection.
    if (!hasBody) incoming.resume();
    this.#result.resolve({
      status,
      headers: [
        ...this.#way.toVisitorHeaders(incoming.rawHeaders),
        ...trailerOf(incoming.rawHeaders),
      ],
      // Nobody else holds its chunks.
      body: hasBody ? Object.assign(incoming, { ownsChunks: true as const }) : null,
      trailers: () => incoming.rawTrailers,
    });
  }

  #switch(
    { incoming, socket, head }: {
      readonly incoming: IncomingMessage;
      readonly socket: Socket;
      readonly head: Uint8Array;
    },
  ): void {
    // The socket itself would lose its other direction where it is destroyed after its end.
    const comes = new ConnectionBody(socket, head);
    if (this.#isOver) return void socket.destroy();
    this.#isOver = true;
    this.#stopWatching();
    socket.setTimeout(0);
    const { body, signal, upgrade } = this.#request;
    // No end: half of what a visitor had to say must not look like all of it.
    const cut = (): void => void socket.resetAndDestroy();
    signal.addEventListener("abort", cut, { once: true });
    comes.once("close", () => {
      if (!comes.readableEnded) cut();
    });
    if (body === null) socket.end();
    else {
      body.on("data", (chunk: Uint8Array) => {
        if (!socket.write(chunk)) body.pause();
      });
      socket.on("drain", () => body.resume());
      // A half-close: what the origin still has to say comes.
      body.on("end", () => socket.end());
      body.on("close", () => {
        if (!body.readableEnded) cut();
      });
      if (body.destroyed) cut();
    }
    socket.once("close", () => body?.destroy());
    const fields = this.#way.toVisitorHeaders(incoming.rawHeaders);
    const protocol = headerValue(incoming.rawHeaders, "upgrade") ?? upgrade ?? "";
    this.#result.resolve({ status: 101, headers: [...fields, "Upgrade", protocol], body: comes });
  }

  readonly #abort = (): void => {
    this.#fail(toAbortError(this.#request.signal.reason, this.#way.peer));
    this.#incoming?.destroy();
  };

  #fail(error: UnreachableError): void {
    if (this.#isOver) return;
    this.#finish();
    this.#outgoing.destroy();
    this.#result.reject(error);
  }

  /** The answer has come to its end, or there is none. */
  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stopWatching();
    // An origin that has answered has read what it wants of the request.
    if (!this.#outgoing.writableFinished) this.#outgoing.destroy();
    this.#request.body?.destroy();
  }

  #stopWatching(): void {
    this.#request.signal.removeEventListener("abort", this.#abort);
    this.#way.silence?.remove(this);
    this.#clearExpect();
  }

  #clearExpect(): void {
    if (this.#expectTimer !== undefined) this.#way.clock.clear(this.#expectTimer);
    this.#expectTimer = undefined;
  }

  #toFault(error: unknown): UnreachableError {
    if (error instanceof UnreachableError) return error;
    const fault = toRequestError(error, this.#way.peer);
    const isStale = fault.kind === "cut" && this.#isReused && this.#incoming === undefined;
    return isStale ? new UnreachableError("stale", fault.message, { cause: error }) : fault;
  }
}

/** What there is that an answer of ours cannot say; undefined for nothing. */
function findFault(status: number, headers: RawHeaders): string | undefined {
  if (status < 200 || status > 599) return `its status is ${status}`;
  const codings = headerValues(headers, "transfer-encoding").join(",").trim().toLowerCase();
  // RFC 9112 §7: no other one was asked for, and without its name the body would be taken for plain.
  return codings === "" || codings === "chunked" ? undefined : `its coding is "${codings}"`;
}

/** Announces fields behind the body, which come along. */
function trailerOf(headers: RawHeaders): RawHeaders {
  const value = headerValue(headers, "trailer");
  return value === undefined ? [] : ["Trailer", value];
}
