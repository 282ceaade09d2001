/** This tree beside that of a revision: what a change has made faster or slower. */

import { join } from "@std/path";
import type { Cell } from "../cells.ts";
import { type MeasuredRow, toRatio } from "../report.ts";
import { explainFailure } from "../programs.ts";
import { formatNumber, summarize } from "../statistics.ts";
import { UsageError } from "../usage_error.ts";
import { runRounds } from "./bench_tunnel.ts";
import { createOurs } from "./ours.ts";
import { pickRows, ROWS } from "./rows.ts";

export interface CompareOptions {
  /** As git understands it. */
  readonly revision: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly bigMib: number;
  /** Patterns of ids; undefined for the main rows. */
  readonly rows: readonly string[] | undefined;
  readonly say: (line: string) => Promise<void>;
}

const MAIN_ROWS = ["get-1k-c1", "get-1k-c32", "new-connection", "get-64k", "big-1", "upload"];
const NEW = "this tree";

/**
 * A line per row: medians of both, how many times as good this tree is, and between which factors
 * that lay in single rounds. Where those factors lie on both sides of 1, nothing was shown.
 *
 * @throws {UsageError} where there is no such revision or row
 */
export async function compareTrees(options: CompareOptions): Promise<string> {
  const old = options.revision;
  const folder = await Deno.makeTempDir({ prefix: "ptth_compare_" });
  try {
    const project = join(folder, "tree");
    await unpack(old, project);
    const trees = [
      createOurs({ name: NEW, files: "folder" }),
      createOurs({ name: old, files: "folder", project }),
    ];
    const rows = await runRounds(trees, pickRows(ROWS, options.rows ?? MAIN_ROWS), options);
    return formatComparison(rows, old);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function formatComparison(rows: readonly MeasuredRow[], old: string): string {
  const lines = rows.map((row) => {
    const fields = formatCells(row, row.cells[NEW], row.cells[old]);
    return `| ${[`${row.name}, ${row.unit}`, ...fields].join(" | ")} |`;
  });
  return `| Row | ${NEW} | ${old} | Speed of this tree to it | In single rounds |\n` +
    `| --- | ---: | ---: | ---: | ---: |\n${lines.join("\n")}`;
}

function formatCells(
  { unit }: MeasuredRow,
  now: Cell | undefined,
  before: Cell | undefined,
): readonly string[] {
  if (now?.kind !== "measured" || before?.kind !== "measured") {
    const reasons = [now, before].flatMap((cell) =>
      cell?.kind === "not measured" ? [cell.reason] : []
    );
    return ["not measured", reasons.join("; "), "", ""];
  }
  const medians = [summarize(now.values).median, summarize(before.values).median] as const;
  const ratios = summarize(
    now.values.map((value, at) => toRatio(value, before.values[at] ?? NaN, unit)),
  );
  return [
    ...medians.map(formatNumber),
    formatNumber(toRatio(...medians, unit)),
    `${formatNumber(ratios.least)} – ${formatNumber(ratios.most)}`,
  ];
}

/**
 * Puts the files of a revision into a new folder. An archive, since a worktree would stay in the
 * repository's books if this were killed.
 *
 * @throws {UsageError} where there is no such revision
 */
async function unpack(revision: string, folder: string): Promise<void> {
  const archive = `${folder}.tar`;
  const why = await explainFailure("git", ["archive", "--format=tar", "-o", archive, revision]);
  if (why !== undefined) throw new UsageError(`git knows no tree of "${revision}": ${why}`);
  await Deno.mkdir(folder);
  const reason = await explainFailure("tar", ["-xf", archive, "-C", folder]);
  if (reason !== undefined) throw new Error(`Cannot unpack "${revision}": ${reason}`);
}
