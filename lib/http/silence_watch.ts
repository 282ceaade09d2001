/**
 * Cuts connections whose peer should be sending or reading and does neither. One timer for a whole
 * listener looks at byte counters now and then, so the hot path carries no timers.
 */

import type { Clock, Timer } from "../base/clock.ts";

/** One exchange on a connection, as far as silence is concerned. */
export interface Watched {
  /** True while the peer is the one that everybody waits for. */
  isWaitingForPeer(): boolean;
  /** Bytes read and written so far; any change is a sign of life. */
  progress(): number;
  /** Ends the connection; called once. */
  cut(): void;
}

interface Entry {
  readonly watched: Watched;
  progress: number;
  /** Since when nothing has moved, on the monotonic clock. */
  since: number;
}

export class SilenceWatch {
  readonly #clock: Clock;
  readonly #silenceMs: number;
  readonly #entries = new Map<Watched, Entry>();
  #timer: Timer | undefined;

  constructor(clock: Clock, silenceMs: number) {
    this.#clock = clock;
    this.#silenceMs = silenceMs;
  }

  add(watched: Watched): void {
    this.#entries.set(watched, {
      watched,
      progress: watched.progress(),
      since: this.#clock.monotonic(),
    });
    this.#arm();
  }

  remove(watched: Watched): void {
    this.#entries.delete(watched);
    if (this.#entries.size > 0 || this.#timer === undefined) return;
    this.#clock.clear(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    // Four looks per bound: a silence is noticed after at most a quarter more than allowed.
    this.#timer ??= this.#clock.after(this.#silenceMs / 4, () => {
      this.#timer = undefined;
      for (const entry of this.#entries.values()) this.#look(entry);
      if (this.#entries.size > 0) this.#arm();
    });
  }

  #look(entry: Entry): void {
    const now = this.#clock.monotonic();
    const progress = entry.watched.progress();
    if (progress !== entry.progress || !entry.watched.isWaitingForPeer()) {
      entry.progress = progress;
      entry.since = now;
    } else if (now - entry.since >= this.#silenceMs) {
      this.#entries.delete(entry.watched);
      entry.watched.cut();
    }
  }
}
