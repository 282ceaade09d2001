/** Long work on the one thread that all share: when to let the others go on, and how. */

import { MAX_UNBROKEN_MS } from "./limits.ts";

/**
 * Long works that wait to go on, all of the process: it has one thread. One goes on at a time, so
 * that what is short is served between any two of them, and not behind a hundred.
 */
const waiting: (() => void)[] = [];

export class Pacer {
  #since = performance.now();

  /** Whether the work has gone on for MAX_UNBROKEN_MS since the last turn of the others. */
  isDue(): boolean {
    return performance.now() - this.#since >= MAX_UNBROKEN_MS;
  }

  /** Gives the others a turn, timers and sockets alike. Takes a millisecond and more. */
  async giveTurn(): Promise<void> {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 1) wakeNextLater();
    });
    this.#since = performance.now();
  }
}

function wakeNextLater(): void {
  // Not setImmediate: on Deno a chain of those keeps what comes by sockets waiting, for seconds.
  setTimeout(() => {
    const [wake] = waiting.splice(0, 1);
    if (waiting.length > 0) wakeNextLater();
    wake?.();
  }, 0);
}
