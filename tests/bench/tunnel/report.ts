/** The report on tunnels. Pure. */

import { formatRow, formatVersions, type MeasuredRow, type Versions } from "../report.ts";

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
  readonly rows: readonly TunnelRow[];
}

/** Markdown: how it was measured, then a table per row. */
export function formatReport(report: Report): string {
  return [
    formatConditions(report),
    ...report.rows.map((row) => formatRow(row, report.versions)),
  ].join("\n");
}

function formatConditions(report: Report): string {
  const { date, machine, rounds, seconds, bigMib, versions } = report;
  return `Measured on ${date}: ${machine}. ${rounds} rounds, in each of which all take turns row by ` +
    `row; ${seconds} s per load of many requests; a big file of ${bigMib} MiB. Versions: ` +
    `${formatVersions(versions)}.\n`;
}
