/** What a soak came to, in words. Pure. */

import type { TrafficReport } from "../support/traffic.ts";
import { drawPanels } from "./plot.ts";
import { QUANTITIES, SAMPLED_PROGRAMS, type SampleRow, toPoints } from "./samples.ts";
import { findTrend, isGrowing, median } from "./trend.ts";

export interface SoakResult {
  readonly minutes: number;
  readonly seed: number;
  readonly concurrency: number;
  readonly rows: readonly SampleRow[];
  /** From the end of each spell of faults to the next good answer. */
  readonly recoveriesMs: readonly number[];
  readonly violations: readonly string[];
  readonly traffic: TrafficReport;
}

/** A line for the terminal while it runs. */
export function formatRow({ at, programs }: SampleRow, { total }: TrafficReport): string {
  const parts = SAMPLED_PROGRAMS.map((name) => {
    const { resident, heap, files, delayP99, delayMax } = programs[name];
    const delays = `delay p99 ${delayP99.toFixed(0)}, max ${delayMax.toFixed(0)} ms`;
    return `${name} ${toMib(resident)} MiB (heap ${toMib(heap)}), ${files} files, ${delays}`;
  });
  return `${at.toFixed(0).padStart(5)} s  ${formatTotal(total)}; ${parts.join("; ")}`;
}

export interface Verdict {
  readonly text: string;
  readonly isGood: boolean;
}

export function formatVerdict(result: SoakResult): Verdict {
  const rows = toTrendRows(result);
  const lines = rows.map(({ program, title, cells, isGrowing }) =>
    `${program}, ${title}: ${cells.join(", ")}${isGrowing ? "  IT GROWS" : ""}`
  );
  const { violations, traffic } = result;
  const isGood = violations.length === 0 && !rows.some(({ isGrowing }) => isGrowing);
  const text = [
    formatTotal(traffic.total),
    `Served again after ${formatRecoveries(result)}`,
    ...lines,
    ...violations.slice(0, 20),
    isGood ? "Nothing was broken, and nothing grew" : `${violations.length} promises were broken`,
  ].join("\n");
  return { text, isGood };
}

/** docs/soak.md and docs/soak.svg. */
export function formatPage(result: SoakResult): { readonly page: string; readonly svg: string } {
  const { minutes, seed, concurrency, violations, traffic: { total, kinds } } = result;
  const trends = toTrendRows(result).map(({ program, title, cells, isGrowing }) =>
    `| ${program} | ${title} | ${cells.join(" | ")} | ${isGrowing ? "**yes**" : "no"} |`
  );
  const outcomes = Object.entries(kinds).map(([kind, counts]) =>
    `| ${kind} | ${counts.ok ?? 0} | ${counts.refused ?? 0} | ${counts.cut ?? 0} | ` +
    `${counts.unreached ?? 0} | ${counts.left ?? 0} |`
  );
  const page = `# Soak

Relay, server and an application as processes, visitors of all kinds, and networks between all of them
that fail: ten seconds of faults of all sorts (delay, throttle, reset, end, half-close, black hole, away),
then twenty seconds without. Every byte is checked. This page is written by

\`\`\`sh
deno task soak --minutes ${minutes} --seed ${seed} --concurrency ${concurrency} --write
\`\`\`

![Memory, heap, open files, threads and delay of the event loop of relay and server over ${minutes} minutes](soak.svg)

In ${minutes} minutes there were ${
    format(sum(total))
  } exchanges. Broken promises (a wrong byte, a cut
answer that looks complete, one delivered twice, one that hangs): **${violations.length}**. After a
spell of faults visitors were served again after ${formatRecoveries(result)}.

Growth is that of the lowest values of each 150 seconds, behind the first third of the run, by the median
of all slopes between two of them (Theil and Sen).

<!-- deno-fmt-ignore -->
| Program | What | Median | Highest | Growth | It grows |
| --- | --- | --- | --- | --- | --- |
${trends.join("\n")}

<!-- deno-fmt-ignore -->
| Visitors | answered | refused | cut | not reached | left |
| --- | --- | --- | --- | --- | --- |
${outcomes.join("\n")}
`;
  const panels = QUANTITIES.map((quantity) => ({
    title: quantity.title,
    lines: SAMPLED_PROGRAMS.map((program) => ({
      program,
      points: toPoints(result.rows, program, quantity),
    })),
  }));
  return { page, svg: drawPanels(panels) };
}

interface TrendRow {
  readonly program: string;
  readonly title: string;
  /** Median, highest, growth. */
  readonly cells: readonly string[];
  readonly isGrowing: boolean;
}

function toTrendRows({ rows }: SoakResult): readonly TrendRow[] {
  return SAMPLED_PROGRAMS.flatMap((program) =>
    QUANTITIES.map((quantity): TrendRow => {
      const points = toPoints(rows, program, quantity);
      const values = points.map(({ value }) => value);
      const trend = findTrend(points);
      const { bound } = quantity;
      return {
        program,
        title: quantity.title,
        cells: [
          (trend?.median ?? median(values)).toFixed(1),
          Math.max(...values).toFixed(1),
          trend === undefined ? "too short to tell" : trend.growth.toFixed(1),
        ],
        isGrowing: trend !== undefined && bound !== undefined && isGrowing(trend, bound),
      };
    })
  );
}

function formatRecoveries({ recoveriesMs }: SoakResult): string {
  const most = Math.max(...recoveriesMs);
  return `${median(recoveriesMs).toFixed(0)} ms (median), ${most.toFixed(0)} ms (longest)`;
}

function formatTotal(total: TrafficReport["total"]): string {
  return Object.entries(total).map(([outcome, count]) => `${format(count)} ${outcome}`).join(", ");
}

function sum(counts: TrafficReport["total"]): number {
  return Object.values(counts).reduce((before, count) => before + count);
}

function format(count: number): string {
  return count.toLocaleString("en-US");
}

function toMib(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(0);
}
