/** What is fuzzed: something that takes bytes of strangers, and what must hold whatever they are. */

import type { SeededRandom } from "../support/seeded_random.ts";

export interface FuzzTarget {
  /** Also its folder below tests/corpus. */
  readonly name: string;
  /** What matters in its format; one character per byte. */
  readonly tokens: readonly string[];
  /**
   * @throws {Error} where something does not hold: what is thrown by the code under test, unless it
   *   is what that documents for bad input, or a word on what is wrong.
   */
  readonly run: (bytes: Uint8Array, random: SeededRandom) => void;
}

/** Fails with a word on what does not hold. */
export function hold(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`It does not hold that ${what}`);
}

/** The value, or undefined where it was refused as is documented. */
export function refusedBy<T>(
  refusal: abstract new (...args: never[]) => Error,
  work: () => T,
): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof refusal) return undefined;
    throw error;
  }
}

/** Whether two values of texts, numbers and lists are the same. */
export function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
