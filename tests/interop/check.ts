/** What a check is, and the comparisons that checks fail by. */

import type { Pairing, World } from "./world.ts";

export interface Check {
  /** The criterion, as the table shows it. */
  readonly name: string;
  /** Pairings to which it applies; all when absent. */
  readonly applies?: (pairing: Pairing) => boolean;
  /** Throws when the criterion is not met. */
  readonly run: (world: World) => Promise<void>;
}

/** @throws {Error} naming `what`, when the two differ */
export function equal<T extends string | number | boolean | null>(
  what: string,
  actual: T,
  wanted: T,
): void {
  if (actual !== wanted) {
    throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(wanted)}`);
  }
}

/** @throws {Error} with `message` when the condition is false */
export function ensure(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}
