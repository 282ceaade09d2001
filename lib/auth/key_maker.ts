/** Making keys: from words, for people, or from random bytes, for programs. */

import { EFF_WORDS, MIN_KEY_WORDS } from "./eff_words.ts";

/** Words in a made key: 90 bits, out of reach for a search over a fast hash; six are enough. */
const DICEWARE_WORDS = 7;

/** Bytes in a made random key, as the original's `gen_key` has it. */
const RANDOM_KEY_BYTES = 64;

/**
 * A key of different words of the EFF large list, run together in CamelCase: no separator that a
 * shell, a URL or a double click would trip over.
 *
 * @throws {RangeError} `words` is not a whole number from 6 to 100.
 */
export function createDicewareKey(words = DICEWARE_WORDS): string {
  if (!Number.isInteger(words) || words < MIN_KEY_WORDS || words > 100) {
    throw new RangeError(`Cannot make a key: words must be ${MIN_KEY_WORDS}-100, not ${words}`);
  }
  const drawn = new Set<string>();
  while (drawn.size < words) drawn.add(drawWord());
  return [...drawn].map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("");
}

/** A key of 64 random bytes, as 88 characters of standard base64. */
export function createRandomKey(): string {
  return crypto.getRandomValues(new Uint8Array(RANDOM_KEY_BYTES)).toBase64();
}

function drawWord(): string {
  // Numbers past the last whole multiple are drawn again: a plain remainder would favour the
  // words at the front of the list.
  const limit = 2 ** 16 - 2 ** 16 % EFF_WORDS.length;
  for (;;) {
    const number = crypto.getRandomValues(new Uint16Array(1))[0] ?? limit;
    const word = EFF_WORDS[number % EFF_WORDS.length];
    if (number < limit && word !== undefined) return word;
  }
}
