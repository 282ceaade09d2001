/** The figures as people read them: what the reports of all groups share. Pure. */

import { type Cell, isMoreBetter, type Unit } from "./cells.ts";
import type { Found } from "./programs.ts";
import { formatNumber, summarize } from "./statistics.ts";

/** What is measured, as the report tells it. */
export interface RowTitle {
  readonly name: string;
  readonly unit: Unit;
  /** As a reader would type it. */
  readonly command: string;
}

export interface MeasuredRow extends RowTitle {
  /** By the contestant's name; none of those that are not to be had. */
  readonly cells: Readonly<Record<string, Cell>>;
}

/** By name, in the order of the tables. The first is the one that the others are compared with. */
export type Versions = Readonly<Record<string, Found>>;

export const NOT_MEASURED = "not measured";

export function formatVersions(versions: Versions): string {
  return Object.entries(versions).map(([name, found]) =>
    `${name} ${found.kind === "found" ? found.version : `(${NOT_MEASURED})`}`
  ).join(", ");
}

/** The cell of a contestant, also of one that is not to be had. */
export function toCell({ cells }: MeasuredRow, name: string, versions: Versions): Cell {
  const found = versions[name];
  if (found?.kind === "missing") return { kind: NOT_MEASURED, reason: found.reason };
  return cells[name] ?? { kind: NOT_MEASURED, reason: "no round" };
}

/** A heading, the command, and a line per contestant. */
export function formatRow(row: MeasuredRow, versions: Versions): string {
  const names = Object.keys(versions);
  const cells = names.map((name) => toCell(row, name, versions));
  const [ours] = cells;
  const base = ours?.kind === "measured" ? summarize(ours.values).median : undefined;
  const details = [
    ...new Set(cells.flatMap((cell) => cell.kind === "measured" ? Object.keys(cell.details) : [])),
  ];
  const lines = cells.map((cell, at) => {
    const fields = cell.kind === "measured"
      ? formatMeasured(cell, { base, unit: row.unit, details })
      : [NOT_MEASURED, cell.reason, "", ...details.map(() => "")];
    return `| ${[names[at], ...fields].join(" | ")} |`;
  });
  const ratio = isMoreBetter(row.unit) ? "Speed of ours to it" : "It to ours";
  const heads = ["Contestant", `Median, ${row.unit}`, "Range", ratio, ...details];
  return `### ${row.name}\n\n\`${row.command}\`\n\n` +
    `| ${heads.join(" | ")} |\n` +
    `| --- |${" ---: |".repeat(heads.length - 1)}\n${lines.join("\n")}\n`;
}

interface Columns {
  /** Median of the one that is compared with; undefined where it has none. */
  readonly base: number | undefined;
  readonly unit: Unit;
  readonly details: readonly string[];
}

function formatMeasured(
  cell: Cell & { readonly kind: "measured" },
  { base, unit, details }: Columns,
): readonly string[] {
  const { median, least, most } = summarize(cell.values);
  const lost = cell.failure === undefined ? "" : ` (a round failed: ${cell.failure})`;
  return [
    formatNumber(median),
    `${formatNumber(least)} – ${formatNumber(most)}${lost}`,
    base === undefined ? "" : formatRatio(toRatio(base, median, unit)),
    ...details.map((name) => {
      const values = cell.details[name];
      return values === undefined ? "" : formatNumber(summarize(values).median);
    }),
  ];
}

/** Empty where one of both is 0, or less: growth of memory may be. */
function formatRatio(ratio: number): string {
  return Number.isFinite(ratio) && ratio > 0 ? formatNumber(ratio) : "";
}

/** How many times as good the first is as the second. */
export function toRatio(ours: number, theirs: number, unit: Unit): number {
  return isMoreBetter(unit) ? ours / theirs : theirs / ours;
}

/**
 * `text` with the report in place of what stands between the markers of its group.
 *
 * @throws {Error} where the markers are missing
 */
export function insertReport(text: string, group: string, report: string): string {
  const [opening, closing] = [`<!-- bench:${group} -->`, `<!-- /bench:${group} -->`];
  const [begin, end] = [text.indexOf(opening), text.indexOf(closing)];
  if (begin < 0 || end < begin) throw new Error(`Cannot insert report: no ${opening} … ${closing}`);
  return `${text.slice(0, begin)}${opening}\n\n${report}\n${text.slice(end)}`;
}
