/** The report on tunnels. Pure. */

import { type Cell, isMoreBetter, type Unit } from "../cells.ts";
import {
  formatRow,
  formatVersions,
  type MeasuredRow,
  NOT_MEASURED,
  toCell,
  toRatio,
  type Versions,
} from "../report.ts";
import { formatNumber, summarize } from "../statistics.ts";
import type { Kind } from "./contestant.ts";

export interface TunnelRow extends MeasuredRow {
  /** What `--rows` knows it by. */
  readonly id: string;
}

export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly bigMib: number;
  readonly versions: Versions;
  /** By the contestant's name. */
  readonly kinds: Readonly<Record<string, Kind>>;
  readonly rows: readonly TunnelRow[];
}

/** A column of the summary: a row's value, or one of its details. */
interface Column {
  readonly id: string;
  readonly title: string;
  readonly unit: Unit;
  readonly detail?: string;
}

const SUMMARY: readonly Column[] = [
  { id: "get-1k-c1", title: "1 KiB, 1 connection, req/s", unit: "req/s" },
  { id: "get-1k-c32", title: "32 connections, req/s", unit: "req/s" },
  { id: "get-1k-c32", title: "the same, p99, ms", unit: "ms", detail: "p99, ms" },
  { id: "new-connection", title: "new connections, req/s", unit: "req/s" },
  { id: "get-64k", title: "64 KiB, req/s", unit: "req/s" },
  { id: "big-1", title: "big file, MB/s", unit: "MB/s" },
  { id: "upload", title: "upload, MB/s", unit: "MB/s" },
  { id: "rtt-50-64m", title: "64 MiB at 50 ms, MB/s", unit: "MB/s" },
  { id: "events", title: "events, ms", unit: "ms" },
  { id: "websocket", title: "WebSocket, ms", unit: "ms" },
  { id: "recovery-3", title: "recovery, s", unit: "s" },
  { id: "rss-start", title: "memory, MiB", unit: "MiB" },
];

/** Where the picture of a row is, beside the page. */
export interface ChartPlace {
  readonly id: string;
  readonly path: string;
}

/** Markdown: how it was measured, a summary, the charts, if there are any, and a table per row. */
export function formatReport(report: Report, charts: readonly ChartPlace[] = []): string {
  const titles = new Map(report.rows.map(({ id, name }) => [id, name]));
  const images = charts.map(({ id, path }) => `![${titles.get(id) ?? id}](${path})\n`);
  return [
    formatConditions(report),
    formatSummary(report),
    formatRanks(report),
    ...images,
    ...report.rows.map((row) => formatRow(row, report.versions)),
  ].join("\n");
}

function formatConditions(report: Report): string {
  const { date, machine, rounds, seconds, bigMib, versions } = report;
  return `Measured on ${date}: ${machine}. Rounds, in each of which all take turns row by row: ` +
    `${rounds}; ${seconds} s per load of many requests; a big file of ${bigMib} MiB. Versions: ` +
    `${formatVersions(versions)}.\n`;
}

function formatSummary({ rows, versions, kinds }: Report): string {
  const columns = SUMMARY.flatMap((column) => {
    const row = rows.find(({ id }) => id === column.id);
    return row === undefined ? [] : [{ ...column, row }];
  });
  if (columns.length === 0) return "";
  const names = Object.keys(versions);
  const medians = columns.map(({ row, detail }) =>
    names.map((name) => toMedian(toCell(row, name, versions), detail))
  );
  const best = columns.map(({ unit }, at) =>
    findBest(
      medians[at]?.filter((_, line) => kinds[names[line] ?? ""] === "tunnel") ?? [],
      unit,
    )
  );
  const lines = names.map((name, line) => {
    const fields = columns.map((_, at) => {
      const median = medians[at]?.[line];
      if (median === undefined) return "–";
      const isBest = kinds[name] === "tunnel" && median === best[at];
      return isBest ? `**${formatNumber(median)}**` : formatNumber(median);
    });
    return `| ${[name, kinds[name] ?? "", ...fields].join(" | ")} |`;
  });
  const heads = ["Contestant", "Kind", ...columns.map(({ title }) => title)];
  return "### Summary\n\nMedians; in bold the best of the tunnels. –: " +
    `${NOT_MEASURED}, for which the tables below have the reason.\n\n` +
    `| ${heads.join(" | ")} |\n| --- | --- |${" ---: |".repeat(columns.length)}\n` +
    `${lines.join("\n")}\n`;
}

/** In which rows another tunnel is better than the first contestant, and how much. */
function formatRanks({ rows, versions, kinds }: Report): string {
  const [ours = ""] = Object.keys(versions);
  const others = Object.keys(versions)
    .filter((name) => kinds[name] === "tunnel" && !name.startsWith(ours));
  let count = 0;
  const lines = rows.flatMap((row): string[] => {
    const own = toMedian(toCell(row, ours, versions));
    if (own === undefined) return [];
    count++;
    const better = others.flatMap((name) => {
      const median = toMedian(toCell(row, name, versions));
      if (median === undefined || !isNoticeablyBetter(median, own, row.unit)) return [];
      const factor = toRatio(median, own, row.unit);
      return [Number.isFinite(factor) ? `${name} (${formatNumber(factor)} times)` : name];
    });
    return better.length === 0 ? [] : [`- ${row.name}: ${better.join(", ")}`];
  });
  if (others.length === 0 || count === 0) return "";
  return `### Where others are better\n\nOf ${count} rows in which ${ours} was measured, another ` +
    `tunnel is better in ${lines.length}, by at least 5 % and in memory by 1 MiB:\n\n${
      lines.join("\n")
    }\n`;
}

function toMedian(cell: Cell, detail?: string): number | undefined {
  if (cell.kind !== "measured") return undefined;
  const values = detail === undefined ? cell.values : cell.details[detail];
  return values === undefined ? undefined : summarize(values).median;
}

function findBest(medians: readonly (number | undefined)[], unit: Unit): number | undefined {
  return medians.filter((median) => median !== undefined)
    .toSorted((a, b) => isMoreBetter(unit) ? b - a : a - b)[0];
}

/** Beyond what comes of measuring. */
function isNoticeablyBetter(one: number, other: number, unit: Unit): boolean {
  if (unit === "MiB" && other - one < 1) return false;
  return toRatio(one, other, unit) >= 1.05;
}
