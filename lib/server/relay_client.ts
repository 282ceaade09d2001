/**
 * The HTTP client for relays: which way a request takes, and what is kept between requests. It does
 * what fetch does not: exact header lists, a Content-Length with streams, back-pressure, and an
 * answer that comes before the request's body has ended.
 */

import type { Agent } from "node:http";
import type { SecureContext } from "node:tls";
import { type Clock, systemClock } from "../base/clock.ts";
import { ClosedError, toMessage } from "../base/errors.ts";
import { CONNECT_TIMEOUT_MS } from "../base/limits.ts";
import { headerValue } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";
import { destroyBody } from "../http/send_answer.ts";
import { type Proxy, proxyFor, type ProxySettings } from "./proxy_settings.ts";
import { createAgent } from "./connection_agent.ts";
import { openConnection, peerOf } from "./relay_connection.ts";
import { type OpenedGet, openGet, type RelayGet } from "./relay_get.ts";
import { type RelayAnswer, type RelayRequest, sendRequest, type Way } from "./relay_request.ts";
import { toAbortError, UnreachableError } from "../client/unreachable_error.ts";
import { createTrust } from "./trusted_certificates.ts";

export interface RelayClientOptions {
  readonly proxy: ProxySettings;
  /** PEM certificates to trust beside the system's and the bundled ones. */
  readonly extraCertificates: readonly string[];
  /** Default: the system's. */
  readonly clock?: Clock;
  /** For connecting, with proxy and TLS. Default: CONNECT_TIMEOUT_MS. */
  readonly connectTimeoutMs?: number;
}

/** How one origin is reached. */
interface Route {
  readonly agent: Agent;
  readonly proxy: Proxy | undefined;
}

/** Keeps connections to relays, until {@linkcode RelayClient.close}. */
export class RelayClient {
  readonly #proxy: ProxySettings;
  readonly #trust: () => SecureContext;
  readonly #clock: Clock;
  readonly #connectTimeoutMs: number;
  readonly #routes = new Map<string, Route>();
  readonly #inFlight = new Set<AbortController>();
  #isClosed = false;

  constructor(options: RelayClientOptions) {
    this.#proxy = options.proxy;
    this.#trust = createTrust(options.extraCertificates);
    this.#clock = options.clock ?? systemClock;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  }

  /**
   * Sends a request; resolves with the whole answer. Where that comes before the whole body was
   * sent, body and connection are destroyed. A body stream is never left open. A GET without a body
   * goes out once more where a kept connection turns out to be closed; nothing else is sent twice.
   *
   * @throws {UnreachableError}
   * @throws {LimitError} for an answer over `maxAnswerBytes`.
   */
  async request(request: RelayRequest): Promise<RelayAnswer> {
    try {
      return await this.#track(request.signal, (signal) => this.#send(request, signal));
    } finally {
      destroyBody(request.body);
    }
  }

  /**
   * Sends a GET whose answer is a stream, or another protocol; resolves with its head. Goes out once
   * more where a kept connection turns out to be closed.
   *
   * @throws {UnreachableError}
   */
  open(request: RelayGet): Promise<OpenedGet> {
    return this.#track(request.signal, async (signal) => {
      const way = this.#wayTo({ ...request, method: "GET", body: null, bodyLength: null }, signal);
      try {
        return await openGet(request, way);
      } catch (error) {
        if (!isStale(error)) throw error;
        destroyIdle(way.agent);
        return await openGet(request, way);
      }
    });
  }

  /** Runs `send` with a signal that aborts with the caller's, and when the client is closed. */
  async #track<T>(
    given: AbortSignal,
    send: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const controller = new AbortController();
    const abort = (): void => controller.abort(given.reason);
    given.addEventListener("abort", abort, { once: true });
    if (given.aborted) abort();
    if (this.#isClosed) controller.abort(closedError());
    this.#inFlight.add(controller);
    try {
      return await send(controller.signal);
    } finally {
      this.#inFlight.delete(controller);
      given.removeEventListener("abort", abort);
    }
  }

  /** Closes all connections; requests in flight, and later ones, fail as aborted. */
  close(): void {
    this.#isClosed = true;
    for (const controller of this.#inFlight) controller.abort(closedError());
    for (const { agent } of this.#routes.values()) agent.destroy();
  }

  async #send(request: RelayRequest, signal: AbortSignal): Promise<RelayAnswer> {
    const way = this.#wayTo(request, signal);
    try {
      return await sendRequest(request, way);
    } catch (error) {
      if (!isStale(error) || request.method !== "GET") throw error;
      destroyIdle(way.agent);
      return await sendRequest(request, way);
    }
  }

  /** @throws {UnreachableError} */
  #wayTo(
    request: Pick<RelayRequest, "url" | "method" | "headers" | "body" | "bodyLength">,
    signal: AbortSignal,
  ): Way {
    const { url } = request;
    const peer = peerOf(url);
    if (signal.aborted) throw toAbortError(signal.reason, peer);
    const { agent, proxy } = this.#route(url);
    // RFC 9112 §3.2.2: a proxy reads plain http itself, and wants the absolute form.
    const forwarder = url.protocol === "http:" ? proxy : undefined;
    const path = `${url.pathname}${url.search}`;
    return {
      agent,
      target: forwarder === undefined ? path : `${url.origin}${path}`,
      headers: completeHeaders(request, forwarder?.authorization),
      signal,
      clock: this.#clock,
      peer,
      proxyAddress: proxy?.address,
    };
  }

  #route(url: URL): Route {
    const known = this.#routes.get(url.origin);
    if (known !== undefined) return known;
    const proxy = this.#proxyFor(url);
    const relay = new URL(url.origin);
    const agent = createAgent((signal) =>
      openConnection(relay, {
        proxy,
        trust: this.#trust,
        clock: this.#clock,
        timeoutMs: this.#connectTimeoutMs,
        signal,
      })
    );
    const route = { agent, proxy };
    this.#routes.set(url.origin, route);
    return route;
  }

  #proxyFor(url: URL): Proxy | undefined {
    try {
      return proxyFor(url, this.#proxy);
    } catch (cause) {
      throw new UnreachableError("proxy", toMessage(cause), { cause });
    }
  }
}

function completeHeaders(
  request: Pick<RelayRequest, "url" | "method" | "headers" | "body" | "bodyLength">,
  authorization: string | undefined,
): RawHeaders {
  const { url, headers, body, bodyLength } = request;
  const complete = [...headers];
  // RFC 9110 §7.2: Host comes first.
  if (headerValue(headers, "host") === undefined) complete.unshift("Host", url.host);
  if (authorization !== undefined) complete.push("Proxy-Authorization", authorization);
  if (body === null || body instanceof Uint8Array) {
    const length = body?.length ?? 0;
    if (length > 0 || request.method === "POST") complete.push("Content-Length", String(length));
  } else if (bodyLength === null) complete.push("Transfer-Encoding", "chunked");
  else complete.push("Content-Length", String(bodyLength));
  return complete;
}

function isStale(error: unknown): boolean {
  return error instanceof UnreachableError && error.kind === "stale";
}

/** Where one kept connection is found closed, the others are likely to be. */
function destroyIdle(agent: Agent): void {
  for (const sockets of Object.values(agent.freeSockets)) {
    for (const socket of sockets ?? []) socket.destroy();
  }
}

function closedError(): ClosedError {
  return new ClosedError("The relay client was closed");
}
