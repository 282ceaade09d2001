/**
 * How many guesses a key withstands, by zxcvbn: it knows leaked passwords, words and names in plain,
 * reversed and l33t spelling, keyboard walks, dates, sequences and repetition. Loading its word
 * lists takes a quarter of a second, so this module is only ever imported on demand.
 */

import { type MatchExtended, ZxcvbnFactory } from "@zxcvbn-ts/core";
import { adjacencyGraphs, dictionary as commonDictionary } from "@zxcvbn-ts/language-common";
import { dictionary as englishDictionary } from "@zxcvbn-ts/language-en";
import { MAX_ESTIMATED_CHARS } from "../base/limits.ts";

/** Most that a keyboard walk counts: zxcvbn takes each turn for a free choice, people zigzag. */
const MAX_WALK_GUESSES_LOG10 = 8;

/** Spellings tried per key with l33t characters undone: the default of 100 takes seven times as long. */
const MAX_LEET_SPELLINGS = 10;

const estimator = new ZxcvbnFactory({
  dictionary: { ...commonDictionary, ...englishDictionary },
  graphs: adjacencyGraphs,
  l33tMaxSubstitutions: MAX_LEET_SPELLINGS,
});

/**
 * The decimal logarithm of the guesses that the first 40 characters withstand: never more than the
 * whole does. What shows no pattern counts as 10 guesses a character, whatever its alphabet.
 */
export function estimateGuessesLog10(text: string): number {
  const estimate = estimate40(text);
  // Words and dates between separators pass for random characters; without them they are found.
  const joined = text.replace(/[^a-z0-9]/gi, "");
  return hasSeparators(text) ? Math.min(estimate, estimate40(joined)) : estimate;
}

function estimate40(text: string): number {
  // Not `guessesLog10` of the whole, which supposes a guesser who does not know in what order the
  // kinds of parts come, and so credits four common words with 1e20 guesses.
  const { sequence } = estimator.check(text.slice(0, MAX_ESTIMATED_CHARS));
  return sequence.reduce((sum, match) => sum + toGuessesLog10(match), 0);
}

function toGuessesLog10(match: MatchExtended): number {
  const guesses = Number(match["guessesLog10"]);
  return match.pattern === "spatial" ? Math.min(guesses, MAX_WALK_GUESSES_LOG10) : guesses;
}

/** Whether what is neither letter nor digit merely divides: one or two different characters. */
function hasSeparators(text: string): boolean {
  const count = new Set(text.replace(/[a-z0-9]/gi, "")).size;
  return count === 1 || count === 2;
}
