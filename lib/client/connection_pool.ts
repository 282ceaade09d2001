/** Connections to one host, kept for the next exchange. */

import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { Clock, Timer } from "../base/clock.ts";
import { ClosedError, ProtocolError } from "../base/errors.ts";
import { EARLY_CLOSE_MEMORY_MS, EARLY_CLOSE_MS, MAX_IDLE_CONNECTIONS } from "../base/limits.ts";
import { headerValue } from "../http/headers.ts";
import { SocketFlow } from "../http/socket_flow.ts";
import { type Carrier, ClientExchange, type ClientRequest } from "./client_exchange.ts";
import { toRequestHead } from "./to_request_head.ts";
import { type ResponseHead, ResponseReader } from "./response_reader.ts";
import { toAbortError } from "./unreachable_error.ts";

/** Opens a connection that is ready for a request. @throws {UnreachableError} */
export type OpenConnection = (signal: AbortSignal) => Promise<Socket>;

export interface ConnectionPoolOptions {
  readonly open: OpenConnection;
  /** How long an idle connection is kept, less where the other end says so; 0 keeps none. */
  readonly idleMs: number;
  readonly clock: Clock;
  /** How messages call the other end. */
  readonly peer: string;
}

export class ConnectionPool {
  readonly #options: ConnectionPoolOptions;
  /** The one that was used last comes last, and is used next. */
  readonly #idle: ClientConnection[] = [];
  readonly #connections = new Set<ClientConnection>();
  #timer: Timer | undefined;
  /** On the monotonic clock. */
  #keepsNoneUntil = 0;
  /** Aborts when the pool is closed. */
  readonly #closing = new AbortController();

  constructor(options: ConnectionPoolOptions) {
    this.#options = options;
  }

  /**
   * Sends a request on an idle connection, or on a new one; resolves when it is under way.
   *
   * @throws {UnreachableError} where no connection can be had.
   * @throws {TypeError} for a request that cannot be written.
   */
  async send(request: ClientRequest): Promise<ClientExchange> {
    const { body, signal } = request;
    // It may fail before it is sent; that must not end the process.
    if (body instanceof Readable) body.on("error", () => {});
    try {
      const head = toRequestHead(request);
      this.#throwIfAborted(signal);
      // What goes out once more where its connection turns out to be closed need not care.
      if (!isRepeatable(request) && this.#isFresh(this.#idle.at(-1))) {
        await setImmediate();
        this.#throwIfAborted(signal);
      }
      const connection = this.#takeIdle() ?? await this.#open(signal);
      return connection.send(request, head);
    } catch (error) {
      if (body instanceof Readable) body.destroy();
      throw error;
    }
  }

  /** Closes all connections; requests in flight, and later ones, fail as aborted. */
  close(): void {
    const reason = new ClosedError("The connections were closed");
    this.#closing.abort(reason);
    for (const connection of [...this.#connections]) connection.close(reason);
    this.#clearTimer();
  }

  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.socket.destroy();
    this.#clearTimer();
  }

  /** True of a connection whose end, where it came along with the last answer, has not shown yet. */
  #isFresh(connection: ClientConnection | undefined): boolean {
    return connection !== undefined &&
      this.#options.clock.monotonic() - connection.idleSince < EARLY_CLOSE_MS;
  }

  #takeIdle(): ClientConnection | undefined {
    const { clock } = this.#options;
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.isUsableAt(clock.monotonic())) return connection;
      connection.socket.destroy();
    }
  }

  async #open(signal: AbortSignal): Promise<ClientConnection> {
    const { open, peer, clock } = this.#options;
    const socket = await open(AbortSignal.any([signal, this.#closing.signal]));
    if (this.#closing.signal.aborted) socket.destroy();
    this.#throwIfAborted(this.#closing.signal);
    const connection = new ClientConnection(socket, {
      peer,
      onReleased: (connection, head) => {
        const idleMs = Math.min(this.#options.idleMs, toHintMs(head));
        const now = clock.monotonic();
        if (
          idleMs <= 0 || now < this.#keepsNoneUntil || this.#idle.length >= MAX_IDLE_CONNECTIONS
        ) {
          return void socket.destroy();
        }
        connection.idleSince = now;
        connection.idleUntil = now + idleMs;
        this.#idle.push(connection);
        this.#sweepLater();
      },
      onClosed: (connection) => {
        this.#connections.delete(connection);
        const at = this.#idle.indexOf(connection);
        if (at >= 0) {
          this.#idle.splice(at, 1);
          // As some proxies do, and a request that is just being sent would be lost.
          if (this.#isFresh(connection) && connection.wasEndedByPeer) {
            this.#keepsNoneUntil = clock.monotonic() + EARLY_CLOSE_MEMORY_MS;
          }
        }
        if (this.#idle.length === 0) this.#clearTimer();
      },
    });
    this.#connections.add(connection);
    return connection;
  }

  #throwIfAborted(signal: AbortSignal): void {
    for (const { aborted, reason } of [signal, this.#closing.signal]) {
      if (aborted) throw toAbortError(reason, this.#options.peer);
    }
  }

  /** One timer for all, so that the hot path sets none. */
  #sweepLater(): void {
    const { clock, idleMs } = this.#options;
    this.#timer ??= clock.after(Math.ceil(idleMs / 4), () => {
      this.#timer = undefined;
      const now = clock.monotonic();
      for (const connection of [...this.#idle]) {
        if (!connection.isUsableAt(now)) connection.socket.destroy();
      }
      if (this.#idle.length > 0) this.#sweepLater();
    });
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#options.clock.clear(this.#timer);
    this.#timer = undefined;
  }
}

/** True for what may go out again where it is not known whether it has arrived (RFC 9110 §9.2.2). */
function isRepeatable({ method, body }: ClientRequest): boolean {
  return body === null && (method === "GET" || method === "HEAD");
}

interface ConnectionOptions {
  readonly peer: string;
  readonly onReleased: (connection: ClientConnection, head: ResponseHead) => void;
  readonly onClosed: (connection: ClientConnection) => void;
}

/** One connection; it carries one exchange after the other. */
class ClientConnection implements Carrier {
  readonly socket: Socket;
  readonly flow: SocketFlow;
  readonly peer: string;
  /** Since when it is idle, and when it is to be closed if it is not used before; monotonic. */
  idleSince = 0;
  idleUntil = 0;
  wasEndedByPeer = false;
  readonly #options: ConnectionOptions;
  readonly #reader: ResponseReader;
  #exchange: ClientExchange | undefined;
  #count = 0;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.socket = socket;
    this.flow = new SocketFlow(socket);
    this.peer = options.peer;
    this.#options = options;
    this.#reader = new ResponseReader({
      interim: (status, headers) => this.#exchange?.interim(status, headers),
      head: (head) => this.#exchange?.takeHead(head),
      body: (bytes) => this.#exchange?.takeBody(bytes),
      end: (trailers) => this.#exchange?.takeEnd(trailers),
      switched: (headers, rest) => {
        this.#letGo();
        this.#exchange?.takeSwitch(headers, rest);
      },
    });
    socket.on("data", this.#read).on("end", this.#readEnd).on("close", this.#close);
    socket.on("drain", this.#drain).on("error", this.#fail);
    // Whoever opened it may have left it paused.
    this.flow.resume();
  }

  get isReused(): boolean {
    return this.#count > 1;
  }

  isUsableAt(now: number): boolean {
    return now < this.idleUntil && !this.socket.destroyed;
  }

  send(request: ClientRequest, head: string): ClientExchange {
    this.#count++;
    const exchange = new ClientExchange(request, head, this);
    this.#exchange = exchange;
    this.#reader.expect({
      isHead: request.method === "HEAD",
      allowsSwitch: request.allowsSwitch ?? false,
    });
    exchange.start();
    // Its events are past.
    if (this.socket.destroyed) this.#close();
    return exchange;
  }

  release(head: ResponseHead): void {
    this.#exchange = undefined;
    if (this.socket.destroyed) return;
    this.flow.resume();
    this.#options.onReleased(this, head);
  }

  /** Ends it; an exchange that is under way fails as aborted. */
  close(reason: Error): void {
    this.#exchange?.cut(toAbortError(reason, this.peer));
    this.socket.destroy();
  }

  readonly #read = (chunk: Uint8Array): void => {
    this.flow.took(chunk);
    try {
      this.#reader.push(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#fail(error);
    }
  };

  readonly #readEnd = (): void => {
    this.wasEndedByPeer = true;
    if (!this.#reader.end()) this.#fail(new Error("the connection was ended"));
    this.socket.destroy();
  };

  readonly #close = (): void => {
    this.flow.release();
    this.#fail(new Error("the connection was closed"));
    this.#options.onClosed(this);
  };

  readonly #drain = (): void => this.#exchange?.drain();

  readonly #fail = (error: unknown): void => {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.fail(error, { isUntouched: this.#reader.isUntouched });
    this.socket.destroy();
  };

  /** The socket is somebody else's, as if nobody had ever read it. */
  #letGo(): void {
    const { socket } = this;
    this.flow.release();
    socket.off("data", this.#read).off("end", this.#readEnd).off("close", this.#close);
    socket.off("drain", this.#drain).off("error", this.#fail);
    // Between two owners as well, a reset must not end the process.
    socket.on("error", () => {});
    // Its declared type does not let it be set; node:http does so too when it hands one over.
    Object.assign(socket, { readableFlowing: null });
    this.#options.onClosed(this);
  }
}

/** How long the other end keeps the connection (`Keep-Alive: timeout=N`), less some time on the way. */
function toHintMs({ headers }: ResponseHead): number {
  const hint = headerValue(headers, "keep-alive");
  const [, seconds] = hint === undefined ? [] : /(?:^|[,\s])timeout=(\d+)/i.exec(hint) ?? [];
  return seconds === undefined ? Infinity : Number(seconds) * 1000 - 1000;
}
