/** Whether bytes, or their base64, look as if a random generator had made them. Pure. */

/** Longest period that {@linkcode isPatterned} sees through. */
const MAX_LAG = 8;

/**
 * Whether values follow a rule: they repeat with a period of up to 8, count up or down, or are
 * several such rows woven together. Then, at some distance, one difference stands between more
 * than a third of all pairs.
 *
 * For 32 or more random bytes that is true with a probability below 1e-13, for the characters of
 * their base64 below 1e-10.
 */
export function isPatterned(values: ArrayLike<number>): boolean {
  for (let lag = 1; lag <= MAX_LAG; lag++) {
    const pairs = values.length - lag;
    const counts = new Map<number, number>();
    for (let i = 0; i < pairs; i++) {
      const difference = (values[i + lag] ?? 0) - (values[i] ?? 0) & 0xff;
      const count = (counts.get(difference) ?? 0) + 1;
      if (count * 3 > pairs) return true;
      counts.set(difference, count);
    }
  }
  return false;
}

/**
 * Whether bytes are printable ASCII throughout, which 32 or more random ones are with a
 * probability below 1e-13: then they are a text that somebody encoded.
 */
export function isAsciiText(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte >= 0x20 && byte <= 0x7e || byte === 0x0a || byte === 0x0d);
}

/**
 * Whether a text's letters, digits and signs are mixed the way random ones are, and words, CamelCase
 * and keyboard walks are not. Random base64 of 32 bytes fails it once in a few hundred times, so a
 * failure proves nothing.
 */
export function isScrambled(text: string): boolean {
  if (!/[a-z]/.test(text) || !/[A-Z]/.test(text)) return false;
  const kinds = [...text].map(toKind);
  const others = kinds.filter((kind) => kind !== "lower" && kind !== "upper").length;
  if (others * 20 < text.length) return false;
  const changes = kinds.filter((kind, i) => i > 0 && kind !== kinds[i - 1]).length;
  if (changes * 5 < (text.length - 1) * 2) return false;
  return !hasRepeat(text.toLowerCase(), 4);
}

function toKind(char: string): "lower" | "upper" | "digit" | "sign" {
  if (/[a-z]/.test(char)) return "lower";
  if (/[A-Z]/.test(char)) return "upper";
  return /[0-9]/.test(char) ? "digit" : "sign";
}

function hasRepeat(text: string, length: number): boolean {
  const seen = new Set<string>();
  for (let i = 0; i + length <= text.length; i++) {
    const part = text.slice(i, i + length);
    if (seen.has(part)) return true;
    seen.add(part);
  }
  return false;
}
