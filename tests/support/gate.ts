/** A hold point: whoever comes waits until the test lets it pass. */

export class Gate {
  readonly #opened = Promise.withResolvers<void>();
  readonly #reached = Promise.withResolvers<void>();

  /** For the code that is held. */
  pass(): Promise<void> {
    this.#reached.resolve();
    return this.#opened.promise;
  }

  /** Resolves when somebody waits at it. */
  get reached(): Promise<void> {
    return this.#reached.promise;
  }

  open(): void {
    this.#opened.resolve();
  }
}
