/**
 * The exchanges that wait for one server, and the poll in which that server waits for exchanges:
 * at most one of the two sides is ever there. "Which server connections exist" is known here and
 * nowhere else.
 */

import type { Clock, Timer } from "../base/clock.ts";
import { MAX_GIVEN_PER_SERVER, MAX_WAITING_PER_SERVER, POLL_GAP_MS } from "../base/limits.ts";
import type { Exchange } from "./exchange.ts";

/** What a poll gets. */
export type PollOutcome =
  /** All that waited, in order. They are given: the caller writes them to the server now. */
  | { readonly kind: "exchanges"; readonly exchanges: readonly Exchange[] }
  /** The first poll after a gap, and nothing waits: an empty list ends an original's back-off. */
  | { readonly kind: "welcome" }
  /** Nothing came in time. */
  | { readonly kind: "idle" }
  /** A newer poll of the same name took its place. */
  | { readonly kind: "replaced" }
  /** The relay is stopping. */
  | { readonly kind: "stopping" }
  /** The server is not registered any more, or under another key. */
  | { readonly kind: "revoked" }
  /** The server hung up. */
  | { readonly kind: "left" };

export class ServerQueue {
  readonly #clock: Clock;
  readonly #waiting = new Set<Exchange>();
  #given = 0;
  #parked: ((outcome: PollOutcome) => void) | undefined;
  #lastPollEnd: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True while a poll is parked. */
  get isParked(): boolean {
    return this.#parked !== undefined;
  }

  /** True if the server has not polled lately, or never. */
  get isGap(): boolean {
    if (this.isParked) return false;
    return this.#lastPollEnd === undefined ||
      this.#clock.monotonic() - this.#lastPollEnd > POLL_GAP_MS;
  }

  /** Takes an exchange in, or says that there are too many. */
  add(exchange: Exchange): boolean {
    if (this.#waiting.size >= MAX_WAITING_PER_SERVER || this.#given >= MAX_GIVEN_PER_SERVER) {
      return false;
    }
    this.#waiting.add(exchange);
    if (this.#parked !== undefined) this.#parked(this.#takeAll());
    return true;
  }

  /** An exchange is settled: it waits no more, and counts no more. */
  remove(exchange: Exchange): void {
    if (!this.#waiting.delete(exchange) && exchange.wasGiven) this.#given--;
  }

  /**
   * A server asks for work: resolves at once with all that waits, else with the next exchange, or
   * after `parkMs` with none. Aborting `signal` says that the server hung up: a connection known to
   * be dead is never given anything.
   */
  poll({ parkMs, signal }: { parkMs: number; signal: AbortSignal }): Promise<PollOutcome> {
    if (signal.aborted) return Promise.resolve({ kind: "left" });
    const isReturning = this.isGap;
    this.end("replaced");
    if (this.#waiting.size > 0) return Promise.resolve(this.#takeAll());
    if (isReturning) {
      this.#lastPollEnd = this.#clock.monotonic();
      return Promise.resolve({ kind: "welcome" });
    }
    return new Promise((resolve) => {
      const left = (): void => settle({ kind: "left" });
      const timer: Timer = this.#clock.after(parkMs, () => settle({ kind: "idle" }));
      const settle = (outcome: PollOutcome): void => {
        this.#parked = undefined;
        this.#lastPollEnd = this.#clock.monotonic();
        this.#clock.clear(timer);
        signal.removeEventListener("abort", left);
        resolve(outcome);
      };
      this.#parked = settle;
      signal.addEventListener("abort", left);
    });
  }

  /** Ends the parked poll, if there is one. */
  end(kind: "replaced" | "stopping" | "revoked"): void {
    this.#parked?.({ kind });
  }

  /** The server is not allowed any more: its poll ends, and nobody waits for it. */
  revoke(): void {
    this.end("revoked");
    for (const exchange of [...this.#waiting]) exchange.fail("no_such_server");
  }

  #takeAll(): PollOutcome {
    const exchanges = [...this.#waiting];
    this.#waiting.clear();
    for (const exchange of exchanges) exchange.give();
    this.#given += exchanges.length;
    this.#lastPollEnd = this.#clock.monotonic();
    return { kind: "exchanges", exchanges };
  }
}
