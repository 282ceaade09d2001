import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { drawPanels } from "../soak/line_charts.ts";

const PANEL = {
  title: "Memory, <MiB>",
  series: [
    { name: "relay", points: [{ at: 0, value: 0 }, { at: 1, value: 5 }, { at: 2, value: 10 }] },
    { name: "server", points: [{ at: 0, value: 10 }, { at: 2, value: 10 }] },
  ],
};

Deno.test("drawPanels puts the first point at the left, the greatest value at the top", () => {
  const svg = drawPanels("A soak", [PANEL]);
  const lines = [...svg.matchAll(/<polyline class="(line\d)" points="([^"]*)"/g)]
    .map(([, name, points]) => [name, points]);
  assertEquals(lines, [
    ["line0", "70.0,120.0 389.0,75.0 708.0,30.0"],
    ["line1", "70.0,30.0 708.0,30.0"],
  ]);
});

Deno.test("drawPanels can be read on dark pages, and takes no title for markup", () => {
  const svg = drawPanels('"A" & B', [PANEL, PANEL]);
  assertStringIncludes(svg, "prefers-color-scheme: dark");
  assertStringIncludes(svg, "Memory, &lt;MiB>");
  assertStringIncludes(svg, 'aria-label="&quot;A&quot; &amp; B"');
  assertMatch(svg, /2\.00 minutes<\/text>/);
});

Deno.test("drawPanels draws what has no values, or only zeros", () => {
  const empty = { title: "Nothing", series: [{ name: "relay", points: [] }] };
  const zeros = { title: "Zeros", series: [{ name: "relay", points: [{ at: 0, value: 0 }] }] };
  const svg = drawPanels("Nothing", [empty, zeros]);
  assertEquals(/NaN|Infinity/.test(svg), false);
});
