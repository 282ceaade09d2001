/** The report on file servers. Pure. */

import {
  formatRow,
  formatVersions,
  type MeasuredRow,
  NOT_MEASURED,
  type Versions,
} from "../report.ts";
import { formatNumber, summarize } from "../statistics.ts";

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
  readonly versions: Versions;
  readonly rows: readonly MeasuredRow[];
  readonly memory: Readonly<Record<string, MeasuredMemory>>;
}

const MIB = 1024 * 1024;

/** Markdown: how it was measured, then a table per row and one of memory. */
export function formatReport(report: Report): string {
  return [
    formatConditions(report),
    ...report.rows.map((row) => formatRow(row, report.versions)),
    formatMemory(report),
  ].join("\n");
}

function formatConditions(report: Report): string {
  const { date, machine, rounds, seconds, bigMib, entries, versions } = report;
  return `Measured on ${date}: ${machine}. ${rounds} rounds, in each of which all take turns row by ` +
    `row; ${seconds} s per load of many requests; a big file of ${bigMib} MiB; ` +
    `${entries.toLocaleString("en-US")} entries in the listed folder. Versions: ` +
    `${formatVersions(versions)}.\n`;
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
    "| Contestant | At the start | After small files | After big files | Most |\n" +
    `| --- | ---: | ---: | ---: | ---: |\n${lines.join("\n")}\n`;
}
