/**
 * The HTTP client for relays: which way a request takes, and what is kept between requests. It does
 * what fetch does not: exact header lists, a Content-Length with streams, back-pressure, and an
 * answer that comes before the request's body has ended.
 */

import type { SecureContext } from "node:tls";
import { type Clock, systemClock } from "../base/clock.ts";
import { toMessage } from "../base/errors.ts";
import { CONNECT_TIMEOUT_MS, IDLE_CONNECTION_MS } from "../base/limits.ts";
import type { ClientAnswer, ClientExchange } from "../client/client_exchange.ts";
import { ConnectionPool } from "../client/connection_pool.ts";
import { UnreachableError } from "../client/unreachable_error.ts";
import { headerValue } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";
import { destroyBody } from "../http/send_answer.ts";
import { type Proxy, proxyFor, type ProxySettings } from "./proxy_settings.ts";
import { openConnection, peerOf } from "./relay_connection.ts";
import {
  readAnswer,
  type RelayAnswer,
  type RelayGet,
  type RelayRequest,
  sendForHead,
  type Way,
} from "./relay_request.ts";
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

/** How one relay is reached. */
interface Route extends Way {
  readonly proxy: Proxy | undefined;
}

/** What all requests have in common. */
type AnyRequest = Omit<RelayRequest, "maxAnswerBytes"> & Pick<RelayGet, "allowsSwitch">;

/** Keeps connections to relays, until {@linkcode RelayClient.close}. */
export class RelayClient {
  readonly #proxy: ProxySettings;
  readonly #trust: () => SecureContext;
  readonly #clock: Clock;
  readonly #connectTimeoutMs: number;
  readonly #routes = new Map<string, Route>();
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
      const route = this.#routeTo(request.url);
      const { exchange, answer } = await this.#send(request, route);
      const { status, headers } = answer;
      const body = await readAnswer(answer.body, request.maxAnswerBytes, route);
      return { status, headers, body, isBodySent: exchange.isSent };
    } finally {
      destroyBody(request.body);
    }
  }

  /**
   * Sends a GET whose answer may be long, or another protocol; resolves with its head. Goes out once
   * more where a kept connection turns out to be closed.
   *
   * @throws {UnreachableError}
   */
  async open(request: RelayGet): Promise<ClientAnswer> {
    const get = { ...request, method: "GET", body: null, bodyLength: null } as const;
    const { answer } = await this.#send(get, this.#routeTo(request.url));
    return answer;
  }

  /** Closes all connections; requests in flight, and later ones, fail as aborted. */
  close(): void {
    this.#isClosed = true;
    for (const { pool } of this.#routes.values()) pool.close();
  }

  async #send(
    request: AnyRequest,
    route: Route,
  ): Promise<{ readonly exchange: ClientExchange; readonly answer: ClientAnswer }> {
    const { method, url, body, bodyLength, signal, answerTimeoutMs, allowsSwitch } = request;
    // RFC 9112 §3.2.2: a proxy reads plain http itself, and wants the absolute form.
    const forwarder = url.protocol === "http:" ? route.proxy : undefined;
    const path = `${url.pathname}${url.search}`;
    const outgoing = {
      method,
      target: forwarder === undefined ? path : `${url.origin}${path}`,
      headers: completeHeaders(request, forwarder?.authorization),
      body,
      length: bodyLength,
      allowsSwitch: allowsSwitch ?? false,
      signal,
    };
    try {
      return await sendForHead(outgoing, answerTimeoutMs, route);
    } catch (error) {
      const isStale = error instanceof UnreachableError && error.kind === "stale";
      if (!isStale || method !== "GET") throw error;
      // Where one kept connection is found closed, the others are likely to be.
      route.pool.closeIdle();
      return await sendForHead(outgoing, answerTimeoutMs, route);
    }
  }

  /** @throws {UnreachableError} */
  #routeTo(url: URL): Route {
    const known = this.#routes.get(url.origin);
    if (known !== undefined) return known;
    const peer = peerOf(url);
    if (this.#isClosed) throw new UnreachableError("aborted", `Gave up a request to ${peer}`);
    const proxy = this.#proxyFor(url);
    const relay = new URL(url.origin);
    const clock = this.#clock;
    const pool = new ConnectionPool({
      open: (signal) =>
        openConnection(relay, {
          proxy,
          trust: this.#trust,
          clock,
          timeoutMs: this.#connectTimeoutMs,
          signal,
        }),
      idleMs: IDLE_CONNECTION_MS,
      clock,
      peer,
    });
    const route: Route = { pool, clock, peer, proxy };
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
  request: AnyRequest,
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
