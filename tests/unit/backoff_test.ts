import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { toRetryDelay } from "../../lib/base/backoff.ts";

Deno.test("toRetryDelay is a quarter of the outage, from 250 ms to 1.5 s, and 30 s after an hour", () => {
  const table: readonly (readonly [number, number])[] = [
    [0, 250],
    [1_000, 250],
    [4_000, 1_000],
    [20_000, 1_500],
    [3_599_999, 1_500],
    [3_600_000, 30_000],
    [Number.MAX_SAFE_INTEGER, 30_000],
  ];
  for (const [outage, longest] of table) {
    assertEquals(toRetryDelay(outage, 1), longest);
    assertEquals(toRetryDelay(outage, 0), longest / 2);
  }
});

Deno.test("toRetryDelay is never below an eighth of a second, and grows with the outage", () => {
  const duration = fc.double({ min: 0, max: 1e9, noNaN: true });
  const random = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  fc.assert(
    fc.property(duration, duration, random, (a, b, r) => {
      const [short, long] = [toRetryDelay(Math.min(a, b), r), toRetryDelay(Math.max(a, b), r)];
      assert(short >= 125 && short <= long && long <= 30_000);
    }),
  );
});
