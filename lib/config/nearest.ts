/** The known word that a misspelt one was probably meant to be. */

const MAX_EDITS = 2;

/**
 * The candidate fewest edits away (a character added, dropped, changed, or swapped with its
 * neighbour); the first of several; undefined past two edits, or where the edits would leave less
 * than half of the word.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(findNearest("realy_url", ["port", "relay_url"]), "relay_url");
 * assertEquals(findNearest("colour", ["port", "relay_url"]), undefined);
 * ```
 */
export function findNearest(word: string, candidates: Iterable<string>): string | undefined {
  let nearest: string | undefined;
  let fewest = MAX_EDITS + 1;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > MAX_EDITS) continue;
    const edits = countEdits(word, candidate);
    if (edits < fewest && edits * 2 < candidate.length) {
      nearest = candidate;
      fewest = edits;
    }
  }
  return nearest;
}

/** Damerau-Levenshtein distance, in its restricted form: nothing is edited twice. */
function countEdits(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = a[i - 1] === b[j - 1] ? 0 : 1;
      let edits = Math.min(
        at(last, j) + 1,
        at(row, j - 1) + 1,
        at(last, j - 1) + changed,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        edits = Math.min(edits, at(beforeLast, j - 2) + 1);
      }
      row.push(edits);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
