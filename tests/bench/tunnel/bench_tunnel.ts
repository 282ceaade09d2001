/**
 * Measures tunnels and reverse proxies in front of the same origin, on this computer alone. All run
 * at the same time, and are loaded one after the other: row by row, so that what slows the computer
 * for a while slows all of them.
 */

import { join } from "@std/path";
import type { Cell } from "../cells.ts";
import { describeMachine } from "../machine.ts";
import type { Found } from "../programs.ts";
import { writeRandomFile } from "../random_files.ts";
import { UsageError } from "../usage_error.ts";
import type { Contestant } from "./contestant.ts";
import { listContestants } from "./contestants.ts";
import type { Report, TunnelRow } from "./report.ts";
import { type Row, UPLOAD_MIB } from "./row.ts";
import { pickRows, ROWS } from "./rows.ts";
import { type Entrant, runRound } from "./run_round.ts";
import { fillSampleFiles } from "./sample_files.ts";

export interface BenchOptions {
  readonly rounds: number;
  /** Of a load of many requests. */
  readonly seconds: number;
  readonly bigMib: number;
  /** Names of the contestants that run; undefined for all. */
  readonly only: readonly string[] | undefined;
  /** Patterns of ids; undefined for all rows. */
  readonly rows: readonly string[] | undefined;
  /** Installs those that are missing into `cache`, which takes minutes. */
  readonly installs: boolean;
  /** A folder outside the tree. */
  readonly cache: string;
  readonly say: (line: string) => Promise<void>;
  /** Called after each round with what has been measured so far: all of them take an hour or two. */
  readonly save: (report: Report) => Promise<void>;
}

/**
 * @throws {UsageError} where a contestant or a row is asked for that does not exist
 */
export async function benchTunnel(options: BenchOptions): Promise<Report> {
  const rows = pickRows(ROWS, options.rows);
  const contestants = pickContestants(listContestants(options.cache), options.only);
  const versions: Record<string, Found> = {};
  for (const { name, find } of contestants) versions[name] = await find(options);
  const present = contestants.filter(({ name }) => versions[name]?.kind === "found");
  const conditions = {
    date: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(),
    rounds: options.rounds,
    seconds: options.seconds,
    bigMib: options.bigMib,
    versions,
    kinds: Object.fromEntries(contestants.map(({ name, kind }) => [name, kind])),
  };
  const afterRound = (rows: readonly TunnelRow[]): Promise<void> =>
    options.save({ ...conditions, rows });
  return { ...conditions, rows: await runRounds(present, rows, { ...options, afterRound }) };
}

function pickContestants(
  all: readonly Contestant[],
  only: readonly string[] | undefined,
): readonly Contestant[] {
  const stranger = only?.find((name) => !all.some((contestant) => contestant.name === name));
  if (stranger !== undefined) {
    const names = all.map(({ name }) => name).join(", ");
    throw new UsageError(`no contestant is "${stranger}": there are ${names}`);
  }
  return all.filter(({ name }) => only === undefined || only.includes(name));
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly bigMib: number;
  readonly say: (line: string) => Promise<void>;
  readonly afterRound?: (rows: readonly TunnelRow[]) => Promise<void>;
}

/** All rounds of some contestants, in a folder that is made for it. */
export async function runRounds(
  contestants: readonly Contestant[],
  rows: readonly Row[],
  { rounds, seconds, bigMib, say, afterRound }: RoundsOptions,
): Promise<readonly TunnelRow[]> {
  const entrants: readonly Entrant[] = contestants
    .map((contestant) => ({ contestant, cells: new Map<string, Cell>() }));
  const folder = await Deno.makeTempDir({ prefix: "ptth_bench_" });
  try {
    const root = join(folder, "root");
    await Deno.mkdir(root);
    await say("Making the files");
    await fillSampleFiles(root, bigMib);
    const uploadFile = join(folder, "upload.bin");
    await writeRandomFile(uploadFile, UPLOAD_MIB * 1024 ** 2);
    for (let round = 1; round <= rounds; round++) {
      await say(`Round ${round} of ${rounds}`);
      // Another one begins each time.
      const at = (round - 1) % Math.max(entrants.length, 1);
      const turns = [...entrants.slice(at), ...entrants.slice(0, at)];
      await runRound(turns, rows, { root, scratch: folder, uploadFile, seconds, say });
      await afterRound?.(toMeasuredRows(rows, entrants));
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return toMeasuredRows(rows, entrants);
}

function toMeasuredRows(
  rows: readonly Row[],
  entrants: readonly Entrant[],
): readonly TunnelRow[] {
  return rows.map(({ id, name, unit, command }) => ({
    id,
    name,
    unit,
    command,
    cells: Object.fromEntries(
      entrants.flatMap(({ contestant, cells }) => {
        const cell = cells.get(id);
        return cell === undefined ? [] : [[contestant.name, cell] as const];
      }),
    ),
  }));
}
