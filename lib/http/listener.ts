/**
 * The HTTP engine: node:http's server behind the seam of message.ts. It checks what must hold for
 * every request (RFC 9112 §3.2, RFC 9110 §9), frames answers, and bounds heads, connections and
 * silences; what a request means is the handler's business.
 */

import { type IncomingMessage, type Server, ServerResponse } from "node:http";
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
} from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { Connection } from "./connection.ts";
import { createEngine, Handshakes, replaceIdentity, type TlsIdentity } from "./engine.ts";
import { type Observed, type ObserveExchange, observeExchange } from "./exchange_observer.ts";
import { type ListenAddress, toListenMessage, toListenUrl } from "./listen_address.ts";
import type { Handler, HttpAnswer } from "./message.ts";
import { NodeRequest } from "./node_request.ts";
import { type Refusal, toParserRefusal } from "./parser_refusal.ts";
import { ProxiedAcceptor, type ProxiedAcceptorOptions } from "./proxied_acceptor.ts";
import { checkRequest, toRefusalAnswer, toRefusalBytes } from "./request_check.ts";
import { destroyBody, sendAnswer } from "./send_answer.ts";
import { SilenceWatch } from "./silence_watch.ts";
import { ConnectionBody, switchProtocols } from "./switched_connection.ts";
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
  /**
   * Whether handlers are shown that a peer asks to switch to this protocol (in lower case); where
   * it is false, the request is served as if it had not asked (RFC 9110 §7.8). Default: never.
   */
  readonly allowsUpgrade?: ((protocol: string) => boolean) | undefined;
  /**
   * Peers whose every connection begins with a PROXY header, which tells its real address. Not
   * together with `tls`, whose engine would miss what came with the header. Default: none.
   */
  readonly proxyProtocol?: Pick<ProxiedAcceptorOptions, "isTrusted"> | undefined;
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
  readonly #acceptor: ProxiedAcceptor | undefined;
  readonly #connections = new Map<Socket, Connection>();
  #isClosing = false;

  /** @throws {TypeError} for options that exclude each other. */
  constructor(options: ListenerOptions) {
    if (options.tls !== undefined && options.proxyProtocol !== undefined) {
      throw new TypeError("Cannot take PROXY headers: not before TLS");
    }
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
      shouldUpgradeCallback: (incoming) => canUpgrade(incoming, options.allowsUpgrade),
    }, options.tls);
    this.#server.maxConnections = this.#limits.maxConnections;
    this.#server.on("connection", (socket: Socket) => {
      if (this.#scheme === "http") this.#connectionOf(socket);
      else this.#handshakes.add(socket);
    });
    this.#server.on("secureConnection", (socket: Socket) => void this.#connectionOf(socket));
    const serve = (incoming: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(incoming, () => response);
    this.#server.on("request", serve);
    this.#server.on("upgrade", (incoming: IncomingMessage, socket: Socket, head: Uint8Array) => {
      const comes = new ConnectionBody(socket, head);
      void this.#serve(incoming, () => openResponse(incoming, socket), comes);
    });
    // Same path: the 100 goes out when the handler begins to read, and others are refused.
    this.#server.on("checkContinue", serve);
    this.#server.on("checkExpectation", serve);
    this.#server.on("connect", (_incoming: IncomingMessage, socket: Socket) => {
      this.#refuseOn(socket, { status: 405, reason: "CONNECT is not served here" });
    });
    this.#server.on("clientError", (error: Error, socket: Socket) => {
      this.#refuseBytes(error, socket);
    });
    this.#acceptor = options.proxyProtocol && new ProxiedAcceptor(this.#server, {
      ...options.proxyProtocol,
      timeoutMs: this.#limits.headersTimeoutMs,
      clock: options.clock,
      log: options.log,
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
      this.#acceptor?.destroyAll();
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

  /**
   * Never rejects: a fault in here costs one connection. `comes` is what comes on a connection whose
   * peer asks to switch protocols.
   */
  async #serve(
    incoming: IncomingMessage,
    openResponse: () => ServerResponse,
    comes?: ConnectionBody,
  ): Promise<void> {
    const connection = this.#connectionOf(incoming.socket);
    if (!await connection.takeTurn()) return;
    const response = openResponse();
    // Without a listener a failed write would end the process; the close event tells all we need.
    response.on("error", () => {});
    const request = new NodeRequest(incoming, response, comes);
    const takeRest = once(() => this.#takeRest(incoming, request));
    connection.watch({
      isWaitingForPeer: () => request.isWanting || response.writableLength > 0,
    });
    // RFC 9112 §9.6: who ends its side before it has its answer has left, if it wanted to switch.
    const leave = (): void => connection.cut();
    if (comes !== undefined) incoming.socket.once("end", leave);
    response.once("close", () => {
      connection.endTurn();
      if (connection.isSpent) connection.socket.destroy();
      if (!incoming.complete) void this.#dropRest(incoming, takeRest);
    });
    const observed = observeExchange(request, this.#observe);
    const refusal = checkRequest(request);
    const answer = refusal === undefined ? await this.#handle(request) : toRefusalAnswer(refusal);
    incoming.socket.off("end", leave);
    observed.answered(answer.status);
    try {
      if (comes !== undefined && answer.status === 101) {
        return this.#switch({ connection, request, response, comes, answer, sent: observed.sent });
      }
      sendAnswer(response, answer, {
        isHead: request.method === "HEAD",
        closesConnection: this.#isClosing || request.isLeftUnread || refusal !== undefined ||
          connection.isAtLast || comes !== undefined,
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

  #switch(
    { connection, request, response, comes, answer, sent }: {
      readonly connection: Connection;
      readonly request: NodeRequest;
      readonly response: ServerResponse;
      readonly comes: ConnectionBody;
      readonly answer: HttpAnswer;
      readonly sent: Observed["sent"];
    },
  ): void {
    const { socket } = connection;
    if (socket.destroyed) return void destroyBody(answer.body);
    // From here on it is the connection's end that ends the exchange.
    response.detachSocket(socket);
    const switched = switchProtocols(socket, answer, {
      comes,
      cut: () => connection.cut(),
      sent,
      log: this.#log,
    });
    connection.watch(switched);
    socket.once("close", () => request.finish(switched.isWhole() ? "delivered" : "cut"));
    void request.finished.then(() => response.destroy());
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

/**
 * For a request whose connection node:http has let go, because its peer asks to switch; not before
 * the answers to those before it have been sent.
 */
function openResponse(incoming: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(incoming);
  response.assignSocket(socket);
  response.once("finish", () => socket.end());
  return response;
}

/** RFC 9110 §7.8: only what is allowed here, and only where no body is in the way. */
function canUpgrade(
  incoming: IncomingMessage,
  allows: ((protocol: string) => boolean) | undefined,
): boolean {
  const { upgrade, "content-length": length, "transfer-encoding": coding } = incoming.headers;
  return allows !== undefined && upgrade !== undefined && incoming.method === "GET" &&
    incoming.httpVersion === "1.1" && coding === undefined && (length ?? "0") === "0" &&
    allows(upgrade.toLowerCase());
}
