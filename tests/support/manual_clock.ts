/** A clock that tests move by hand. */

import type { Clock, Timer } from "../../lib/base/clock.ts";

interface Pending {
  readonly at: number;
  readonly fire: () => void;
}

export class ManualClock implements Clock {
  #now = Date.UTC(2026, 10, 23);
  readonly #start = this.#now;
  #nextId = 1;
  readonly #pending = new Map<number, Pending>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - this.#start;
  }

  after(ms: number, fire: () => void): Timer {
    const id = this.#nextId++;
    this.#pending.set(id, { at: this.#now + ms, fire });
    return id;
  }

  clear(timer: Timer): void {
    this.#pending.delete(Number(timer));
  }

  /** Timers that are set and have not fired. */
  get pendingCount(): number {
    return this.#pending.size;
  }

  /** Milliseconds until the next timer fires; undefined if none is set. */
  get nextDelay(): number | undefined {
    const times = [...this.#pending.values()].map(({ at }) => at - this.#now);
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Moves time on, and fires in order what is due. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [id, next] = [...this.#pending].filter(([, { at }]) => at <= end)
        .sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (id === undefined || next === undefined) break;
      this.#pending.delete(id);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
    this.#now = end;
  }
}
