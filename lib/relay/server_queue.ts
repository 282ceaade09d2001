/**
 * The exchanges that wait for one server, and whoever takes exchanges for it: its processes that
 * are connected. "Which server connections exist" is known here and nowhere else.
 */

import { MAX_GIVEN_PER_SERVER, MAX_WAITING_PER_SERVER } from "../base/limits.ts";
import type { Exchange } from "./exchange.ts";

/** A way to a process of the server. */
export interface Taker {
  /** True while it can take an exchange at once. */
  readonly isReady: boolean;
  /** The lowest takes first: 0 is as good as can be. */
  readonly rank: number;
  /** Exchanges that it is at work on; among takers of a rank the one with the fewest takes first. */
  readonly load: number;
  /** Hands an exchange that waits to the process, or fails it; never leaves it waiting. */
  take(exchange: Exchange): void;
  /** The server is not allowed any more. */
  revoke(): void;
  /** The relay is stopping: no exchange will come. */
  stop(): void;
}

export class ServerQueue {
  readonly #waiting = new Set<Exchange>();
  readonly #takers = new Set<Taker>();
  #given = 0;

  /** How many ways to processes of the server there are. */
  get takerCount(): number {
    return this.#takers.size;
  }

  attach(taker: Taker): void {
    this.#takers.add(taker);
  }

  detach(taker: Taker): void {
    this.#takers.delete(taker);
  }

  /** Takes an exchange in, or says that there are too many. */
  add(exchange: Exchange): boolean {
    if (this.#waiting.size >= MAX_WAITING_PER_SERVER || this.#given >= MAX_GIVEN_PER_SERVER) {
      return false;
    }
    const taker = this.#choose();
    if (taker === undefined) {
      this.#waiting.add(exchange);
      exchange.wait();
    } else this.#give(taker, exchange);
    return true;
  }

  /** A taker has become ready: it gets what waits, as far as it can take it, in order. */
  serve(taker: Taker): void {
    for (const exchange of this.#waiting) {
      if (!taker.isReady || this.#given >= MAX_GIVEN_PER_SERVER) return;
      this.#waiting.delete(exchange);
      this.#give(taker, exchange);
    }
  }

  /** An exchange is settled: it waits no more, and counts no more. */
  remove(exchange: Exchange): void {
    if (this.#waiting.delete(exchange) || !exchange.wasGiven) return;
    // At the bound what waits has been held back from takers that are ready.
    if (this.#given-- >= MAX_GIVEN_PER_SERVER) this.#serveAny();
  }

  /** The server is not allowed any more: its processes are told, and nobody waits for it. */
  revoke(): void {
    for (const taker of [...this.#takers]) taker.revoke();
    for (const exchange of [...this.#waiting]) exchange.fail("no_such_server");
  }

  /** The relay is stopping. */
  stop(): void {
    for (const taker of [...this.#takers]) taker.stop();
  }

  #serveAny(): void {
    for (const exchange of this.#waiting) {
      const taker = this.#choose();
      if (taker === undefined || this.#given >= MAX_GIVEN_PER_SERVER) return;
      this.#waiting.delete(exchange);
      this.#give(taker, exchange);
    }
  }

  #choose(): Taker | undefined {
    let best: Taker | undefined;
    for (const taker of this.#takers) {
      if (!taker.isReady) continue;
      const isBetter = best === undefined || taker.rank < best.rank ||
        (taker.rank === best.rank && taker.load < best.load);
      if (isBetter) best = taker;
    }
    return best;
  }

  #give(taker: Taker, exchange: Exchange): void {
    // Counted before: it may be settled while it is being taken.
    this.#given++;
    taker.take(exchange);
    if (!exchange.wasGiven) this.#given--;
  }
}
