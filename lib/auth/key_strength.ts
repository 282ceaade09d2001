/**
 * Whether a text can serve as a server's key. A tripcode is a fast, unsalted hash that lies in a
 * relay's configuration, so a key must withstand guessing by whoever reads that file: unlike a
 * password at a login, nothing slows the guesser down.
 *
 * Shape decides first, since it can be told at once and without a doubt; the estimator, slow to
 * load, judges only what is left.
 */

import { MAX_KEY_CHARS } from "../base/limits.ts";
import { isPublished } from "./published_keys.ts";
import { isAsciiText, isPatterned, isScrambled } from "./random_look.ts";

/** `reason` completes a sentence about the key ("it is …") and never holds any part of it. */
export type KeyVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** What to tell the owner of a refused key. */
export const KEY_HINT = "Make a good key with ptth_server --generate-key";

/** Bytes behind a base64 key from which on its shape decides: the strength of BLAKE3 itself. */
const MIN_RANDOM_BYTES = 32;

/**
 * Guesses, as a power of ten, that a key must withstand by the estimator's count: 63 bits, which
 * a rack of graphics cards trying 1e12 BLAKE3 hashes a second goes through in four months. Only
 * regular keys are worth no more than the count. It takes any character without a pattern for one
 * of ten: the 19 random letters and digits that just pass withstand 1e34 guesses.
 */
const MIN_GUESSES_LOG10 = 19;

const OK: KeyVerdict = { ok: true };

/**
 * Judges a key.
 *
 * These pass: base64 (standard or url-safe, padded or not) of 32 or more bytes that look random;
 * six different words of the EFF large list, in any case and with any separators or none; anything
 * else that an estimator credits with 1e19 guesses. These do not, whatever their length: published
 * examples, fewer words, text or a pattern in base64, what a header cannot carry.
 *
 * Of random base64 keys fewer than one in 1e9 is refused.
 */
export async function checkKey(key: string): Promise<KeyVerdict> {
  const fault = findKeyFault(key);
  if (fault !== undefined) return refuse(fault);
  if (isPublished(key)) return refuse("it contains a published example");

  const bytes = decodeBase64(key);
  if (bytes !== undefined && looksRandom(key, bytes)) return OK;

  const { countWords, MIN_KEY_WORDS } = await import("./eff_words.ts");
  const words = countWords(key.toLowerCase().replace(/[^a-z]/g, ""));
  if (words >= MIN_KEY_WORDS) return OK;
  if (words > 0 && hasOnlySeparators(key)) {
    return refuse(`it has fewer than ${MIN_KEY_WORDS} different words of the EFF list`);
  }

  for (const decoded of [decodeHex(key), bytes]) {
    if (decoded === undefined) continue;
    if (isAsciiText(decoded)) return await checkEncodedText(decoded);
    if (isPatterned(decoded) || isPatterned(toCodes(key))) return refuse("it follows a pattern");
  }

  const { estimateGuessesLog10 } = await import("./guesses.ts");
  const strong = estimateGuessesLog10(key) >= MIN_GUESSES_LOG10;
  return strong ? OK : refuse("it is too easy to guess");
}

/** Whether base64 looks as if it came from a random generator. */
function looksRandom(base64: string, bytes: Uint8Array): boolean {
  return isScrambled(base64) && !isAsciiText(bytes) && !isPatterned(bytes) &&
    !isPatterned(toCodes(base64));
}

/** Judges the text behind an encoding: it is all that the key is worth. */
async function checkEncodedText(bytes: Uint8Array): Promise<KeyVerdict> {
  const verdict = await checkKey(new TextDecoder().decode(bytes).trim());
  return verdict.ok ? OK : refuse(`it encodes a text that is no good key: ${verdict.reason}`);
}

function refuse(reason: string): KeyVerdict {
  return { ok: false, reason };
}

/** Why the key, weak or strong, cannot travel in a header field (RFC 9110 §5.5), or undefined. */
export function findKeyFault(key: string): string | undefined {
  if (key === "") return "it is empty";
  if (key.length > MAX_KEY_CHARS) return `it is longer than ${MAX_KEY_CHARS} characters`;
  if (/^\s|\s$/.test(key)) return "it begins or ends with white space, which a header loses";
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x1f\x7f]/.test(key)) return "it has a control character, which a header cannot carry";
  // Programs differ in how they send such characters, so the relay would see another key.
  if (/[^\x20-\x7e]/.test(key)) {
    return "it has a character outside ASCII, which a header may garble";
  }
  return undefined;
}

function toCodes(key: string): Uint8Array {
  return new TextEncoder().encode(key);
}

/** The 32 or more bytes that the key is base64 of, or undefined. */
function decodeBase64(key: string): Uint8Array | undefined {
  // fromBase64 skips white space, which no encoder puts into a key.
  if (/\s/.test(key)) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(key.replaceAll("-", "+").replaceAll("_", "/"));
    return bytes.length >= MIN_RANDOM_BYTES ? bytes : undefined;
  } catch {
    return undefined; // Not base64.
  }
}

/** The 32 or more bytes that the key is hexadecimal of, or undefined. */
function decodeHex(key: string): Uint8Array | undefined {
  const isHex = /^(?:[0-9a-f]{2})+$/i.test(key) && key.length >= 2 * MIN_RANDOM_BYTES;
  return isHex ? Uint8Array.fromHex(key) : undefined;
}

/** Whether what is not a letter merely divides words: at most two different characters. */
function hasOnlySeparators(key: string): boolean {
  return new Set(key.replace(/[a-z]/gi, "")).size <= 2;
}
