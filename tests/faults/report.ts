/** What a run of faults says. Pure. */

import { quantile } from "../bench/statistics.ts";
import type { TrafficReport } from "../support/traffic.ts";

/** What one kind of run came to. */
export interface FaultsResult {
  readonly name: string;
  readonly seed: number;
  readonly report: TrafficReport;
  readonly violations: readonly string[];
  /** Times in milliseconds, by what was measured. */
  readonly times: ReadonlyMap<string, readonly number[]>;
  /** GETs and HEADs that the server sent twice to its origin, as it may. */
  readonly repeatedReads: number;
  /** Sentences about what else was seen. */
  readonly remarks: readonly string[];
}

/** Lines for a person, and for docs/faults.md. */
export function formatFaultsResult(result: FaultsResult): string {
  const { name, seed, report, violations, times, repeatedReads, remarks } = result;
  const { ok, refused, cut, unreached, left } = report.total;
  const exchanges = Object.values(report.total).reduce((sum, count) => sum + count, 0);
  const lines = [
    `${name}, seed ${seed}: ${violations.length} violations`,
    `  ${exchanges} exchanges: ${ok} answered, ${refused} refused, ${cut} cut, ` +
    `${unreached} found no relay, ${left} left; ${repeatedReads} reads sent twice to the origin`,
    ...Object.entries(report.refusals).toSorted(([a], [b]) => a < b ? -1 : 1)
      .map(([reason, count]) => `    refused ${count}: ${reason}`),
    ...[...times].map(([what, values]) => `  ${what}: ${formatTimes(values)}`),
    ...remarks.map((remark) => `  ${remark}`),
    ...violations.map((violation) => `  VIOLATION ${violation}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** How many there are, and p50, p99 and the most, in milliseconds. */
export function formatTimes(values: readonly number[]): string {
  if (values.length === 0) return "none";
  const [p50, p99, most] = [quantile(values, 0.5), quantile(values, 0.99), Math.max(...values)]
    .map((value) => Math.round(value));
  return `${values.length}, p50 ${p50} ms, p99 ${p99} ms, most ${most} ms`;
}
