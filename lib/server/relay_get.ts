/**
 * A GET from a relay whose answer is a stream, or another protocol on the same connection. Which way
 * it takes is for {@linkcode RelayClient} to say.
 */

import { type IncomingMessage, request as openRequest } from "node:http";
import type { Socket } from "node:net";
import type { Timer } from "../base/clock.ts";
import { headerPairs } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";
import type { AgentOptions } from "./connection_agent.ts";
import { markUsed, type Way } from "./relay_request.ts";
import {
  toAbortError,
  toFirstHopError,
  toRequestError,
  UnreachableError,
} from "../client/unreachable_error.ts";

export interface RelayGet {
  /** Absolute, http or https. */
  readonly url: URL;
  /** Sent as they stand, each name once. Host, where missing, and Connection are added. */
  readonly headers: RawHeaders;
  /** Ends everything, and the connection, until the answer's head is there. */
  readonly signal: AbortSignal;
  /** Longest time from the request to the head of its answer, in ms; 0 for none. */
  readonly answerTimeoutMs: number;
}

/** What came; all of it is the caller's to read to the end or destroy. */
export type OpenedGet =
  /** An answer; destroying its body ends the connection, else it is kept for the next request. */
  | {
    readonly kind: "answer";
    readonly status: number;
    readonly headers: RawHeaders;
    readonly body: IncomingMessage;
  }
  /** The connection speaks another protocol now; `head` is what came of that already. */
  | {
    readonly kind: "switched";
    readonly headers: RawHeaders;
    readonly socket: Socket;
    readonly head: Uint8Array;
  };

/**
 * Sends a GET, and resolves with the head of its answer.
 *
 * @throws {UnreachableError}
 */
export function openGet(request: RelayGet, way: Way): Promise<OpenedGet> {
  const { signal, clock, peer } = way;
  if (signal.aborted) return Promise.reject(toAbortError(signal.reason, peer));
  const { promise, resolve, reject } = Promise.withResolvers<OpenedGet>();
  const options: AgentOptions = {
    agent: way.agent,
    method: "GET",
    path: way.target,
    headers: Object.fromEntries(headerPairs(way.headers)),
    connectSignal: signal,
  };
  const outgoing = openRequest(options);
  let timer: Timer | undefined;
  let isSettled = false;
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
  const cut = (error: unknown): void => {
    if (!isConnected) return fail(toFirstHopError(error, way));
    const fault = toRequestError(error, peer);
    const isStale = fault.kind === "cut" && isReused;
    fail(isStale ? new UnreachableError("stale", fault.message, { cause: error }) : fault);
  };

  signal.addEventListener("abort", abort, { once: true });
  if (request.answerTimeoutMs > 0) {
    timer = clock.after(request.answerTimeoutMs, () => {
      const seconds = request.answerTimeoutMs / 1000;
      const message = `Cannot complete a request to ${peer}: its answer took over ${seconds} s`;
      fail(new UnreachableError("timeout", message));
    });
  }
  outgoing.on("socket", (socket: Socket) => {
    isReused = markUsed(socket);
    isConnected = !socket.connecting;
    if (socket.connecting) socket.once("connect", () => isConnected = true);
  });
  outgoing.on("error", cut);
  outgoing.on("close", () => cut(new Error("the connection was closed")));
  outgoing.on("response", (incoming: IncomingMessage) => {
    // It may be cut before or after anybody listens; that must not end the process.
    incoming.on("error", () => {});
    if (isSettled) return void incoming.destroy();
    settle();
    resolve({
      kind: "answer",
      status: incoming.statusCode ?? 0,
      headers: incoming.rawHeaders,
      body: incoming,
    });
  });
  outgoing.on("upgrade", (incoming: IncomingMessage, socket: Socket, head: Uint8Array) => {
    socket.on("error", () => {});
    if (isSettled) return void socket.destroy();
    settle();
    resolve({ kind: "switched", headers: incoming.rawHeaders, socket, head });
  });
  outgoing.end();
  return promise;
}
