/** A line on the terminal that shows what goes on, while anything does; never in a file. */

import type { Clock, Timer } from "../base/clock.ts";
import { PROGRESS_REDRAW_MS } from "../base/limits.ts";
import type { ObservedExchange, ObserveExchange } from "../http/exchange_observer.ts";

export interface ProgressLineOptions {
  readonly clock: Clock;
  /** Writes to the terminal. */
  readonly write: (text: string) => void;
}

/** Takes the cursor to the line's beginning, and what stands there away (ECMA-48 EL). */
const CLEAR = "\r\x1b[K";

export class ProgressLine {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  readonly #active = new Set<ObservedExchange>();
  /** Bytes of exchanges that have ended, since the last look. */
  #endedBytes = 0;
  #lastBytes = 0;
  #lastLook = 0;
  #isShown = false;
  #timer: Timer | undefined;

  constructor({ clock, write }: ProgressLineOptions) {
    this.#clock = clock;
    this.#write = write;
  }

  readonly observe: ObserveExchange = (exchange) => {
    if (this.#active.size === 0) this.#begin();
    this.#active.add(exchange);
    return () => {
      this.#active.delete(exchange);
      this.#endedBytes += exchange.bytesSent();
      if (this.#active.size === 0) this.#stop();
    };
  };

  /** To be called before anything else is written; the line comes back by itself. */
  clear(): void {
    if (!this.#isShown) return;
    this.#isShown = false;
    this.#write(CLEAR);
  }

  #begin(): void {
    this.#endedBytes = 0;
    this.#lastBytes = 0;
    this.#lastLook = this.#clock.monotonic();
    this.#arm();
  }

  #stop(): void {
    if (this.#timer !== undefined) this.#clock.clear(this.#timer);
    this.clear();
  }

  #arm(): void {
    this.#timer = this.#clock.after(PROGRESS_REDRAW_MS, () => {
      this.#draw();
      this.#arm();
    });
  }

  #draw(): void {
    const now = this.#clock.monotonic();
    let bytes = this.#endedBytes;
    for (const exchange of this.#active) bytes += exchange.bytesSent();
    const speed = (bytes - this.#lastBytes) / Math.max(1, now - this.#lastLook) / 1000;
    this.#lastBytes = bytes;
    this.#lastLook = now;
    this.#isShown = true;
    const count = this.#active.size;
    this.#write(
      `${CLEAR}${count} ${count === 1 ? "transfer" : "transfers"}, ${speed.toFixed(1)} MB/s`,
    );
  }
}
