/** Choosing among the content codings of one answer by Accept-Encoding (RFC 9110 §12.5.3). */

import { headerValues } from "./headers.ts";
import type { RawHeaders } from "./message.ts";

export type ContentCoding = "br" | "zstd" | "gzip";

/** In the order of our own preference, which decides where the request has none: smallest first. */
const CODINGS = ["br", "zstd", "gzip", "identity"] as const;

// A coding or `*`, and its weight; elements of any other form are skipped.
const ELEMENT_REGEXP =
  /^([!#$%&'*+.^_`|~0-9a-z-]+)(?:[ \t]*;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/;

// Without a mention identity is acceptable, but every coding that is mentioned is liked better.
const UNMENTIONED_IDENTITY_WEIGHT = 0.0001;

/**
 * The codings that the request accepts, best first; `identity` stands for none. Without the field
 * it is identity alone: all would be acceptable then, but who is silent may not know any.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(rankCodings(["Accept-Encoding", "gzip;q=0.5, br"]), ["br", "gzip", "identity"]);
 * assertEquals(rankCodings(["Accept-Encoding", "gzip, *;q=0"]), ["gzip"]);
 * ```
 */
export function rankCodings(headers: RawHeaders): readonly (ContentCoding | "identity")[] {
  const values = headerValues(headers, "accept-encoding");
  return values.length === 0 ? IDENTITY_ALONE : rankValue(values.join(","));
}

const IDENTITY_ALONE = ["identity"] as const;

let rankedValue = "";
let ranking: readonly (ContentCoding | "identity")[] = IDENTITY_ALONE;

// All requests of one browser say the same.
function rankValue(value: string): readonly (ContentCoding | "identity")[] {
  if (value !== rankedValue) {
    const weights = parseWeights(value);
    const weigh = (coding: string): number =>
      weights.get(coding) ?? weights.get("*") ??
        (coding === "identity" ? UNMENTIONED_IDENTITY_WEIGHT : 0);
    ranking = CODINGS.filter((coding) => weigh(coding) > 0)
      .sort((a, b) => weigh(b) - weigh(a));
    rankedValue = value;
  }
  return ranking;
}

function parseWeights(value: string): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const element of value.toLowerCase().split(",")) {
    const [, name, weight = "1"] = ELEMENT_REGEXP.exec(element.trim()) ?? [];
    // §8.4.1.3: `x-gzip` is another name of gzip.
    if (name !== undefined) weights.set(name === "x-gzip" ? "gzip" : name, Number(weight));
  }
  return weights;
}
