/** Digests of whole representations, whatever part of one is sent (RFC 9530 §3, §4). */

import { headerValues } from "./headers.ts";
import type { RawHeaders } from "./message.ts";

/** In the order of our own preference, which decides between equal wishes. */
export const DIGEST_ALGORITHMS = ["sha-256", "sha-512"] as const;

export type DigestAlgorithm = typeof DIGEST_ALGORITHMS[number];

// A member of a dictionary (RFC 8941 §3.2): a key, its weight, and parameters, which mean nothing.
const MEMBER_REGEXP = /^([a-z*][a-z0-9_.*-]*)=([0-9]|10)(?:[ \t]*;.*)?$/;

/**
 * The algorithm that Want-Repr-Digest likes best among ours, or undefined where it wants none of
 * them. Members that are not of its form are skipped.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(wantedDigest(["Want-Repr-Digest", "sha-512=3, sha-256=10, md5=0"]), "sha-256");
 * ```
 */
export function wantedDigest(headers: RawHeaders): DigestAlgorithm | undefined {
  const values = headerValues(headers, "want-repr-digest");
  if (values.length === 0) return undefined;
  const weights = new Map<string, number>();
  for (const member of values.join(",").split(",")) {
    const [, key, weight] = MEMBER_REGEXP.exec(member.trim()) ?? [];
    if (key !== undefined) weights.set(key, Number(weight));
  }
  let wanted: DigestAlgorithm | undefined;
  for (const algorithm of DIGEST_ALGORITHMS) {
    const weight = weights.get(algorithm) ?? 0;
    if (weight > (wanted === undefined ? 0 : weights.get(wanted) ?? 0)) wanted = algorithm;
  }
  return wanted;
}

/** The value of Repr-Digest for the bytes of one digest. */
export function formatDigest(algorithm: DigestAlgorithm, digest: Uint8Array): string {
  return `${algorithm}=:${digest.toBase64()}:`;
}
