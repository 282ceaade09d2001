import { assert, assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import { MAX_RANGES } from "../../lib/base/limits.ts";
import { formatContentRange, parseRange } from "../../lib/http/range.ts";

type Pair = readonly [first: number, last: number];

function pairs(value: string, length: number): Pair[] | string {
  const result = parseRange(value, length);
  return result.kind === "ranges" ? result.ranges.map((r) => [r.first, r.last]) : result.kind;
}

Deno.test("parseRange resolves single ranges and clamps them to the length (RFC 9110 §14.1.2)", () => {
  const rows: [value: string, Pair][] = [
    ["bytes=0-9", [0, 9]],
    ["bytes=0-0", [0, 0]],
    ["bytes=990-", [990, 999]],
    ["bytes=-10", [990, 999]],
    ["bytes=-5000", [0, 999]],
    ["bytes=900-99999", [900, 999]],
    ["bytes=0-99999999999999999999999", [0, 999]],
    ["bytes=-99999999999999999999999", [0, 999]],
    ["bytes=00000000000000000000000005-0006", [5, 6]],
    ["BYTES = 1-2 ", [1, 2]],
    ["bytes=,,1-2,", [1, 2]],
  ];
  for (const [value, pair] of rows) assertEquals(pairs(value, 1000), [pair], value);
});

Deno.test("parseRange finds ranges past the end and empty suffixes unsatisfiable (RFC 9110 §14.1.2)", () => {
  const values = ["bytes=1000-", "bytes=1000-2000", "bytes=-0", "bytes=-0,5000-"];
  values.push("bytes=99999999999999999999999-", `bytes=${"9".repeat(5000)}-`);
  for (const value of values) assertEquals(pairs(value, 1000), "unsatisfiable", value);
});

Deno.test("parseRange ignores what is malformed or of another unit (RFC 9110 §14.2)", () => {
  const values = [
    "",
    "bytes",
    "bytes=",
    "bytes=,",
    "bytes=-",
    "bytes=abc",
    "bytes=9-0",
    "bytes=5-2",
  ];
  values.push(
    "bytes=1-2,9-0",
    "bytes=1-2-3",
    "bytes=--1",
    "bytes=1.0-2",
    "bytes=+1-2",
    "bytes=0x1-",
  );
  values.push("lines=1-2", "bytes 1-2", "bytes=1 -2", "bytes=\u0661-2", "none");
  for (const value of values) assertEquals(pairs(value, 1000), "whole", value);
  assertEquals(parseRange(undefined, 1000).kind, "whole");
});

Deno.test("parseRange ignores every range of an empty representation (RFC 9110 §14.2)", () => {
  for (const value of ["bytes=0-", "bytes=-1", "bytes=0-0"]) assertEquals(pairs(value, 0), "whole");
});

Deno.test("parseRange keeps apart ranges in the order asked for, without the unsatisfiable (RFC 9110 §15.3.7.2)", () => {
  assertEquals(pairs("bytes=10-11, 0-1", 1000), [[10, 11], [0, 1]]);
  assertEquals(pairs("bytes=0-1,5000-", 1000), [[0, 1]]);
});

Deno.test("parseRange joins ranges that overlap or touch (RFC 9110 §15.3.7.2)", () => {
  assertEquals(pairs("bytes=5-9,0-6", 1000), [[0, 9]]);
  assertEquals(pairs("bytes=0-1,2-3,10-11", 1000), [[0, 3], [10, 11]]);
  assertEquals(pairs("bytes=0-,0-,0-,-1", 1000), [[0, 999]]);
});

Deno.test("parseRange ignores a field with more than MAX_RANGES ranges (RFC 9110 §17.15)", () => {
  const many = (count: number): string =>
    `bytes=${Array.from({ length: count }, (_, i) => `${i * 3}-${i * 3}`).join(",")}`;
  assertEquals(pairs(many(MAX_RANGES), 1000).length, MAX_RANGES);
  assertEquals(pairs(many(MAX_RANGES + 1), 1000), "whole");
});

Deno.test("parseRange never asks for a byte twice or for one that is not there", () => {
  const spec = fc.tuple(fc.option(fc.nat(50)), fc.option(fc.nat(50)))
    .map(([a, b]) => `${a ?? ""}-${b ?? ""}`);
  fc.assert(fc.property(fc.array(spec), fc.nat(40), (specs, length) => {
    const result = parseRange(`bytes=${specs.join(",")}`, length);
    if (result.kind !== "ranges") return;
    const seen = new Set<number>();
    for (const { first, last } of result.ranges) {
      assert(first <= last);
      assertLess(last, length);
      for (let i = first; i <= last; i++) {
        assert(!seen.has(i));
        seen.add(i);
      }
    }
  }));
});

Deno.test("formatContentRange names first, last and complete length (RFC 9110 §14.4)", () => {
  assertEquals(formatContentRange({ first: 0, last: 9 }, 1000), "bytes 0-9/1000");
});
