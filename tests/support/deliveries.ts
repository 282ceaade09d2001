/** How often each exchange of the traffic has arrived where it was to arrive. */

import type { TrafficExchange } from "./traffic_exchange.ts";

interface Delivered {
  readonly method: string;
  count: number;
}

export interface DeliveryRules {
  /**
   * True where an origin is asked: a server sends a GET or HEAD to it once more if a kept connection
   * was closed under it (RFC 9110 §9.2.2), and so may be delivered twice; never a third time.
   */
  readonly mayRepeatReads: boolean;
}

export class Deliveries {
  readonly #byNumber = new Map<number, Delivered>();

  add({ number }: Pick<TrafficExchange, "number">, method: string): void {
    const known = this.#byNumber.get(number);
    if (known === undefined) this.#byNumber.set(number, { method, count: 1 });
    else known.count++;
  }

  /** How many exchanges have arrived, each counted once. */
  get size(): number {
    return this.#byNumber.size;
  }

  /** GETs and HEADs that have arrived twice. */
  get repeatedReads(): number {
    return [...this.#byNumber.values()].filter((one) => isRead(one) && one.count === 2).length;
  }

  /** One line for each exchange that has arrived more often than it may. */
  findViolations({ mayRepeatReads }: DeliveryRules): readonly string[] {
    return [...this.#byNumber]
      .filter(([, one]) => one.count > (mayRepeatReads && isRead(one) ? 2 : 1))
      .map(([number, { method, count }]) =>
        `exchange ${number} (${method}) was delivered ${count} times`
      );
  }

  /** Those of the numbers that never arrived. */
  findMissing(numbers: Iterable<number>): readonly number[] {
    return [...numbers].filter((number) => !this.#byNumber.has(number));
  }
}

function isRead({ method }: Delivered): boolean {
  return method === "GET" || method === "HEAD";
}
