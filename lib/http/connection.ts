/**
 * One connection of a listener. Its requests are served one after the other, as their answers have
 * to go out (RFC 9112 §9.3.2): node:http would start all that are pipelined at once, and tells
 * nothing of those behind the first one when the connection dies.
 */

import type { Socket } from "node:net";
import { MAX_PIPELINED_REQUESTS } from "../base/limits.ts";

export class Connection {
  /** As requests show it. */
  readonly socket: Socket;
  readonly #transport: Socket;
  #last: Promise<void> = Promise.resolve();
  #count = 0;
  #isBroken = false;

  /** `transport` is the TCP connection below a TLS socket. */
  constructor(socket: Socket, transport: Socket = socket) {
    this.socket = socket;
    this.#transport = transport;
  }

  /** True while no request is being served or waits. */
  get isIdle(): boolean {
    return this.#count === 0;
  }

  /** True if the parser has given up, and no request is left but the one being served. */
  get isAtLast(): boolean {
    return this.#isBroken && this.#count === 1;
  }

  /** True if the parser has given up, and no request is left. */
  get isSpent(): boolean {
    return this.#isBroken && this.#count === 0;
  }

  /**
   * Waits for the requests before this one; resolves with a function that ends its turn, or with
   * undefined if there is nobody to answer any more.
   */
  async takeTurn(): Promise<(() => void) | undefined> {
    if (this.#count >= MAX_PIPELINED_REQUESTS) {
      this.cut();
      return undefined;
    }
    const before = this.#last;
    const over = Promise.withResolvers<void>();
    this.#last = over.promise;
    this.#count++;
    await before;
    const endTurn = (): void => {
      this.#count--;
      over.resolve();
    };
    if (!this.socket.destroyed) return endTurn;
    endTurn();
    return undefined;
  }

  /** What comes on this connection cannot be understood any more; what came before is answered. */
  break(): void {
    this.#isBroken = true;
  }

  /** Ends the connection by a reset, so that no answer on it looks complete, even one until close. */
  cut(): void {
    // A TLS socket would first say that this is the end (RFC 8446 §6.1).
    this.#transport.resetAndDestroy();
    if (this.#transport !== this.socket) this.socket.destroy();
  }
}
