import type { Clock } from "../base/clock.ts";
import { REPEATED_LOG_MS } from "../base/limits.ts";

/** Remembers what the log was told of a trouble that goes on. */
export class TroubleMemory {
  readonly #clock: Clock;
  #last: { readonly reason: string; readonly toldAt: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether to tell it now: another reason at once, the same one every REPEATED_LOG_MS. */
  isNews(reason: string): boolean {
    const now = this.#clock.monotonic();
    if (this.#last?.reason === reason && now - this.#last.toldAt < REPEATED_LOG_MS) return false;
    this.#last = { reason, toldAt: now };
    return true;
  }
}
