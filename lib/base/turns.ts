/** A few at a time: work that is heavy waits for its turn. */

export interface TurnsOptions {
  /** How many have their turn at once. */
  readonly atOnce: number;
  /** How many may wait for theirs. */
  readonly maxWaiting: number;
}

export class Turns {
  readonly #options: TurnsOptions;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Runs `work` when its turn has come; `"full"` at once where too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T | "full"> {
    if (this.#running >= this.#options.atOnce) {
      if (this.#waiting.length >= this.#options.maxWaiting) return "full";
      // Whoever ends passes its place on: it stays counted.
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
