/** The Range field (RFC 9110 §14.1.2, §14.2): which bytes of a representation are asked for. */

import { MAX_RANGES } from "../base/limits.ts";

/** Bytes `first` to `last`, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** `whole`: no range was asked for, or the field is to be ignored. `ranges` is never empty. */
export type RangeRequest =
  | { readonly kind: "whole" }
  | { readonly kind: "unsatisfiable" }
  | { readonly kind: "ranges"; readonly ranges: readonly ByteRange[] };

const WHOLE: RangeRequest = { kind: "whole" };
const UNIT_REGEXP = /^[ \t]*bytes[ \t]*=(.*)$/is;
const SPEC_REGEXP = /^([0-9]*)-([0-9]*)$/;

/**
 * Resolves the value of a Range field against a length in bytes. Ranges come as asked for, except
 * that where any overlap or touch, all are sorted and joined: no byte is ever sent twice.
 *
 * An unknown unit, a malformed or backward range, more than MAX_RANGES ranges and any range of an
 * empty representation are ignored, as §14.2 allows.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseRange("bytes=-10", 1000), {
 *   kind: "ranges",
 *   ranges: [{ first: 990, last: 999 }],
 * });
 * ```
 */
export function parseRange(value: string | undefined, length: number): RangeRequest {
  if (value === undefined || length === 0) return WHOLE;
  const list = UNIT_REGEXP.exec(value)?.[1];
  if (list === undefined) return WHOLE;
  const ranges: ByteRange[] = [];
  let count = 0;
  for (const element of list.split(",")) {
    const text = element.trim();
    if (text === "") continue; // §5.6.1.2: empty list elements are legal
    if (++count > MAX_RANGES) return WHOLE;
    const range = parseSpec(text, length);
    if (range === "malformed") return WHOLE;
    if (range !== "unsatisfiable") ranges.push(range);
  }
  if (count === 0) return WHOLE;
  if (ranges.length === 0) return { kind: "unsatisfiable" };
  return { kind: "ranges", ranges: joinOverlaps(ranges) };
}

/** The value of a Content-Range field for one part (RFC 9110 §14.4). */
export function formatContentRange(range: ByteRange, length: number): string {
  return `bytes ${range.first}-${range.last}/${length}`;
}

function parseSpec(text: string, length: number): ByteRange | "malformed" | "unsatisfiable" {
  const [, from, to] = SPEC_REGEXP.exec(text) ?? [];
  if (from === undefined || to === undefined || (from === "" && to === "")) return "malformed";
  if (from === "") {
    const suffix = toCount(to);
    if (suffix === 0) return "unsatisfiable";
    return { first: Math.max(0, length - suffix), last: length - 1 };
  }
  const first = toCount(from);
  const last = to === "" ? Number.MAX_SAFE_INTEGER : toCount(to);
  if (last < first) return "malformed";
  if (first >= length) return "unsatisfiable";
  return { first, last: Math.min(last, length - 1) };
}

// Digits of any number: past 2^53 every value means "past the end of any file".
function toCount(digits: string): number {
  return Math.min(Number(digits), Number.MAX_SAFE_INTEGER);
}

function joinOverlaps(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const joined: ByteRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.first - b.first)) {
    const previous = joined.at(-1);
    if (previous === undefined || range.first > previous.last + 1) joined.push(range);
    else joined[joined.length - 1] = { ...previous, last: Math.max(previous.last, range.last) };
  }
  return joined.length === ranges.length ? ranges : joined;
}
