/** Connections that come through a TCP load balancer and say first whose they are. */

import { Buffer } from "node:buffer";
import type { Server, Socket } from "node:net";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { readProxyHeader } from "./proxy_protocol.ts";

export interface ProxiedAcceptorOptions {
  /** Whether a peer's connections begin with a PROXY header. Nobody else's header is believed. */
  readonly isTrusted: (address: string) => boolean;
  /** Longest time for a header to arrive, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Stands before a server's own "connection" listeners: a trusted peer's connection comes to them
 * without its header, and with the address that the header tells. So the server counts, bounds and
 * closes such connections as all others.
 */
export class ProxiedAcceptor {
  readonly #options: ProxiedAcceptorOptions;
  /** Those whose header has not come. */
  readonly #waiting = new Set<Socket>();

  /** Listeners that are added to `server` later are told of connections before their header. */
  constructor(server: Server, options: ProxiedAcceptorOptions) {
    this.#options = options;
    const listeners = server.listeners("connection");
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      const accept = (): void => {
        for (const listener of listeners) Reflect.apply(listener, server, [socket]);
      };
      if (options.isTrusted(socket.remoteAddress ?? "")) this.#readHeader(socket, accept);
      else accept();
    });
  }

  /** Ends the connections whose header has not come. */
  destroyAll(): void {
    for (const socket of this.#waiting) socket.destroy();
  }

  #readHeader(socket: Socket, accept: () => void): void {
    const { clock, timeoutMs } = this.#options;
    let came: Uint8Array = new Uint8Array();
    const take = (chunk: Uint8Array): void => {
      came = came.length === 0 ? chunk : Buffer.concat([came, chunk]);
      const reading = readProxyHeader(came);
      if (reading.kind === "malformed") return this.#refuse(socket, reading.reason);
      if (reading.kind === "incomplete") return;
      release();
      const { source, length } = reading;
      if (source !== null) Object.defineProperty(socket, "remoteAddress", { value: source });
      accept();
      // Not put back into the socket: node:http reads on below it, and would get what comes next
      // before what is in there.
      if (came.length > length) socket.emit("data", came.subarray(length));
    };
    const end = (): void => {
      // Who says nothing at all only looks whether somebody is here.
      if (came.length === 0) socket.destroy();
      else this.#refuse(socket, "it ended early");
    };
    const timer = clock.after(timeoutMs, () => this.#refuse(socket, "it did not come in time"));
    const release = (): void => {
      clock.clear(timer);
      this.#waiting.delete(socket);
      socket.off("data", take).off("end", end).off("close", release);
    };
    this.#waiting.add(socket);
    // For good: between two owners as well, a reset must not end the process.
    socket.on("error", () => {});
    socket.on("data", take).on("end", end).on("close", release);
  }

  #refuse(socket: Socket, reason: string): void {
    this.#options.log.debug("Connection has no usable PROXY header", {
      peer: socket.remoteAddress,
      reason,
    });
    socket.destroy();
  }
}
