/**
 * Cuts connections whose peer should be sending or reading and does neither. One timer for a whole
 * listener looks at byte counters now and then, so the hot path carries no timers.
 */

import { Chain, type ChainLink } from "../base/chain.ts";
import type { Clock, Timer } from "../base/clock.ts";

/** A connection, as far as silence is concerned. */
export interface Watched {
  /** True while the peer is the one that everybody waits for. */
  isWaitingForPeer(): boolean;
  /** Bytes read and written so far; any change is a sign of life. */
  progress(): number;
  /** Ends the connection; called once. */
  cut(): void;
}

/** Something that is being watched. */
export type Watching = ChainLink<Entry>;

interface Entry {
  readonly watched: Watched;
  progress: number;
  /** Looks in a row, each a whole interval after the one before, that saw nothing move. */
  silentLooks: number;
}

/** How many looks make up the bound: a silence is cut after at most a quarter more than allowed. */
const LOOKS = 4;

export class SilenceWatch {
  readonly #clock: Clock;
  readonly #silenceMs: number;
  readonly #entries = new Chain<Entry>();
  #timer: Timer | undefined;

  constructor(clock: Clock, silenceMs: number) {
    this.#clock = clock;
    this.#silenceMs = silenceMs;
  }

  /** Whoever has the result, and nobody else, ends the watching. */
  add(watched: Watched): Watching {
    const watching = this.#entries.add({
      watched,
      progress: watched.progress(),
      // The first look comes before an interval has passed.
      silentLooks: -1,
    });
    this.#arm();
    return watching;
  }

  /** Harmless where the watching has ended. */
  remove(watching: Watching): void {
    this.#entries.remove(watching);
    if (this.#entries.size > 0 || this.#timer === undefined) return;
    this.#clock.clear(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer ??= this.#clock.after(this.#silenceMs / LOOKS, () => {
      this.#timer = undefined;
      for (const watching of this.#entries.links()) if (watching.isIn) this.#look(watching);
      if (this.#entries.size > 0) this.#arm();
    });
  }

  #look(watching: Watching): void {
    const entry = watching.value;
    const progress = entry.watched.progress();
    // Looks are counted, not time: a process that was stopped for a while has not looked, and finds
    // the bytes of that time only afterwards.
    if (progress !== entry.progress || !entry.watched.isWaitingForPeer()) {
      entry.progress = progress;
      entry.silentLooks = 0;
    } else if (++entry.silentLooks === LOOKS) {
      this.#entries.remove(watching);
      entry.watched.cut();
    }
  }
}
