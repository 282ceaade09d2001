/** What becomes of a benchmark's figures. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { addFailure, addSample, type Cell } from "../bench/cells.ts";
import { formatRow, insertReport } from "../bench/report.ts";
import { quantile } from "../bench/statistics.ts";
import { drawReport } from "../bench/tunnel/charts.ts";
import { formatReport, type Report } from "../bench/tunnel/report.ts";
import { pickRows, ROWS } from "../bench/tunnel/rows.ts";
import { UsageError } from "../bench/usage_error.ts";

const found = { kind: "found", version: "1.2.3" } as const;
const missing = { kind: "missing", reason: "frps is not on PATH" } as const;

function toCell(...values: number[]): Cell {
  return { kind: "measured", values, details: { "p99, ms": values.map((value) => value / 10) } };
}

function toReport(changes: Partial<Report> = {}): Report {
  return {
    date: "2026-01-02",
    machine: "a computer",
    rounds: 3,
    seconds: 2,
    bigMib: 1,
    versions: { ours: found, other: found, frp: missing, direct: found },
    kinds: { ours: "tunnel", other: "tunnel", frp: "tunnel", direct: "control" },
    rows: [{
      id: "get-1k-c1",
      name: "1 KiB, 1 connection",
      unit: "req/s",
      command: "wrk URL/1k.bin",
      cells: { ours: toCell(100, 300, 200), other: toCell(400), direct: toCell(800) },
    }, {
      id: "rss-start",
      name: "Memory",
      unit: "MiB",
      command: "ps",
      cells: { ours: toCell(50), other: toCell(60) },
    }],
    ...changes,
  };
}

Deno.test("a cell keeps what was measured before a round that failed", () => {
  const once = addSample(undefined, { value: 1, details: { "p99, ms": 5 } });
  const twice = addSample(once, { value: 2, details: { "p99, ms": 7 } });
  assertEquals(addFailure(twice, "it hung"), {
    kind: "measured",
    values: [1, 2],
    details: { "p99, ms": [5, 7] },
    failure: "it hung",
  });
  assertEquals(addFailure(undefined, "it hung"), { kind: "not measured", reason: "it hung" });
});

Deno.test("quantile is a value of the list, its last for all of it", () => {
  const values = [5, 1, 4, 2, 3];
  assertEquals([0, 0.5, 0.99, 1].map((part) => quantile(values, part)), [1, 3, 5, 5]);
});

Deno.test("a row has median, range, ratio and details, and the reason of what is missing", () => {
  const { rows: [row], versions } = toReport();
  assert(row !== undefined);
  const text = formatRow(row, versions);
  assertStringIncludes(text, "| ours | 200 | 100 – 300 | 1.00 | 20.0 |");
  assertStringIncludes(text, "| other | 400 | 400 – 400 | 0.500 | 40.0 |");
  assertStringIncludes(text, "| frp | not measured | frps is not on PATH |  |  |");
});

Deno.test("a summary marks the best tunnel, be it ours or not, and no control", () => {
  const text = formatReport(toReport());
  assertStringIncludes(text, "| ours | tunnel | 200 | **50.0** |");
  assertStringIncludes(text, "| other | tunnel | **400** | 60.0 |");
  assertStringIncludes(text, "| direct | control | 800 | – |");
});

Deno.test("a report says where others are better, and how much, but not of small differences", () => {
  const { rows } = toReport();
  const [row] = rows;
  assert(row !== undefined);
  const nearly = { ...row, name: "Nearly", cells: { ours: toCell(100), other: toCell(104) } };
  const text = formatReport(toReport({ rows: [...rows, nearly] }));
  assertStringIncludes(
    text,
    "Of 3 rows in which ours was measured, another tunnel is better in 1,",
  );
  assertStringIncludes(text, "- 1 KiB, 1 connection: other (2.00 times)\n");
  assert(!text.includes("- Nearly"));
});

Deno.test("charts show the best first, and no contestant that is missing", () => {
  const [speed, memory, ...rest] = drawReport(toReport());
  assert(speed !== undefined && memory !== undefined);
  assertEquals(rest, []);
  assertEquals(speed.path, "benchmarks/get-1k-c1.svg");
  const order = (svg: string): string[] =>
    [...svg.matchAll(/text-anchor="end">(.*?)</g)].map(([, name = ""]) => name);
  assertEquals(order(speed.svg), ["direct", "other", "ours"]);
  assertEquals(order(memory.svg), ["ours", "other"]);
});

Deno.test("a chart of delays that differ much is logarithmic, one of speeds is not", () => {
  const cells = { ours: toCell(1), other: toCell(1000) };
  const [row] = toReport().rows;
  assert(row !== undefined);
  const draw = (unit: "ms" | "req/s"): string =>
    drawReport(toReport({ rows: [{ ...row, unit, cells }] }))[0]?.svg ?? "";
  assertStringIncludes(draw("ms"), "logarithmic");
  assert(!draw("req/s").includes("logarithmic"));
});

Deno.test("insertReport replaces what stands between the markers of its group alone", () => {
  const text = "a<!-- bench:x -->old<!-- /bench:x -->b<!-- bench:y -->kept<!-- /bench:y -->";
  assertEquals(
    insertReport(text, "x", "new"),
    "a<!-- bench:x -->\n\nnew\n<!-- /bench:x -->b<!-- bench:y -->kept<!-- /bench:y -->",
  );
  assertThrows(() => insertReport(text, "z", "new"), Error, "no <!-- bench:z -->");
});

Deno.test("pickRows takes ids with stars, in the order of the list, and refuses what fits none", () => {
  const pick = (...patterns: string[]): string[] => pickRows(ROWS, patterns).map(({ id }) => id);
  assertEquals(pick("upload", "get-1k-c1"), ["get-1k-c1", "upload"]);
  assertEquals(pick("*-64m", "rtt-50-*").length, 6);
  assertEquals(pickRows(ROWS, undefined), ROWS);
  assertThrows(() => pick("upload", "get-1k"), UsageError, 'no row fits "get-1k"');
});

Deno.test("rows have ids of their own", () => {
  assertEquals(new Set(ROWS.map(({ id }) => id)).size, ROWS.length);
});
