/** The figures as people read them. Pure. */

import { formatNumber, summarize } from "./statistics.ts";

/** One row of one contestant, over all rounds. */
export type Cell =
  | {
    readonly kind: "measured";
    /** In the row's unit, one per round. */
    readonly values: readonly number[];
    /** CPU time of the server: microseconds per request, or seconds per GiB where bytes count. */
    readonly cpu: readonly number[];
  }
  | { readonly kind: "not measured"; readonly reason: string };

export interface MeasuredRow {
  readonly name: string;
  readonly unit: "req/s" | "MB/s" | "ms";
  readonly command: string;
  /** By the contestant's name; all of them. */
  readonly cells: Readonly<Record<string, Cell>>;
}

export interface MeasuredMemory {
  /** In bytes, one per round. */
  readonly atStart: readonly number[];
  readonly afterSmall: readonly number[];
  readonly afterBig: readonly number[];
  readonly peak: readonly number[];
}

export interface Report {
  readonly date: string;
  readonly machine: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly bigMib: number;
  readonly entries: number;
  /** By name; null where the contestant is not to be had. The first is the one compared with. */
  readonly versions: Readonly<Record<string, string | null>>;
  readonly rows: readonly MeasuredRow[];
  readonly memory: Readonly<Record<string, MeasuredMemory>>;
}

const NOT_MEASURED = "not measured";
const MIB = 1024 * 1024;

/** Markdown: how it was measured, then a table per row and one of memory. */
export function formatReport(report: Report): string {
  return [
    formatConditions(report),
    ...report.rows.map((row) => formatRow(row, Object.keys(report.versions))),
    formatMemory(report),
  ].join("\n");
}

function formatConditions(report: Report): string {
  const { date, machine, rounds, seconds, bigMib, entries, versions } = report;
  const names = Object.entries(versions).map(([name, version]) =>
    `${name} ${version ?? `(${NOT_MEASURED})`}`
  );
  return `Measured on ${date}: ${machine}. ${rounds} rounds, in each of which all take turns row by ` +
    `row; ${seconds} s per load of many requests; a big file of ${bigMib} MiB; ` +
    `${entries.toLocaleString("en-US")} entries in the listed folder. Versions: ` +
    `${names.join(", ")}.\n`;
}

function formatRow(
  { name, unit, command, cells }: MeasuredRow,
  contestants: readonly string[],
): string {
  const [first = ""] = contestants;
  const ours = cells[first];
  const base = ours?.kind === "measured" ? summarize(ours.values).median : undefined;
  const perUnit = unit === "MB/s" ? "CPU s/GiB" : "CPU µs/request";
  const lines = contestants.map((contestant) => {
    const cell = cells[contestant] ?? { kind: NOT_MEASURED, reason: "it is not installed" };
    if (cell.kind !== "measured") {
      return `| ${contestant} | ${NOT_MEASURED} | ${cell.reason} | | |`;
    }
    const { median, least, most } = summarize(cell.values);
    const ratio = base === undefined ? "" : formatNumber(toSpeedRatio(base, median, unit));
    const range = `${formatNumber(least)} – ${formatNumber(most)}`;
    const cpu = formatNumber(summarize(cell.cpu).median);
    return `| ${contestant} | ${formatNumber(median)} | ${range} | ${ratio} | ${cpu} |`;
  });
  return `### ${name}\n\n\`${command}\`\n\n` +
    `| Server | Median, ${unit} | Range | Speed of ours to it | ${perUnit} |\n` +
    `| --- | ---: | ---: | ---: | ---: |\n${lines.join("\n")}\n`;
}

/** How many times as fast the first is as the second. */
function toSpeedRatio(ours: number, theirs: number, unit: MeasuredRow["unit"]): number {
  return unit === "ms" ? theirs / ours : ours / theirs;
}

function formatMemory({ memory, versions }: Report): string {
  const toMib = (values: readonly number[]): string => formatNumber(summarize(values).median / MIB);
  const lines = Object.keys(versions).map((name) => {
    const found = memory[name];
    if (found === undefined || found.peak.length === 0) {
      return `| ${name} | ${NOT_MEASURED} | | | |`;
    }
    const { atStart, afterSmall, afterBig, peak } = found;
    return `| ${name} | ${[atStart, afterSmall, afterBig, peak].map(toMib).join(" | ")} |`;
  });
  return "### Resident memory, MiB\n\n" +
    "| Server | At the start | After small files | After big files | Most |\n" +
    `| --- | ---: | ---: | ---: | ---: |\n${lines.join("\n")}\n`;
}

const BEGIN = "<!-- bench:file-server -->";
const END = "<!-- /bench:file-server -->";

/**
 * `text` with the report in place of what stands between the markers.
 *
 * @throws {Error} where the markers are missing
 */
export function insertReport(text: string, report: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`Cannot insert report: no ${BEGIN} … ${END}`);
  return `${text.slice(0, begin)}${BEGIN}\n\n${report}\n${text.slice(end)}`;
}
