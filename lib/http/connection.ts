/**
 * One connection of a listener. Its requests are served one after the other, as their answers have
 * to go out (RFC 9112 §9.3.2): node:http would start all that are pipelined at once, and tells
 * nothing of those behind the first one when the connection dies.
 */

import type { Socket } from "node:net";
import { MAX_PIPELINED_REQUESTS } from "../base/limits.ts";
import type { Watched } from "./silence_watch.ts";

/** An exchange, as far as silence is concerned. */
export interface WatchedExchange {
  /** True while the peer is the one that everybody waits for. */
  isWaitingForPeer(): boolean;
}

export class Connection implements Watched {
  /** As requests show it. */
  readonly socket: Socket;
  readonly #transport: Socket;
  /** Starts the requests that wait, in order. */
  readonly #waiting: (() => void)[] = [];
  #exchange: WatchedExchange | undefined;
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
   * Waits for the requests before this one; true when it is to be served, and then
   * {@linkcode Connection.endTurn} is owed; false if there is nobody to answer any more.
   */
  takeTurn(): boolean | Promise<boolean> {
    if (this.#count >= MAX_PIPELINED_REQUESTS) {
      this.cut();
      return false;
    }
    if (this.#count++ === 0) return true;
    return new Promise((resolve) => this.#waiting.push(() => resolve(this.#isStillWanted())));
  }

  /** The exchange being served is over. */
  endTurn(): void {
    this.#exchange = undefined;
    this.#count--;
    this.#waiting.shift()?.();
  }

  /** What is being served, as far as silence is concerned. */
  watch(exchange: WatchedExchange): void {
    this.#exchange = exchange;
  }

  isWaitingForPeer(): boolean {
    return this.#exchange?.isWaitingForPeer() === true;
  }

  progress(): number {
    // bytesWritten counts what was handed over, writableLength what of it is still here.
    return this.socket.bytesRead + this.socket.bytesWritten - this.socket.writableLength;
  }

  #isStillWanted(): boolean {
    if (!this.socket.destroyed) return true;
    this.endTurn();
    return false;
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
