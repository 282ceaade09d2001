/** Long work on the one thread that all share: when to let the others go on, and how. */

import { MAX_UNBROKEN_MS } from "./limits.ts";

export class Pacer {
  #since = performance.now();

  /** Whether the work has gone on for MAX_UNBROKEN_MS since the last turn of the others. */
  isDue(): boolean {
    return performance.now() - this.#since >= MAX_UNBROKEN_MS;
  }

  /** Gives the others a turn, timers and sockets alike. Takes a millisecond and more. */
  async giveTurn(): Promise<void> {
    // Not setImmediate: on Deno a chain of those keeps what comes by sockets waiting, for seconds.
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.#since = performance.now();
  }
}
