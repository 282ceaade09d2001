/** All rows, cheap and most important ones first. */

import { UsageError } from "../usage_error.ts";
import type { Row } from "./row.ts";
import { CROWD_ROWS } from "./crowd_rows.ts";
import { DISTANCE_ROWS } from "./distance_rows.ts";
import { LATENCY_ROWS } from "./latency_rows.ts";
import { MEMORY_ROWS } from "./memory_rows.ts";
import { RECOVERY_ROWS } from "./recovery_rows.ts";
import { SYSTEM_CALL_ROWS } from "./system_call_rows.ts";
import { BIG_ROWS, SMALL_ROWS } from "./throughput_rows.ts";

export const ROWS: readonly Row[] = [
  ...SMALL_ROWS,
  ...BIG_ROWS,
  ...LATENCY_ROWS,
  ...MEMORY_ROWS,
  ...SYSTEM_CALL_ROWS,
  ...DISTANCE_ROWS,
  ...RECOVERY_ROWS,
  ...CROWD_ROWS,
];

/**
 * Those that one of the patterns fits, in the order of the list; all where none are given. A pattern
 * is an id, in which `*` stands for anything.
 *
 * @throws {UsageError} where a pattern fits none
 */
export function pickRows(
  rows: readonly Row[],
  patterns: readonly string[] | undefined,
): readonly Row[] {
  if (patterns === undefined) return rows;
  const picked = new Set<Row>();
  for (const pattern of patterns) {
    const parts = pattern.split("*").map((part) => RegExp.escape(part));
    const regexp = new RegExp(`^${parts.join(".*")}$`);
    const fitting = rows.filter(({ id }) => regexp.test(id));
    if (fitting.length === 0) {
      const ids = rows.map(({ id }) => id).join(", ");
      throw new UsageError(`no row fits "${pattern}": there are ${ids}`);
    }
    for (const row of fitting) picked.add(row);
  }
  return rows.filter((row) => picked.has(row));
}
