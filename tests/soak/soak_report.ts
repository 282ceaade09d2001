/** What a soak has shown: its verdict, tables and picture. Pure. */

import { formatNumber, quantile } from "../bench/statistics.ts";
import type { TrafficReport } from "../support/traffic.ts";
import { drawPanels, type Panel } from "./line_charts.ts";
import type { ProgramSample } from "./samples.ts";
import { findTrend, MIN_TREND_MINUTES, type Point, type Trend, type TrendBound } from "./trend.ts";

export const WATCHED = ["relay", "server"] as const;
export type WatchedProgram = typeof WATCHED[number];

/** All at one moment. */
export interface SoakSample {
  /** Minutes since the traffic began. */
  readonly at: number;
  readonly programs: Readonly<Record<WatchedProgram, ProgramSample>>;
  /** Exchanges since the beginning, by outcome. */
  readonly outcomes: TrafficReport["total"];
}

export interface SoakResult {
  readonly seed: number;
  readonly minutes: number;
  readonly concurrency: number;
  readonly samples: readonly SoakSample[];
  readonly report: TrafficReport;
  readonly violations: readonly string[];
}

interface Quantity {
  readonly name: string;
  readonly read: (sample: ProgramSample) => number;
  /** Undefined where growth means nothing. */
  readonly bound?: TrendBound;
}

const MIB = 2 ** 20;

/** A leak of 100 bytes an exchange, at 500 a second, is 3 MiB a minute. */
const QUANTITIES: readonly Quantity[] = [
  {
    name: "RSS, MiB",
    read: ({ rssBytes }) => rssBytes / MIB,
    bound: { perMinute: 1, noise: 8 },
  },
  {
    name: "JS heap after a collection, MiB",
    read: ({ heapBytes }) => heapBytes / MIB,
    bound: { perMinute: 0.1, noise: 0.5 },
  },
  { name: "Handles", read: ({ handles }) => handles, bound: { perMinute: 0.5, noise: 4 } },
  { name: "TCP connections", read: ({ connections }) => connections },
  { name: "Threads", read: ({ threads }) => threads },
  { name: "Buffers, MiB", read: ({ externalBytes }) => externalBytes / MIB },
  { name: "Event loop late, p50, ms", read: ({ delays }) => delays.p50 },
  { name: "Event loop late, p99, ms", read: ({ delays }) => delays.p99 },
  { name: "Event loop late, most, ms", read: ({ delays }) => delays.most },
];

const DRAWN = [0, 1, 2, 7, 8];

/** Sentences on all that is wrong. */
export function findFaults({ samples, violations }: SoakResult): readonly string[] {
  const trends = QUANTITIES.flatMap((quantity) =>
    WATCHED.flatMap((program) => {
      const trend = judge(quantity, program, samples);
      if (trend?.isTooSteep !== true) return [];
      return [`${program}: ${quantity.name} grows by ${trend.slope.toFixed(2)} a minute`];
    })
  );
  return [...violations, ...trends];
}

export function formatSample({ at, programs, outcomes }: SoakSample): string {
  const parts = WATCHED.map((name) => {
    const { rssBytes, heapBytes, handles, threads, delays } = programs[name];
    const late = [delays.p50, delays.p99, delays.most].map((ms) => ms.toFixed(0)).join("/");
    return `${name} ${(rssBytes / MIB).toFixed(1)} MiB, heap ${(heapBytes / MIB).toFixed(2)}, ` +
      `${handles} handles, ${threads} threads, late ${late} ms`;
  });
  const counts = Object.entries(outcomes).map(([name, count]) => `${name} ${count}`).join(" ");
  return `${at.toFixed(2)} min: ${parts.join("; ")}; ${counts}`;
}

/** A row per quantity and program. */
export function formatTable({ samples }: SoakResult): string {
  const rows = QUANTITIES.flatMap((quantity) =>
    WATCHED.map((program) => {
      const values = toPoints(quantity, program, samples).map(({ value }) => value);
      const trend = judge(quantity, program, samples);
      const cells = [
        ...[values[0] ?? NaN, quantile(values, 0.5), Math.max(...values), values.at(-1) ?? NaN]
          .map(formatNumber),
        trend === undefined ? "" : trend.slope.toFixed(3),
        quantity.bound === undefined ? "" : String(quantity.bound.perMinute),
      ];
      return `| ${quantity.name} | ${program} | ${cells.join(" | ")} |`;
    })
  );
  return [
    "| What | Program | First | Median | Most | Last | Trend, a minute | Bound |",
    "| --- | --- | --: | --: | --: | --: | --: | --: |",
    ...rows,
  ].join("\n");
}

/** docs/soak.md, as a formatter is to put it. */
export function formatPage(result: SoakResult): string {
  const { seed, minutes, concurrency, report, violations, samples } = result;
  const faults = findFaults(result);
  const outcomes = Object.keys(report.total) as (keyof TrafficReport["total"])[];
  const kinds = Object.entries(report.kinds).map(([kind, counts]) =>
    `| ${kind} | ${outcomes.map((outcome) => counts[outcome] ?? 0).join(" | ")} |`
  );
  const total = Object.values(report.total).reduce((sum, count) => sum + count, 0);
  return `# Soak

Written by \`deno task soak --minutes ${minutes} --seed ${seed} --out docs\`: relay, server and origin
as processes, ${concurrency} visitors at a time, whose every byte is checked, and faults on all links
in a third of the time.

${
    total.toLocaleString("en-US")
  } exchanges, ${samples.length} samples, ${violations.length} violations
of what [semantics.md](semantics.md) promises. ${toVerdict(faults, minutes)}

${faults.map((fault) => `- ${fault}\n`).join("")}
![Memory, handles, delays and requests over time](soak.svg)

A trend is the slope that half of all pairs of samples exceed (Theil and Sen), of the second two
thirds, and the least of that and of both its halves: a step is no trend. Beyond its bound, and what
may be chance, the soak fails. The heap is what is left after a collection, before every sample.

${formatTable(result)}

| Visitor | ${outcomes.join(" | ")} |
| --- | ${outcomes.map(() => "--:").join(" | ")} |
${kinds.join("\n")}
| all | ${outcomes.map((outcome) => report.total[outcome]).join(" | ")} |
`;
}

function toVerdict(faults: readonly string[], minutes: number): string {
  if (faults.length > 0) return "What is wrong:";
  return minutes < MIN_TREND_MINUTES ? "It was too short to see growth." : "Nothing grows.";
}

export function drawSoak({ samples }: SoakResult): string {
  const panels = DRAWN.flatMap((index): Panel[] => {
    const quantity = QUANTITIES[index];
    if (quantity === undefined) return [];
    const series = WATCHED.map((name) => ({ name, points: toPoints(quantity, name, samples) }));
    return [{ title: quantity.name, series }];
  });
  const requests = samples.slice(1).map((sample, i): Point => {
    const before = samples[i];
    const seconds = (sample.at - (before?.at ?? 0)) * 60;
    return { at: sample.at, value: (count(sample) - (before ? count(before) : 0)) / seconds };
  });
  const all = [...panels, {
    title: "Exchanges a second",
    series: [{ name: "all", points: requests }],
  }];
  return drawPanels("Memory, handles, delays and requests over time", all);
}

/** A line per sample, for other programs. */
export function formatCsv({ samples }: SoakResult): string {
  const outcomes = Object.keys(samples[0]?.outcomes ?? {});
  const names = WATCHED.flatMap((program) =>
    QUANTITIES.map(({ name }) => `${program}: ${name}`.replaceAll(",", ""))
  );
  const lines = samples.map(({ at, programs, outcomes }) => {
    const cells = WATCHED.flatMap((program) =>
      QUANTITIES.map(({ read }) => read(programs[program]).toFixed(3))
    );
    return [at.toFixed(3), ...cells, ...Object.values(outcomes)].join(",");
  });
  return `${[["minutes", ...names, ...outcomes].join(","), ...lines].join("\n")}\n`;
}

function count({ outcomes }: SoakSample): number {
  return Object.values(outcomes).reduce((sum, value) => sum + value, 0);
}

function toPoints(
  { read }: Quantity,
  program: WatchedProgram,
  samples: readonly SoakSample[],
): readonly Point[] {
  return samples.map(({ at, programs }) => ({ at, value: read(programs[program]) }));
}

function judge(
  quantity: Quantity,
  program: WatchedProgram,
  samples: readonly SoakSample[],
): Trend | undefined {
  if (quantity.bound === undefined) return undefined;
  return findTrend(toPoints(quantity, program, samples), quantity.bound);
}
