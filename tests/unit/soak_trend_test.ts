import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { drawPanels } from "../soak/plot.ts";
import { findTrend, isGrowing, type Point } from "../soak/trend.ts";

const BOUND = { share: 0.05, atLeast: 3 };

/** A value every 2 s for 20 minutes. */
function run(valueAt: (seconds: number) => number): readonly Point[] {
  return Array.from({ length: 600 }, (_, i) => ({ at: 2 * i, value: valueAt(2 * i) }));
}

function grows(valueAt: (seconds: number) => number): boolean {
  const trend = findTrend(run(valueAt));
  assert(trend !== undefined);
  return isGrowing(trend, BOUND);
}

Deno.test("findTrend: what leaks slowly grows", () => {
  assert(grows((at) => 100 + at / 100));
});

Deno.test("findTrend: garbage that is collected now and then is no growth", () => {
  assert(!grows((at) => 50 + at % 120));
});

Deno.test("findTrend: a leak below garbage that is collected is found", () => {
  assert(grows((at) => 50 + at % 120 + at / 100));
});

Deno.test("findTrend: neither a warm-up, nor a step, nor a peak is growth", () => {
  assert(!grows((at) => Math.min(100, at)));
  assert(!grows((at) => at === 600 ? 1000 : 100));
});

Deno.test("findTrend: less than the bound is no growth", () => {
  assert(!grows((at) => 1000 + at / 100));
});

Deno.test("findTrend says nothing of a run that is too short", () => {
  assertEquals(findTrend(run(() => 1).slice(0, 10)), undefined);
});

Deno.test("drawPanels draws a line per program, from left to right, on its panel", () => {
  const points = [{ at: 0, value: 0 }, { at: 60, value: 10 }];
  const svg = drawPanels([{ title: "heap, MiB", lines: [{ program: "relay", points }] }]);
  assertStringIncludes(svg, '<polyline class="relay" points="56.0,106.0 708.0,26.0"/>');
  assertStringIncludes(svg, ">heap, MiB</text>");
  assertStringIncludes(svg, ">1.0 minutes</text>");
});
