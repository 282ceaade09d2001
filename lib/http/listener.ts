/**
 * The HTTP engine: an HTTP/1.1 server of our own behind the seam of message.ts. It checks what must
 * hold for every request (RFC 9112 §3.2, RFC 9110 §9), frames answers, and bounds heads, connections
 * and silences; what a request means is the handler's business.
 */

import type { AddressInfo, Server, Socket } from "node:net";
import { Chain } from "../base/chain.ts";
import type { Clock } from "../base/clock.ts";
import { toMessage } from "../base/errors.ts";
import {
  BODY_SILENCE_MS,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_TIMEOUT_MS,
  LINGER_MS,
  LISTEN_BACKLOG,
  MAX_CONNECTIONS,
  MAX_CONNECTIONS_PER_ADDRESS,
  REPEATED_LOG_MS,
} from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { unmapAddress } from "../base/network.ts";
import { Admission } from "./admission.ts";
import { Connection, type ConnectionContext } from "./connection.ts";
import type { ObserveExchange } from "./exchange_observer.ts";
import { type ListenAddress, toListenMessage, toListenUrl } from "./listen_address.ts";
import type { Handler } from "./message.ts";
import { ProxiedAcceptor, type ProxiedAcceptorOptions } from "./proxied_acceptor.ts";
import { SilenceWatch } from "./silence_watch.ts";
import { createTransport, Handshakes, replaceIdentity, type TlsIdentity } from "./transport.ts";

/** Bounds of one listener; the defaults are those of base/limits.ts. */
export interface ListenerLimits {
  readonly maxConnections: number;
  /** Of one address, or one /64 of IPv6. */
  readonly maxConnectionsPerAddress: number;
  readonly headersTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  readonly bodySilenceMs: number;
  readonly lingerMs: number;
}

export const DEFAULT_LISTENER_LIMITS: ListenerLimits = {
  maxConnections: MAX_CONNECTIONS,
  maxConnectionsPerAddress: MAX_CONNECTIONS_PER_ADDRESS,
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
  /** Peers through which many come, and whose connections are not counted; default: none. */
  readonly isProxy?: ((address: string) => boolean) | undefined;
  /**
   * Peers whose every connection begins with a PROXY header, which tells its real address. Not
   * together with `tls`, whose engine would miss what came with the header. Default: none.
   */
  readonly proxyProtocol?: Pick<ProxiedAcceptorOptions, "isTrusted"> | undefined;
}

export class Listener {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #server: Server;
  readonly #scheme: "http" | "https";
  readonly #context: ConnectionContext;
  /** Whom a head, another request, or a body and its reader are waited for. */
  readonly #watches: {
    readonly head: SilenceWatch;
    readonly idle: SilenceWatch;
    readonly body: SilenceWatch;
  };
  readonly #handshakes = new Handshakes();
  readonly #admission: Admission;
  readonly #maxPerAddress: number;
  /** When it was last logged that an address has too many. */
  #crowdedAt = -Infinity;
  readonly #acceptor: ProxiedAcceptor | undefined;
  readonly #connections = new Chain<Connection>();
  #isClosing = false;

  /** @throws {TypeError} for options that exclude each other. */
  constructor(options: ListenerOptions) {
    const { log, clock, tls, proxyProtocol } = options;
    if (tls !== undefined && proxyProtocol !== undefined) {
      throw new TypeError("Cannot take PROXY headers: not before TLS");
    }
    const limits = { ...DEFAULT_LISTENER_LIMITS, ...options.limits };
    this.#log = log;
    this.#clock = clock;
    this.#maxPerAddress = limits.maxConnectionsPerAddress;
    this.#admission = new Admission({
      max: limits.maxConnectionsPerAddress,
      isExempt: options.isProxy ?? (() => false),
    });
    this.#scheme = tls === undefined ? "http" : "https";
    this.#watches = {
      head: new SilenceWatch(clock, limits.headersTimeoutMs),
      idle: new SilenceWatch(clock, limits.keepAliveTimeoutMs),
      body: new SilenceWatch(clock, limits.bodySilenceMs),
    };
    this.#context = {
      handler: options.handler,
      log,
      clock,
      observe: options.observe,
      allowsUpgrade: options.allowsUpgrade,
      lingerMs: limits.lingerMs,
      isClosing: () => this.#isClosing,
    };
    this.#acceptor = proxyProtocol && new ProxiedAcceptor({
      ...proxyProtocol,
      accept: ({ socket, remoteAddress, early }) => {
        if (!this.#admit(socket, remoteAddress)) return;
        const connection = this.#accept(socket, socket, remoteAddress);
        if (early.length > 0) connection.push(early);
      },
      timeoutMs: limits.headersTimeoutMs,
      clock,
      log,
    });
    this.#server = createTransport(tls, limits.headersTimeoutMs);
    this.#server.maxConnections = limits.maxConnections;
    if (tls === undefined) this.#takePlain(this.#acceptor);
    else this.#takeSecure();
  }

  /** Opens the port; resolves with the address that is really listened on. */
  start(address: ListenAddress): Promise<ListenAddress> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error & { code?: string }): void => {
        const message = toListenMessage(toListenUrl(address, this.#scheme), error);
        reject(new Error(message, { cause: error }));
      };
      this.#server.once("error", fail);
      this.#server.listen({ ...address, backlog: LISTEN_BACKLOG }, () => {
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
        for (const { value } of this.#connections.links()) value.cut();
      };
      this.#server.close(() => {
        signal.removeEventListener("abort", cut);
        resolve();
      });
      this.#handshakes.destroyAll();
      this.#acceptor?.destroyAll();
      for (const { value: { isIdle, socket } } of this.#connections.links()) {
        if (isIdle) socket.destroy();
      }
      if (signal.aborted) cut();
      else signal.addEventListener("abort", cut, { once: true });
    });
  }

  #takePlain(acceptor: ProxiedAcceptor | undefined): void {
    this.#server.on("connection", (socket: Socket) => {
      if (acceptor !== undefined) return acceptor.take(socket);
      const { remoteAddress } = socket;
      if (this.#admit(socket, remoteAddress)) this.#accept(socket, socket, remoteAddress);
    });
  }

  #takeSecure(): void {
    this.#server.on("connection", (transport: Socket) => {
      // Between two owners as well, a reset must not end the process.
      transport.on("error", () => {});
      if (!this.#admit(transport, transport.remoteAddress)) return;
      transport.setNoDelay(true);
      this.#handshakes.add(transport);
    });
    this.#server.on("secureConnection", (socket: Socket) => {
      this.#accept(socket, this.#handshakes.take(socket) ?? socket, socket.remoteAddress);
    });
    this.#server.on("tlsClientError", (_error: Error, socket: Socket) => {
      // The handshake failed, or took too long.
      this.#handshakes.take(socket)?.destroy();
      socket.destroy();
    });
  }

  /** Whether there is room for one more of this address; if not, it is closed. */
  #admit(socket: Socket, address = ""): boolean {
    // Reset before it was accepted: nobody is there.
    if (address === "") {
      socket.destroy();
      return false;
    }
    const release = this.#admission.admit(address);
    if (release !== undefined) {
      socket.once("close", release);
      return true;
    }
    socket.destroy();
    const now = this.#clock.monotonic();
    if (now - this.#crowdedAt >= REPEATED_LOG_MS) {
      this.#crowdedAt = now;
      const fields = { peer: unmapAddress(address), most: this.#maxPerAddress };
      this.#log.warn("Connections closed: too many from one address", fields);
    }
    return false;
  }

  #accept(socket: Socket, transport: Socket, address: string | undefined): Connection {
    const connection = new Connection(socket, {
      transport,
      remoteAddress: unmapAddress(address ?? ""),
      context: this.#context,
      closed: () => {
        this.#connections.remove(link);
        head.remove(watching.head);
        idle.remove(watching.idle);
        body.remove(watching.body);
      },
    });
    const { head, idle, body } = this.#watches;
    const link = this.#connections.add(connection);
    const watching = {
      head: head.add(connection.headWatched),
      idle: idle.add(connection.idleWatched),
      body: body.add(connection),
    };
    return connection;
  }
}
