/** Who has given too many wrong passwords lately. */

import { isIPv6 } from "node:net";
import type { Clock } from "../base/clock.ts";
import {
  MAX_COUNTED_ADDRESSES,
  MAX_PASSWORD_FAILURES,
  PASSWORD_FAILURE_MS,
} from "../base/limits.ts";

interface Failures {
  readonly since: number;
  count: number;
}

export class FailureCounter {
  readonly #clock: Pick<Clock, "monotonic">;
  // The oldest first.
  readonly #failures = new Map<string, Failures>();

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** How long no password of this address is checked, in milliseconds; 0 where one is. */
  waitOf(address: string): number {
    const failures = this.#failures.get(toNetwork(address));
    if (failures === undefined || failures.count < MAX_PASSWORD_FAILURES) return 0;
    return Math.max(0, failures.since + PASSWORD_FAILURE_MS - this.#clock.monotonic());
  }

  add(address: string): void {
    const network = toNetwork(address);
    const now = this.#clock.monotonic();
    const known = this.#failures.get(network);
    if (known !== undefined && now - known.since < PASSWORD_FAILURE_MS) {
      known.count++;
      return;
    }
    this.#failures.delete(network);
    this.#failures.set(network, { since: now, count: 1 });
    if (this.#failures.size <= MAX_COUNTED_ADDRESSES) return;
    const [oldest] = this.#failures.keys();
    if (oldest !== undefined) this.#failures.delete(oldest);
  }
}

/**
 * The address, or of IPv6 the /64: everybody has at least so many addresses to go on from.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(toNetwork("2001:db8::1"), "2001:db8:0:0");
 * assertEquals(toNetwork("192.0.2.1"), "192.0.2.1");
 * ```
 */
export function toNetwork(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  return [...before, ...zeros, ...after].slice(0, 4).join(":");
}
