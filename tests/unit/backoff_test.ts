import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { toRetryDelay } from "../../lib/base/backoff.ts";
import { SeededRandom } from "../support/seeded_random.ts";

Deno.test("toRetryDelay steps from 250 ms to 1 s after 5 s and to 30 s after an hour", () => {
  const table: readonly (readonly [number, number])[] = [
    [0, 250],
    [4_999, 250],
    [5_000, 1_000],
    [3_599_999, 1_000],
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

Deno.test("toRetryDelay spreads the tries of a thousand servers that lose their relay at once", () => {
  const random = new SeededRandom(7);
  const bucketMs = 50;
  const buckets: number[] = [];
  for (let server = 0; server < 1000; server++) {
    for (let at = 0; at < 20_000; at += toRetryDelay(at, random.next())) {
      const bucket = Math.floor(at / bucketMs);
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
  }
  // At first all of them try; from the second second on they do so evenly, and later rarely.
  const mean = (from: number, to: number): number =>
    buckets.slice(from, to).reduce((sum, count) => sum + count) / (to - from);
  const most = (from: number, to: number): number => Math.max(...buckets.slice(from, to));
  assert(most(40, 100) < 1.5 * mean(40, 100));
  assert(most(200, 400) < 1.5 * mean(200, 400));
  assert(mean(200, 400) * 1000 / bucketMs < 1500, "fewer than 1,500 a second");
});
