/** Who has given too many wrong passwords or keys lately. */

import type { Clock } from "../base/clock.ts";
import { MAX_COUNTED_ADDRESSES } from "../base/limits.ts";
import { toNetwork } from "../base/network.ts";

export interface FailureLimit {
  /** Most failures of one address, or one /64 of IPv6, within `windowMs` of the first. */
  readonly max: number;
  readonly windowMs: number;
}

interface Failures {
  readonly since: number;
  count: number;
}

export class FailureCounter {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #limit: FailureLimit;
  // The oldest first.
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Pick<Clock, "monotonic">, limit: FailureLimit) {
    this.#clock = clock;
    this.#limit = limit;
  }

  /** How long nothing of this address is checked, in milliseconds; 0 where it is. */
  waitOf(address: string): number {
    const failures = this.#failures.get(toNetwork(address));
    if (failures === undefined || failures.count < this.#limit.max) return 0;
    return Math.max(0, failures.since + this.#limit.windowMs - this.#clock.monotonic());
  }

  /** True for the failure that reaches the limit. */
  add(address: string): boolean {
    const network = toNetwork(address);
    const now = this.#clock.monotonic();
    const known = this.#failures.get(network);
    if (known !== undefined && now - known.since < this.#limit.windowMs) {
      return ++known.count === this.#limit.max;
    }
    this.#failures.delete(network);
    this.#failures.set(network, { since: now, count: 1 });
    if (this.#failures.size > MAX_COUNTED_ADDRESSES) {
      const [oldest] = this.#failures.keys();
      if (oldest !== undefined) this.#failures.delete(oldest);
    }
    return this.#limit.max === 1;
  }
}
