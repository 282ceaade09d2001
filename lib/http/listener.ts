/**
 * The HTTP engine: node:http's server behind the seam of message.ts. It checks what must hold for
 * every request (RFC 9112 §3.2, RFC 9110 §9), frames answers, and bounds heads, connections and
 * silences; what a request means is the handler's business.
 */

import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Buffer } from "node:buffer";
import type { Clock } from "../base/clock.ts";
import { toMessage } from "../base/errors.ts";
import {
  BODY_SILENCE_MS,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  LINGER_MS,
  MAX_CONNECTIONS,
  MAX_HEAD_BYTES,
  MAX_HEADER_COUNT,
  MAX_TARGET_BYTES,
} from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { Connection } from "./connection.ts";
import { createEngine, Handshakes, replaceIdentity, type TlsIdentity } from "./engine.ts";
import { type ObserveExchange, observeExchange } from "./exchange_observer.ts";
import { headerPairs, headerValue, headerValues } from "./headers.ts";
import { isAuthority } from "./host.ts";
import { type ListenAddress, toListenMessage, toListenUrl } from "./listen_address.ts";
import type { Handler, HttpAnswer } from "./message.ts";
import { NodeRequest } from "./node_request.ts";
import { type Refusal, toParserRefusal } from "./parser_refusal.ts";
import { destroyBody, sendAnswer } from "./send_answer.ts";
import { SilenceWatch } from "./silence_watch.ts";
import { textAnswer } from "./text_answer.ts";

/** Bounds of one listener; the defaults are those of base/limits.ts. */
export interface ListenerLimits {
  readonly maxConnections: number;
  readonly headersTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly bodySilenceMs: number;
  readonly lingerMs: number;
}

export const DEFAULT_LISTENER_LIMITS: ListenerLimits = {
  maxConnections: MAX_CONNECTIONS,
  headersTimeoutMs: HEADERS_TIMEOUT_MS,
  keepAliveTimeoutMs: KEEP_ALIVE_TIMEOUT_MS,
  bodySilenceMs: BODY_SILENCE_MS,
  lingerMs: LINGER_MS,
};

export interface ListenerOptions {
  readonly handler: Handler;
  readonly log: Logger;
  readonly clock: Clock;
  readonly limits?: Partial<ListenerLimits>;
  /** For https; default: http. */
  readonly tls?: TlsIdentity | undefined;
  /** Told of every exchange, those too that no handler sees; default: nobody is. */
  readonly observe?: ObserveExchange | undefined;
}

export class Listener {
  readonly #handler: Handler;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #limits: ListenerLimits;
  readonly #server: Server;
  readonly #scheme: "http" | "https";
  readonly #observe: ObserveExchange | undefined;
  readonly #silence: SilenceWatch;
  readonly #handshakes = new Handshakes();
  readonly #connections = new Map<Socket, Connection>();
  #isClosing = false;

  constructor(options: ListenerOptions) {
    this.#handler = options.handler;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#limits = { ...DEFAULT_LISTENER_LIMITS, ...options.limits };
    this.#silence = new SilenceWatch(options.clock, this.#limits.bodySilenceMs);
    this.#scheme = options.tls === undefined ? "http" : "https";
    this.#observe = options.observe;
    this.#server = createEngine({
      maxHeaderSize: MAX_HEAD_BYTES,
      headersTimeout: this.#limits.headersTimeoutMs,
      // node:http's own is a total that includes the body: a long upload would die of it.
      requestTimeout: 0,
      keepAliveTimeout: this.#limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, Math.ceil(this.#limits.headersTimeoutMs / 4)),
      noDelay: true,
    }, options.tls);
    this.#server.maxConnections = this.#limits.maxConnections;
    this.#server.on("connection", (socket: Socket) => {
      if (this.#scheme === "http") this.#connectionOf(socket);
      else this.#handshakes.add(socket);
    });
    this.#server.on("secureConnection", (socket: Socket) => void this.#connectionOf(socket));
    const serve = (incoming: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(incoming, response);
    this.#server.on("request", serve);
    // Same path: the 100 goes out when the handler begins to read, and others are refused.
    this.#server.on("checkContinue", serve);
    this.#server.on("checkExpectation", serve);
    this.#server.on("connect", (_incoming: IncomingMessage, socket: Socket) => {
      this.#refuseOn(socket, { status: 405, reason: "CONNECT is not served here" });
    });
    this.#server.on("clientError", (error: Error, socket: Socket) => {
      this.#refuseBytes(error, socket);
    });
  }

  /** Opens the port; resolves with the address that is really listened on. */
  start(address: ListenAddress): Promise<ListenAddress> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error & { code?: string }): void => {
        const message = toListenMessage(toListenUrl(address, this.#scheme), error);
        reject(new Error(message, { cause: error }));
      };
      this.#server.once("error", fail);
      this.#server.listen(address.port, address.host, () => {
        this.#server.off("error", fail);
        this.#server.on("error", (error: Error) => {
          this.#log.error("Listener failed", { reason: toMessage(error) });
        });
        const { port } = this.#server.address() as AddressInfo;
        resolve({ host: address.host, port });
      });
    });
  }

  /** Shows another certificate on connections to come; only for a listener that has one. */
  replaceTls(tls: TlsIdentity): void {
    replaceIdentity(this.#server, tls);
  }

  /**
   * Takes no new connections, lets exchanges in flight end, and cuts what is left once `signal`
   * aborts. Resolves when every connection is closed.
   */
  close(signal: AbortSignal): Promise<void> {
    this.#isClosing = true;
    return new Promise((resolve) => {
      const cut = (): void => {
        for (const connection of this.#connections.values()) connection.cut();
      };
      this.#server.close(() => {
        signal.removeEventListener("abort", cut);
        resolve();
      });
      this.#handshakes.destroyAll();
      // The engine's own notion of idle leaves out connections that have sent nothing yet.
      for (const { isIdle, socket } of this.#connections.values()) if (isIdle) socket.destroy();
      if (signal.aborted) cut();
      else signal.addEventListener("abort", cut, { once: true });
    });
  }

  #connectionOf(socket: Socket): Connection {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    const connection = new Connection(socket, this.#handshakes.take(socket));
    this.#connections.set(socket, connection);
    this.#silence.add(connection);
    socket.once("close", () => {
      this.#connections.delete(socket);
      this.#silence.remove(connection);
    });
    return connection;
  }

  /** Never rejects: a fault in here costs one connection. */
  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    // Without a listener a failed write would end the process; the close event tells all we need.
    response.on("error", () => {});
    const connection = this.#connectionOf(incoming.socket);
    if (!await connection.takeTurn()) return;
    const request = new NodeRequest(incoming, response);
    const takeRest = once(() => this.#takeRest(incoming, request));
    connection.watch({ request, response });
    response.once("close", () => {
      connection.endTurn();
      if (connection.isSpent) connection.socket.destroy();
      if (!incoming.complete) void this.#dropRest(incoming, takeRest);
    });
    const observed = observeExchange(request, this.#observe);
    const refusal = toRefusal(request);
    const answer = refusal === undefined ? await this.#handle(request) : toAnswer(refusal);
    observed.answered(answer.status);
    const isLeftUnread = request.body !== null && !incoming.complete && !request.body.isBeingRead;
    try {
      sendAnswer(response, answer, {
        isHead: request.method === "HEAD",
        closesConnection: this.#isClosing || isLeftUnread || refusal !== undefined ||
          connection.isAtLast,
        requestTaken: () => takeRest(),
        cut: () => connection.cut(),
        sent: observed.sent,
        log: this.#log,
      });
    } catch (error) {
      // A head that cannot be written: a fault of ours.
      this.#log.error("Answer cannot be sent", { reason: toMessage(error) });
      destroyBody(answer.body);
      connection.cut();
    }
  }

  async #handle(request: NodeRequest): Promise<HttpAnswer> {
    try {
      return await this.#handler(request);
    } catch (error) {
      this.#log.error("Handler failed", { reason: toMessage(error), target: request.target });
      return textAnswer(500, "Internal error");
    }
  }

  /** After an answer that came before the end of its request: that cannot go on for ever. */
  async #dropRest(incoming: IncomingMessage, takeRest: () => Promise<void>): Promise<void> {
    await takeRest();
    if (!incoming.complete) incoming.socket.destroy();
  }

  /** Reads and drops what is left of a request, for a while. */
  #takeRest(incoming: IncomingMessage, request: NodeRequest): Promise<void> {
    request.body?.destroy();
    if (incoming.complete || incoming.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#clock.clear(timer);
        incoming.off("end", done);
        incoming.off("close", done);
        resolve();
      };
      const timer = this.#clock.after(this.#limits.lingerMs, done);
      incoming.on("end", done);
      incoming.on("close", done);
      incoming.resume();
    });
  }

  /** The parser gave up: the connection is out of step, so the next answer is its last. */
  #refuseBytes(error: Error & { code?: string; rawPacket?: Uint8Array }, socket: Socket): void {
    if (this.#scheme === "https" && !this.#connections.has(socket)) {
      // The handshake failed, or took too long.
      this.#handshakes.take(socket)?.destroy();
      socket.destroy();
      return;
    }
    const connection = this.#connectionOf(socket);
    if (!socket.writable || error.code === "ECONNRESET") {
      socket.destroy();
    } else if (connection.isIdle) {
      const head = Buffer.from(error.rawPacket ?? new Uint8Array()).toString("latin1");
      this.#refuseOn(socket, toParserRefusal(error.code ?? "", head));
    } else {
      // What came before is still being answered, and shall be.
      connection.break();
    }
  }

  /** Answers where the engine has no response object, and ends the connection. */
  #refuseOn(socket: Socket, refusal: Refusal): void {
    // After CONNECT the engine has taken its listeners off; a reset would end the process.
    socket.on("error", () => {});
    // A peer that keeps its side open is not waited for.
    const timer = this.#clock.after(this.#limits.lingerMs, () => socket.destroy());
    socket.once("close", () => this.#clock.clear(timer));
    socket.resume();
    socket.end(toRefusalBytes(refusal));
  }
}

/** Runs `start` at the first call; further calls get the same promise. */
function once(start: () => Promise<void>): () => Promise<void> {
  let promise: Promise<void> | undefined;
  return () => promise ??= start();
}

/** What no handler may ever see (RFC 9112 §3.2, §6.1, RFC 9110 §9.3.8, §10.1.1). */
function toRefusal(request: NodeRequest): Refusal | undefined {
  const hosts = headerValues(request.headers, "host");
  if (hosts.length > 1 || !isAuthority(hosts[0] ?? "")) {
    return { status: 400, reason: "The Host field is not valid" };
  }
  if (request.target.length > MAX_TARGET_BYTES) {
    return { status: 414, reason: `The target is longer than ${MAX_TARGET_BYTES} bytes` };
  }
  if (request.headers.length > 2 * MAX_HEADER_COUNT) {
    return { status: 431, reason: `There are more than ${MAX_HEADER_COUNT} header fields` };
  }
  const coding = headerValues(request.headers, "transfer-encoding").join(",").toLowerCase();
  if (coding !== "" && request.httpVersion === "1.0") {
    // RFC 9112 §6.1: the framing is faulty, whatever the parser made of it.
    return { status: 400, reason: "HTTP/1.0 has no Transfer-Encoding" };
  }
  if (coding !== "" && coding.trim() !== "chunked") {
    return { status: 501, reason: "Only the transfer coding chunked is known here" };
  }
  const expectation = headerValue(request.headers, "expect")?.toLowerCase();
  if (expectation !== undefined && expectation !== "100-continue") {
    return { status: 417, reason: "The expectation is not known here" };
  }
  if (request.method === "TRACE") {
    return { status: 405, reason: "TRACE is not served here" };
  }
  return undefined;
}

function toAnswer({ status, reason }: Refusal): HttpAnswer & { readonly body: Uint8Array } {
  // RFC 9110 §15.5.6: a 405 names what is allowed.
  return textAnswer(status, reason, status === 405 ? ["Allow", "GET, HEAD, OPTIONS"] : []);
}

function toRefusalBytes(refusal: Refusal): Uint8Array {
  const { status, headers, body } = toAnswer(refusal);
  const fields = [
    ...headers,
    ...["Content-Length", String(body.length), "Date", new Date().toUTCString()],
    ...["Connection", "close"],
  ];
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n`;
  for (const [name, value] of headerPairs(fields)) head += `${name}: ${value}\r\n`;
  return Buffer.concat([Buffer.from(`${head}\r\n`, "latin1"), body]);
}
