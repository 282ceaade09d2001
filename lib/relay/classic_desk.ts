/**
 * Where the polls of one server come in (docs/protocol.md, "Poll"): at most one is parked, and a
 * newer one takes its place.
 */

import type { Clock, Timer } from "../base/clock.ts";
import { POLL_GAP_MS } from "../base/limits.ts";
import type { ClassicRequest } from "../wire/http_serde.ts";
import { toClassicRequest } from "./classic_request.ts";
import type { Exchange } from "./exchange.ts";
import type { ServerQueue, Taker } from "./server_queue.ts";

/** An exchange, and how the classic protocol says it. */
export interface ClassicExchange {
  readonly exchange: Exchange;
  readonly request: ClassicRequest;
}

/** What a poll gets. */
export type PollOutcome =
  /** All that waited, in order. They are given: the caller writes them to the server now. */
  | { readonly kind: "exchanges"; readonly exchanges: readonly ClassicExchange[] }
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

export class ClassicDesk implements Taker {
  /** After every process that speaks modern. */
  readonly rank = 1;
  readonly load = 0;
  readonly #clock: Clock;
  readonly #queue: ServerQueue;
  #isTaking = false;
  #taken: ClassicExchange[] = [];
  #parked: ((outcome: PollOutcome) => void) | undefined;
  #lastPollEnd: number | undefined;

  constructor(clock: Clock, queue: ServerQueue) {
    this.#clock = clock;
    this.#queue = queue;
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

  /** True if the server has polled within this time, or a poll is parked. */
  wasHereWithin(ms: number): boolean {
    return this.isParked || (this.#lastPollEnd !== undefined &&
      this.#clock.monotonic() - this.#lastPollEnd < ms);
  }

  get isReady(): boolean {
    return this.isParked || this.#isTaking;
  }

  /**
   * A server asks for work: resolves at once with all that waits, else with the next exchange, or
   * after `parkMs` with none. Aborting `signal` says that the server hung up: a connection known to
   * be dead is never given anything.
   */
  poll({ parkMs, signal }: { parkMs: number; signal: AbortSignal }): Promise<PollOutcome> {
    if (signal.aborted) return Promise.resolve({ kind: "left" });
    const isReturning = this.isGap;
    this.#parked?.({ kind: "replaced" });
    this.#isTaking = true;
    this.#queue.serve(this);
    this.#isTaking = false;
    if (this.#taken.length > 0) return Promise.resolve(this.#finish());
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
        this.#queue.detach(this);
        resolve(outcome);
      };
      this.#parked = settle;
      this.#queue.attach(this);
      signal.addEventListener("abort", left);
    });
  }

  take(exchange: Exchange): void {
    const request = toClassicRequest(exchange.request);
    if (typeof request === "string") return exchange.fail(request);
    exchange.give("classic");
    this.#taken.push({ exchange, request });
    this.#parked?.(this.#finish());
  }

  revoke(): void {
    this.#parked?.({ kind: "revoked" });
  }

  stop(): void {
    this.#parked?.({ kind: "stopping" });
  }

  #finish(): PollOutcome {
    const exchanges = this.#taken;
    this.#taken = [];
    this.#lastPollEnd = this.#clock.monotonic();
    return { kind: "exchanges", exchanges };
  }
}
