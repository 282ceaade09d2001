/**
 * Timers by the thousand. One of the runtime's own costs 2 µs to set and clear, and every exchange
 * wants one or two that hardly ever fire.
 */

import { Chain, type ChainLink } from "./chain.ts";
import type { Clock, Timer } from "./clock.ts";

/**
 * A clock whose timers of one length share a timer of the clock below it: what is set first is due
 * first. Whoever made it closes it.
 */
export class SharedTimers implements Clock {
  readonly #clock: Clock;
  readonly #lanes = new Map<number, Lane>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(ms: number, fire: () => void): Timer {
    let lane = this.#lanes.get(ms);
    if (lane === undefined) {
      lane = new Lane(this.#clock, ms, () => this.#lanes.delete(ms));
      this.#lanes.set(ms, lane);
    }
    return lane.add(fire);
  }

  clear(timer: Timer): void {
    if (timer instanceof SharedTimer) timer.lane.remove(timer);
  }

  /** Forgets every timer that has not fired. */
  close(): void {
    for (const lane of this.#lanes.values()) lane.close();
    this.#lanes.clear();
  }
}

class SharedTimer {
  readonly lane: Lane;
  readonly link: ChainLink<Due>;

  constructor(lane: Lane, link: ChainLink<Due>) {
    this.lane = lane;
    this.link = link;
  }
}

interface Due {
  /** On the monotonic clock. */
  readonly at: number;
  readonly fire: () => void;
}

/** Timers of one length, in the order in which they are due. */
class Lane {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #onEmpty: () => void;
  readonly #timers = new Chain<Due>();
  #armed: Timer | undefined;

  constructor(clock: Clock, ms: number, onEmpty: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#onEmpty = onEmpty;
  }

  add(fire: () => void): SharedTimer {
    const link = this.#timers.add({ at: this.#clock.monotonic() + this.#ms, fire });
    if (this.#armed === undefined) this.#arm(this.#ms);
    return new SharedTimer(this, link);
  }

  /** The timer below stays armed: where one has been cleared, the next is soon to be set. */
  remove({ link }: SharedTimer): void {
    this.#timers.remove(link);
  }

  close(): void {
    this.#timers.clear();
    if (this.#armed !== undefined) this.#clock.clear(this.#armed);
    this.#armed = undefined;
  }

  #arm(ms: number): void {
    this.#armed = this.#clock.after(ms, () => this.#look());
  }

  #look(): void {
    const now = this.#clock.monotonic();
    try {
      for (;;) {
        const { first } = this.#timers;
        if (first === undefined || first.value.at > now) break;
        this.#timers.remove(first);
        first.value.fire();
      }
    } finally {
      // Not before: what fires may set timers here, and must find it armed.
      this.#armed = undefined;
      const { first } = this.#timers;
      if (first === undefined) this.#onEmpty();
      else this.#arm(Math.max(0, first.value.at - now));
    }
  }
}
