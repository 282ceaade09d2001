/** A TCP proxy whose connections can be broken in every way that networks break them. */

import { connect, createServer, type Server, type Socket } from "node:net";

interface Pair {
  /** The end of whoever connected. */
  readonly client: Socket;
  readonly upstream: Socket;
}

export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  /** Frozen for good, as if their network was another one. */
  readonly #forgotten = new Set<Pair>();
  #targetPort: number;
  #isFrozen = false;
  #isSevered = false;

  private constructor(server: Server, { port, targetPort }: { port: number; targetPort: number }) {
    this.#server = server;
    this.port = port;
    this.#targetPort = targetPort;
  }

  static start(targetPort: number): Promise<FaultProxy> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    return new Promise((resolve) =>
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        if (address === null || typeof address === "string") {
          throw new TypeError("Not a TCP server");
        }
        const proxy = new FaultProxy(server, { port: address.port, targetPort });
        server.on("connection", (client: Socket) => proxy.#accept(client));
        resolve(proxy);
      })
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** How many connections there are. */
  get count(): number {
    return this.#pairs.size;
  }

  /** Resets all connections, as a middlebox that restarts does. */
  reset(): void {
    for (const { client, upstream } of [...this.#pairs]) {
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    }
  }

  /** Resets all connections, and takes no new ones: the other end is gone. */
  sever(): void {
    this.#isSevered = true;
    this.reset();
  }

  /** Ends all connections in good order. */
  end(): void {
    for (const { client, upstream } of [...this.#pairs]) {
      client.end();
      upstream.end();
    }
  }

  /** Passes nothing on any more, and says nothing: a black hole. New connections end there too. */
  freeze(): void {
    this.#isFrozen = true;
    for (const { client, upstream } of this.#pairs) {
      client.pause();
      upstream.pause();
    }
  }

  /** Passes on what was held back, and all else. */
  thaw(): void {
    this.#isFrozen = false;
    for (const { client, upstream } of this.#pairs) {
      client.resume();
      upstream.resume();
    }
  }

  /** Leaves the connections that there are in their black hole, and serves new ones. */
  forget(): void {
    this.#isFrozen = false;
    for (const pair of this.#pairs) this.#forgotten.add(pair);
    this.#pairs.clear();
  }

  /** Leads new connections elsewhere. */
  retarget(port: number): void {
    this.#targetPort = port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const pair of this.#forgotten) this.#pairs.add(pair);
    const gone = [...this.#pairs].flatMap(({ client, upstream }) => [client, upstream])
      .map((socket) =>
        socket.closed
          ? Promise.resolve()
          : new Promise<void>((resolve) => socket.once("close", () => resolve()))
      );
    for (const { client, upstream } of [...this.#pairs]) {
      client.destroy();
      upstream.destroy();
    }
    await Promise.all([closed, ...gone]);
  }

  #accept(client: Socket): void {
    if (this.#isSevered) return void client.resetAndDestroy();
    const upstream = connect({ port: this.#targetPort, host: "127.0.0.1", allowHalfOpen: true });
    upstream.setNoDelay(true);
    const pair = { client, upstream };
    this.#pairs.add(pair);
    this.#join(client, upstream, pair);
    this.#join(upstream, client, pair);
    if (this.#isFrozen) {
      client.pause();
      upstream.pause();
    }
  }

  #join(from: Socket, to: Socket, pair: Pair): void {
    from.on("error", () => {});
    from.on("data", (chunk: Uint8Array) => {
      if (!to.write(chunk)) from.pause();
    });
    to.on("drain", () => {
      if (!this.#isFrozen && this.#pairs.has(pair)) from.resume();
    });
    from.on("end", () => to.end());
    from.once("close", () => {
      this.#pairs.delete(pair);
      this.#forgotten.delete(pair);
      to.destroy();
    });
  }
}
