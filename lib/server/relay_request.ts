/**
 * One request to a relay on node:http, from its head to the last byte of its answer. Which way it
 * takes is for {@linkcode RelayClient} to say.
 */

import { Buffer } from "node:buffer";
import {
  type Agent,
  type ClientRequest,
  type IncomingMessage,
  request as openRequest,
} from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { Clock, Timer } from "../base/clock.ts";
import { LimitError } from "../base/errors.ts";
import { BODY_SILENCE_MS } from "../base/limits.ts";
import { headerPairs } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";
import type { AgentOptions } from "./connection_agent.ts";
import { pumpBody } from "./pump_body.ts";
import {
  toAbortError,
  toFirstHopError,
  toRequestError,
  UnreachableError,
} from "../client/unreachable_error.ts";

export interface RelayRequest {
  readonly method: "GET" | "POST";
  /** Absolute, http or https. */
  readonly url: URL;
  /** Sent as they stand, each name once. Host, where missing, Content-Length or chunking, and Connection are added. */
  readonly headers: RawHeaders;
  /** The client owns a stream: it reads it to the end or destroys it. */
  readonly body: Uint8Array | Readable | null;
  /** How many bytes a stream gives, or null for chunked; without meaning for other bodies. */
  readonly bodyLength: number | null;
  /** Ends everything, and the connection. */
  readonly signal: AbortSignal;
  /**
   * Longest silence from the end of the request to the head of its answer, in ms; 0 for none. A
   * body that a slow visitor holds back is not limited here: that is for the relay.
   */
  readonly answerTimeoutMs: number;
  /** Longest answer body taken, in bytes. */
  readonly maxAnswerBytes: number;
}

export interface RelayAnswer {
  readonly status: number;
  readonly headers: RawHeaders;
  readonly body: Uint8Array;
  /** False where the relay answered before it was sent the whole request body. */
  readonly isBodySent: boolean;
}

/** Connections that have carried a request. */
const usedSockets = new WeakSet<Socket>();

/** True if a connection has carried a request before; from now on it has. */
export function markUsed(socket: Socket): boolean {
  const isUsed = usedSockets.has(socket);
  usedSockets.add(socket);
  return isUsed;
}

/** The way that a request takes. */
export interface Way {
  readonly agent: Agent;
  /** The request target. */
  readonly target: string;
  /** All fields but Connection. */
  readonly headers: RawHeaders;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** How messages call the relay. */
  readonly peer: string;
  /** The proxy that connections lead to first, if there is one. */
  readonly proxyAddress: string | undefined;
}

/**
 * Sends `request`. Once this has settled, nothing more is read of a body stream, and the connection
 * is back in its pool or destroyed; the stream is the caller's to destroy.
 *
 * @throws {UnreachableError}
 * @throws {LimitError} for an answer over `maxAnswerBytes`.
 */
export function sendRequest(request: RelayRequest, way: Way): Promise<RelayAnswer> {
  const { body, maxAnswerBytes } = request;
  const { signal, clock, peer } = way;
  if (signal.aborted) return Promise.reject(toAbortError(signal.reason, peer));
  const { promise, resolve, reject } = Promise.withResolvers<RelayAnswer>();
  const options: AgentOptions = {
    agent: way.agent,
    method: request.method,
    path: way.target,
    headers: Object.fromEntries(headerPairs(way.headers)),
    connectSignal: signal,
  };
  const outgoing = openRequest(options);
  let timer: Timer | undefined;
  let isSettled = false;
  let isAnswered = false;
  let isConnected = false;
  let isReused = false;

  const settle = (): void => {
    isSettled = true;
    if (timer !== undefined) clock.clear(timer);
    signal.removeEventListener("abort", abort);
  };
  const fail = (error: Error): void => {
    if (isSettled) return;
    settle();
    outgoing.destroy();
    reject(error);
  };
  const abort = (): void => fail(toAbortError(signal.reason, peer));
  const expect = (what: string, ms: number): void => {
    if (timer !== undefined) clock.clear(timer);
    if (isSettled || ms === 0) return;
    timer = clock.after(ms, () => {
      const message = `Cannot complete a request to ${peer}: ${what} took over ${ms / 1000} s`;
      fail(new UnreachableError("timeout", message));
    });
  };
  const cut = (error: unknown): void => {
    if (!isConnected) return fail(toFirstHopError(error, way));
    const fault = toRequestError(error, peer);
    const isStale = fault.kind === "cut" && isReused && !isAnswered &&
      !(body instanceof Readable);
    fail(isStale ? new UnreachableError("stale", fault.message, { cause: error }) : fault);
  };

  signal.addEventListener("abort", abort, { once: true });
  outgoing.on("socket", (socket: Socket) => {
    isReused = markUsed(socket);
    isConnected = !socket.connecting;
    if (socket.connecting) socket.once("connect", () => isConnected = true);
  });
  outgoing.on("error", cut);
  outgoing.on("close", () => cut(new Error("the connection was closed")));
  outgoing.on("finish", () => {
    if (!isAnswered) expect("its answer", request.answerTimeoutMs);
  });
  outgoing.on("response", (incoming: IncomingMessage) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    isAnswered = true;
    expect("the rest of its answer", BODY_SILENCE_MS);
    incoming.on("error", cut);
    incoming.on("data", (chunk: Uint8Array) => {
      length += chunk.length;
      if (length > maxAnswerBytes) {
        const message = `Cannot take the answer of ${peer}: it is over ${maxAnswerBytes} bytes`;
        return fail(new LimitError("maxAnswerBytes", maxAnswerBytes, message));
      }
      chunks.push(chunk);
      expect("the rest of its answer", BODY_SILENCE_MS);
    });
    incoming.on("end", () => {
      if (isSettled) return;
      const isBodySent = outgoing.writableFinished;
      settle();
      if (!isBodySent) outgoing.destroy();
      resolve({
        status: incoming.statusCode ?? 0,
        headers: incoming.rawHeaders,
        body: Buffer.concat(chunks),
        isBodySent,
      });
    });
  });

  if (body instanceof Readable) {
    pumpBody(body, outgoing, {
      length: request.bodyLength,
      fail: (reason, cause) =>
        fail(new UnreachableError("body", `Cannot send a body: ${reason}`, { cause })),
    });
  } else if (body === null || body.length === 0) outgoing.end();
  else outgoing.end(body);
  return promise;
}
