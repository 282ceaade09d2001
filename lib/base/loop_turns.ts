/** Turns of the event loop, for work that comes in many pieces and would leave no room for others. */

import { setImmediate } from "node:timers";
import { Chain, type ChainLink } from "./chain.ts";

/** A place among those that wait. */
export type LoopTurn = ChainLink<() => void>;

/**
 * Work that takes turns: one piece in each, and all that have more wait until it is theirs again.
 *
 * While anything is ready to go on, the runtime asks the system for news in every 61st turn of the
 * loop only, so pieces of 4 ms, as on a busy computer, keep a new visitor waiting for 250 ms. It
 * asks at once when there is nothing to do; so where many wait there is a rest every few turns.
 */
export class LoopTurns {
  readonly #waiting = new Chain<() => void>();
  readonly #rest: () => Promise<void>;
  #isDue = false;
  #turnsSinceRest = 0;
  #movedBytes = 0;

  /** `rest` leaves the loop with nothing to do for a moment. */
  constructor(rest: () => Promise<void> = beIdle) {
    this.#rest = rest;
  }

  /** Has a piece of work, as moving up to 256 KiB, done in a turn of its own. */
  add(work: () => void): LoopTurn {
    const place = this.#waiting.add(work);
    if (!this.#isDue) this.#awaitNext();
    return place;
  }

  /** Counts what is moved outside of turns; true if that is enough until the next one. */
  move(bytes: number): boolean {
    this.#movedBytes += bytes;
    return this.#movedBytes >= MAX_MOVED_BYTES;
  }

  /** Gives a place up; harmless once its turn has come. */
  leave(place: LoopTurn): void {
    this.#waiting.remove(place);
  }

  #awaitNext(): void {
    this.#isDue = true;
    if (this.#turnsSinceRest < TURNS_BEFORE_REST || this.#waiting.size < MIN_CROWD) {
      setImmediate(() => this.#give());
      return;
    }
    this.#turnsSinceRest = 0;
    void this.#rest().then(() => this.#give());
  }

  #give(): void {
    this.#turnsSinceRest++;
    this.#movedBytes = 0;
    const { first } = this.#waiting;
    if (first !== undefined) {
      this.#waiting.remove(first);
      first.value();
    }
    this.#isDue = false;
    if (this.#waiting.size > 0) this.#awaitNext();
  }
}

/** Those of the process, as its event loop is. */
export const loopTurns = new LoopTurns();

/** As much as a turn moves. Less takes more turns, more makes others wait. */
const MAX_MOVED_BYTES = 256 * 1024;

/** 2 to 15 ms of work, of which a rest is a twentieth. */
const TURNS_BEFORE_REST = 8;
/** Fewer leave the loop idle now and then by themselves, and would only lose time. */
const MIN_CROWD = 16;
const NOTHING = new Uint8Array();

/**
 * 0.2 ms and more: digests are made in another thread, and need no right. A timer would be the plain
 * way, and takes 2.2 ms.
 */
async function beIdle(): Promise<void> {
  await crypto.subtle.digest("SHA-1", NOTHING);
  // What the last turn began goes on during the first, so that only the second may be idle.
  await crypto.subtle.digest("SHA-1", NOTHING);
}
