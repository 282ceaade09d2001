/** One input after the other, until one fails or there have been enough. */

import { SeededRandom } from "../support/seeded_random.ts";
import { mutate } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";

export interface FuzzFailure {
  /** Brings what was random in the run of it back. */
  readonly seed: number;
  readonly bytes: Uint8Array;
  readonly error: unknown;
}

/** An input, and how long it took in the better of two runs. */
export interface SlowInput {
  readonly bytes: Uint8Array;
  readonly ms: number;
}

export interface FuzzRun {
  readonly executions: number;
  readonly slowest: SlowInput;
  readonly failure: FuzzFailure | undefined;
}

/** Tries mutated inputs of the corpus; `goesOn` is asked before each. */
export function runTarget(
  target: FuzzTarget,
  { corpus, random, goesOn }: {
    readonly corpus: readonly Uint8Array[];
    readonly random: SeededRandom;
    readonly goesOn: (executions: number) => boolean;
  },
): FuzzRun {
  let executions = 0;
  let slowest: SlowInput = { bytes: new Uint8Array(), ms: 0 };
  while (goesOn(executions)) {
    const bytes = mutate(corpus, target.tokens, random);
    const seed = random.integer(0, 2 ** 32 - 1);
    const begin = performance.now();
    const error = findError(target, bytes, seed);
    executions++;
    const ms = performance.now() - begin;
    if (ms > slowest.ms) slowest = slower(slowest, target, { bytes, seed, ms });
    if (error === undefined) continue;
    return { executions, slowest, failure: minimise(target, { seed, bytes, error }) };
  }
  return { executions, slowest, failure: undefined };
}

/** The slower one of two inputs. What took long once may have been held up by something else. */
function slower(
  slowest: SlowInput,
  target: FuzzTarget,
  { bytes, seed, ms }: SlowInput & { readonly seed: number },
): SlowInput {
  const begin = performance.now();
  findError(target, bytes, seed);
  const better = Math.min(ms, performance.now() - begin);
  return better > slowest.ms ? { bytes, ms: better } : slowest;
}

/** What a target throws at an input; undefined where all holds. */
export function findError({ run }: FuzzTarget, bytes: Uint8Array, seed: number): unknown {
  try {
    run(bytes.slice(), new SeededRandom(seed));
    return undefined;
  } catch (error) {
    return error ?? new Error("it threw nothing");
  }
}

/** A shorter input that fails too: parts are left out, larger ones first, for as long as it does. */
function minimise(target: FuzzTarget, failure: FuzzFailure): FuzzFailure {
  let best = failure;
  for (let size = Math.ceil(best.bytes.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.bytes.length;) {
      const bytes = Uint8Array.from([
        ...best.bytes.subarray(0, at),
        ...best.bytes.subarray(at + size),
      ]);
      const error = findError(target, bytes, best.seed);
      if (error === undefined) at += size;
      else best = { ...best, bytes, error };
    }
  }
  return best;
}
