/**
 * Tripcodes: what a relay keeps in place of a server's key (docs/protocol.md). A tripcode is the
 * standard, padded base64 of the BLAKE3 hash of the key's bytes: 32 bytes, 44 characters.
 */

import { blake3 } from "@noble/hashes/blake3";
import { timingSafeEqual } from "@std/crypto";

const TRIPCODE_CHARS = 44;
const HASH_BYTES = 32;

/**
 * The tripcode of a key.
 *
 * A string is hashed as UTF-8. A key that arrives in a header is a *raw* value, one character per
 * byte: turn it into those bytes first, since as a string its bytes above 127 would be encoded a
 * second time.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(toTripcode("k"), "XLywzugkuRhmzWf1emZD3ct81DggKQOQQ1E5U8dZJGs=");
 * ```
 */
export function toTripcode(key: string | Uint8Array): string {
  return hashKey(key).toBase64();
}

/** Whether a text is a tripcode in its one canonical spelling. */
export function isTripcode(text: string): boolean {
  return decodeTripcode(text) !== undefined;
}

/**
 * Whether a key (see {@linkcode toTripcode} for its form) has this tripcode; false where the
 * tripcode is malformed. The time taken does not tell where the two differ.
 */
export function matchesTripcode(key: string | Uint8Array, tripcode: string): boolean {
  const wanted = decodeTripcode(tripcode);
  return wanted !== undefined && timingSafeEqual(hashKey(key), wanted);
}

function hashKey(key: string | Uint8Array): Uint8Array {
  return blake3(typeof key === "string" ? new TextEncoder().encode(key) : key);
}

function decodeTripcode(text: string): Uint8Array | undefined {
  if (text.length !== TRIPCODE_CHARS) return undefined;
  try {
    // "strict" wants the padding and refuses stray bits in the last character.
    const bytes = Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
    return bytes.length === HASH_BYTES ? bytes : undefined;
  } catch {
    return undefined; // Not base64.
  }
}
