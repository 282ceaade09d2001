/** Long loops in slices, between which the event loop serves everybody else. */

import { LISTING_SLICE_ENTRIES } from "../base/limits.ts";
import { Pacer } from "../base/pacer.ts";

/** The items in groups of LISTING_SLICE_ENTRIES; between two groups others have a turn when due. */
export async function* inSlices<T>(items: readonly T[]): AsyncGenerator<readonly T[]> {
  const pacer = new Pacer();
  // Many may begin at once, and each would go on unbroken for a while.
  if (items.length > LISTING_SLICE_ENTRIES) await pacer.giveTurn();
  for (let at = 0; at < items.length; at += LISTING_SLICE_ENTRIES) {
    // It is due for the work of whoever takes the slices, too.
    if (pacer.isDue()) await pacer.giveTurn();
    yield items.slice(at, at + LISTING_SLICE_ENTRIES);
  }
}

/** A sorted copy; equal items keep their order. */
export async function sortInSlices<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
): Promise<T[]> {
  const pacer = new Pacer();
  let runs: T[][] = [];
  for await (const slice of inSlices(items)) runs.push(slice.toSorted(compare));
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(await merge(runs[i] ?? [], runs[i + 1] ?? [], { compare, pacer }));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T>(
  a: T[],
  b: T[],
  { compare, pacer }: { readonly compare: (a: T, b: T) => number; readonly pacer: Pacer },
): Promise<T[]> {
  const merged: T[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const left = a[i];
    const right = b[j];
    if (right === undefined || (left !== undefined && compare(left, right) <= 0)) {
      if (left !== undefined) merged.push(left);
      i++;
    } else {
      merged.push(right);
      j++;
    }
    if (merged.length % LISTING_SLICE_ENTRIES === 0 && pacer.isDue()) await pacer.giveTurn();
  }
  return merged;
}
