/** Connections that come through a TCP load balancer and say first whose they are. */

import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/log.ts";
import { readProxyHeader } from "./proxy_protocol.ts";

/** A connection whose bytes are those of its peer from here on. */
export interface AcceptedConnection {
  readonly socket: Socket;
  /** The peer's address, as sockets have it. */
  readonly remoteAddress: string;
  /** What came together with the header; nobody has seen it yet. */
  readonly early: Uint8Array;
}

export interface ProxiedAcceptorOptions {
  /** Whether a peer's connections begin with a PROXY header. Nobody else's header is believed. */
  readonly isTrusted: (address: string) => boolean;
  /** Takes over the connections that are ready. */
  readonly accept: (connection: AcceptedConnection) => void;
  /** Longest time for a header to arrive, in milliseconds. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

export class ProxiedAcceptor {
  readonly #options: ProxiedAcceptorOptions;
  /** Those whose header has not come. */
  readonly #waiting = new Set<Socket>();

  constructor(options: ProxiedAcceptorOptions) {
    this.#options = options;
  }

  /** A connection that nobody has read from. */
  take(socket: Socket): void {
    const { isTrusted, accept } = this.#options;
    const remoteAddress = socket.remoteAddress ?? "";
    if (isTrusted(remoteAddress)) this.#readHeader(socket, remoteAddress);
    else accept({ socket, remoteAddress, early: NO_BYTES });
  }

  /** Ends the connections whose header has not come. */
  destroyAll(): void {
    for (const socket of this.#waiting) socket.destroy();
  }

  #readHeader(socket: Socket, ownAddress: string): void {
    const { clock, timeoutMs, accept } = this.#options;
    let came: Uint8Array = NO_BYTES;
    const take = (chunk: Uint8Array): void => {
      came = came.length === 0 ? chunk : Buffer.concat([came, chunk]);
      const reading = readProxyHeader(came);
      if (reading.kind === "malformed") return this.#refuse(socket, reading.reason);
      if (reading.kind === "incomplete") return;
      release();
      const { source, length } = reading;
      accept({ socket, remoteAddress: source ?? ownAddress, early: came.subarray(length) });
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

const NO_BYTES = new Uint8Array();
