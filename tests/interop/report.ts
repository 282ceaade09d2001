/** The table of verdicts: a row per check, a column per pairing. */

export type Result =
  | { readonly kind: "passed"; readonly seconds: number }
  | { readonly kind: "failed"; readonly seconds: number; readonly reason: string };

export interface PairingResult {
  /** Relay and server, such as `ours/original`. */
  readonly label: string;
  /** By the check's name; a check that does not apply is absent. */
  readonly results: ReadonlyMap<string, Result>;
}

/** Columns are headed `relay/server`; `-` stands for a check that does not apply. */
export function formatTable(
  names: readonly string[],
  pairings: readonly PairingResult[],
): string {
  const rows = [
    ["relay/server", ...pairings.map(({ label }) => label)],
    ...names.map((name) => [name, ...pairings.map(({ results }) => toCell(results.get(name)))]),
  ];
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ").trimEnd())
    .join("\n");
}

export function countResults(
  pairings: readonly PairingResult[],
): { readonly passed: number; readonly failed: number } {
  const all = pairings.flatMap(({ results }) => [...results.values()]);
  const passed = all.filter(({ kind }) => kind === "passed").length;
  return { passed, failed: all.length - passed };
}

function toCell(result: Result | undefined): string {
  if (result === undefined) return "-";
  return result.kind === "passed" ? "PASS" : "FAIL";
}
