/** A TCP proxy whose connections can be broken in every way that networks break them. */

import { connect, createServer, type Server, type Socket } from "node:net";
import { FaultPipe, type NetworkCondition } from "./fault_pipe.ts";
import type { SeededRandom } from "./seeded_random.ts";

interface Pair {
  /** The end of whoever connected. */
  readonly client: Socket;
  readonly upstream: Socket;
  /** What the client says. */
  readonly up: FaultPipe;
  readonly down: FaultPipe;
}

export class FaultProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  /** Frozen for good, as if their network was another one. */
  readonly #forgotten = new Set<Pair>();
  readonly #condition: NetworkCondition = {
    isFrozen: false,
    delayMs: 0,
    bytesPerSecond: Infinity,
    corrupt: undefined,
  };
  #targetPort: number;
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

  /** Takes connections again. */
  mend(): void {
    this.#isSevered = false;
  }

  /** Ends all connections in good order. */
  end(): void {
    for (const { client, upstream } of [...this.#pairs]) {
      client.end();
      upstream.end();
    }
  }

  /** Ends one direction of all connections in good order; the other one goes on. */
  halfClose(direction: "up" | "down"): void {
    for (const pair of this.#pairs) pair[direction].end();
  }

  /** Passes nothing on any more, and says nothing: a black hole. New connections end there too. */
  freeze(): void {
    this.#change({ isFrozen: true });
  }

  /** Passes on what was held back, and all else. */
  thaw(): void {
    this.#change({ isFrozen: false });
  }

  /** Leaves the connections that there are in their black hole, and serves new ones. */
  forget(): void {
    for (const pair of this.#pairs) {
      this.#forgotten.add(pair);
      pair.up.stop();
      pair.down.stop();
    }
    this.#pairs.clear();
    this.#condition.isFrozen = false;
  }

  /** From now on everything comes so much later; 0 for no delay. */
  delay(ms: number): void {
    this.#change({ delayMs: ms });
  }

  /** Passes at most so much, in each direction of each connection; Infinity for no limit. */
  throttle(bytesPerSecond: number): void {
    this.#change({ bytesPerSecond });
  }

  /** Flips one bit in each piece that passes, until {@linkcode clean}. */
  corrupt(random: SeededRandom): void {
    this.#change({
      corrupt: (chunk) => {
        const at = random.integer(0, chunk.length - 1);
        chunk[at] = (chunk[at] ?? 0) ^ (1 << random.integer(0, 7));
      },
    });
  }

  clean(): void {
    this.#change({ corrupt: undefined });
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

  #change(changes: Partial<NetworkCondition>): void {
    Object.assign(this.#condition, changes);
    for (const { up, down } of this.#pairs) {
      up.update();
      down.update();
    }
  }

  #accept(client: Socket): void {
    if (this.#isSevered) return void client.resetAndDestroy();
    const upstream = connect({ port: this.#targetPort, host: "127.0.0.1", allowHalfOpen: true });
    upstream.setNoDelay(true);
    const pair = {
      client,
      upstream,
      up: new FaultPipe(client, upstream, this.#condition),
      down: new FaultPipe(upstream, client, this.#condition),
    };
    this.#pairs.add(pair);
    this.#follow(client, upstream, pair, pair.up);
    this.#follow(upstream, client, pair, pair.down);
    pair.up.update();
    pair.down.update();
  }

  #follow(from: Socket, to: Socket, pair: Pair, pipe: FaultPipe): void {
    let isBroken = false;
    from.on("error", () => isBroken = true);
    from.once("close", () => {
      if (to.closed) {
        this.#pairs.delete(pair);
        this.#forgotten.delete(pair);
      }
      if (isBroken) to.resetAndDestroy();
      else pipe.finish();
    });
  }
}
