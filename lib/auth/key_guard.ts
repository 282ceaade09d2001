/** Bounds how many keys somebody at one address may try. */

import type { Clock } from "../base/clock.ts";
import { KEY_FAILURE_MS, MAX_KEY_FAILURES, MAX_KNOWN_KEYS } from "../base/limits.ts";
import { toNetwork } from "../base/network.ts";
import { FailureCounter } from "./failure_counter.ts";

/** What came of a check of a key. */
export interface KeyCheck {
  readonly address: string;
  /** The tripcode that the key was found to have; undefined for a wrong key. */
  readonly tripcode: string | undefined;
}

export type KeyVerdict =
  | { readonly kind: "right" }
  /** `isLast` for the one after which no more are taken for a while. */
  | { readonly kind: "wrong"; readonly isLast: boolean }
  /** Too many were wrong: nobody is told whether this one is. */
  | { readonly kind: "blocked"; readonly waitMs: number };

export class KeyGuard {
  readonly #failures: FailureCounter;
  /** Keys that were right, each with where it came from; the oldest first. */
  readonly #known = new Set<string>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#failures = new FailureCounter(clock, {
      max: MAX_KEY_FAILURES,
      windowMs: KEY_FAILURE_MS,
    });
  }

  /**
   * A key that was right from the same address before is never blocked: else one guesser behind a
   * server's router, or at a reverse proxy that the relay does not know, would keep the server out.
   */
  judge({ address, tripcode }: KeyCheck): KeyVerdict {
    const mark = `${toNetwork(address)} ${tripcode}`;
    if (tripcode !== undefined && this.#known.has(mark)) return { kind: "right" };
    const waitMs = this.#failures.waitOf(address);
    if (waitMs > 0) return { kind: "blocked", waitMs };
    if (tripcode === undefined) return { kind: "wrong", isLast: this.#failures.add(address) };
    this.#remember(mark);
    return { kind: "right" };
  }

  #remember(mark: string): void {
    this.#known.add(mark);
    if (this.#known.size <= MAX_KNOWN_KEYS) return;
    const [oldest] = this.#known;
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}
