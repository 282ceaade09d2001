/** A TCP or TLS server for tests that must see the very bytes, and answer with any. */

import { Buffer } from "node:buffer";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";

/** The server's end of one connection. */
export class ServerConnection {
  readonly socket: Socket;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  #received = "";
  #wake = (): void => {};

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Uint8Array) => {
      this.#received += Buffer.from(chunk).toString("latin1");
      this.#wake();
    });
    socket.on("error", () => {});
    this.closed = new Promise((resolve) =>
      socket.once("close", () => {
        this.#wake();
        resolve();
      })
    );
  }

  /** Waits for bytes up to the end of `part`; returns them and takes them off. */
  async readThrough(part: string): Promise<string> {
    for (;;) {
      const at = this.#received.indexOf(part);
      if (at >= 0) {
        const text = this.#received.slice(0, at + part.length);
        this.#received = this.#received.slice(at + part.length);
        return text;
      }
      if (this.socket.destroyed) throw new Error(`Closed before ${part}: ${this.#received}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** The head of the next request, its empty line included. */
  readHead(): Promise<string> {
    return this.readThrough("\r\n\r\n");
  }

  /** What came and was not taken yet. */
  get received(): string {
    return this.#received;
  }

  /** Sends text, one byte per character. */
  send(text: string): void {
    this.socket.write(Buffer.from(text, "latin1"));
  }
}

/** Listens on a free port of 127.0.0.1; hands every connection to `serve`. */
export class RawServer {
  readonly port: number;
  readonly #server: Server;
  readonly connections: ServerConnection[];

  private constructor(server: Server, connections: ServerConnection[]) {
    const address = server.address();
    if (address === null || typeof address === "string") throw new TypeError("Not a TCP server");
    this.port = address.port;
    this.#server = server;
    this.connections = connections;
  }

  static listen(
    serve: (connection: ServerConnection, index: number) => void | Promise<void>,
    tls?: TlsOptions,
    { allowHalfOpen = false } = {},
  ): Promise<RawServer> {
    const connections: ServerConnection[] = [];
    const accept = (socket: Socket): void => {
      const connection = new ServerConnection(socket);
      connections.push(connection);
      // A connection that the other side ends early is for the test to notice.
      Promise.resolve(serve(connection, connections.length - 1)).catch(() => socket.destroy());
    };
    const server = tls === undefined
      ? createServer({ allowHalfOpen }, accept)
      : createTlsServer({ ...tls, allowHalfOpen }, accept);
    server.on("tlsClientError", () => {});
    return new Promise((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve(new RawServer(server, connections)))
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const { socket } of this.connections) socket.destroy();
    await Promise.all([closed, ...this.connections.map((connection) => connection.closed)]);
  }
}
