import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { findTrend, type Point, toSlope } from "../soak/trend.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const BOUND = { perMinute: 1, noise: 2 };

function series(toValue: (minute: number, noise: number) => number): readonly Point[] {
  const random = new SeededRandom(7);
  return Array.from({ length: 120 }, (_, i) => {
    const at = i / 6;
    return { at, value: toValue(at, random.next() - 0.5) };
  });
}

Deno.test("toSlope is that of a line, whatever a fifth of its points are", () => {
  const points = series((at) => 3 * at + 5).map((point, i) =>
    i % 5 === 0 ? { ...point, value: 1000 } : point
  );
  assertAlmostEquals(toSlope(points), 3, 0.3);
});

Deno.test("toSlope of fewer than two points is none", () => {
  assertEquals(toSlope([]), 0);
  assertEquals(toSlope([{ at: 1, value: 5 }]), 0);
});

Deno.test("findTrend finds a leak in noise", () => {
  assert(findTrend(series((at, noise) => 100 + 1.5 * at + 10 * noise), BOUND)?.isTooSteep);
});

Deno.test("findTrend takes neither noise, nor warming up, nor a step for a leak", () => {
  const harmless: readonly ((at: number, noise: number) => number)[] = [
    (_, noise) => 100 + 10 * noise,
    (at, noise) => 100 - 80 * Math.exp(-at) + noise,
    (at, noise) => (at < 13 ? 100 : 150) + noise,
    (at, noise) => (at < 9 ? 100 : 150) + noise,
  ];
  for (const toValue of harmless) {
    assertEquals(findTrend(series(toValue), BOUND)?.isTooSteep, false);
  }
});

Deno.test("findTrend lets a run grow by what may be chance", () => {
  const points = series((at) => at / 6).map(({ at, value }) => ({ at: at / 6, value }));
  const trend = findTrend(points, BOUND);
  assertAlmostEquals(trend?.slope ?? NaN, 1, 1e-6);
  assertEquals(trend?.isTooSteep, false);
  const tight = findTrend(points, { perMinute: 0.5, noise: 1 });
  assertEquals(tight?.isTooSteep, true);
});

Deno.test("findTrend does not judge a program that is still warming up", () => {
  const points = series((at) => 200 * at).filter(({ at }) => at < 2.9);
  assertEquals(findTrend(points, BOUND), undefined);
});
