/**
 * Measures the file server beside others, over the same folder, on this computer alone. All run at
 * the same time, and are loaded one after the other: row by row, so that what slows the computer
 * for a while slows all of them.
 */

import { join } from "@std/path";
import { type Contestant, listContestants } from "./contestant.ts";
import { type Cell, toSample } from "../cells.ts";
import { describeMachine } from "../machine.ts";
import { measureCell } from "../measure_cell.ts";
import { type Found, toInstalled } from "../programs.ts";
import type { MeasuredRow } from "../report.ts";
import type { MeasuredMemory, Report } from "./report.ts";
import { type Row, ROWS } from "./rows.ts";
import { RunningContestant } from "./running_contestant.ts";
import { fillSampleFolder, type SampleSizes } from "./sample_folder.ts";

export interface BenchOptions extends SampleSizes {
  readonly rounds: number;
  /** Of a load of many requests. */
  readonly seconds: number;
  /** Names of the contestants that run; undefined for all. */
  readonly only: readonly string[] | undefined;
  /** Installs those that are missing into `cache`, which takes minutes. */
  readonly installs: boolean;
  /** A folder outside the tree. */
  readonly cache: string;
  readonly say: (line: string) => Promise<void>;
}

interface Entrant {
  readonly contestant: Contestant;
  readonly cells: Map<string, Cell>;
  readonly memory: {
    readonly [Key in keyof MeasuredMemory]: number[];
  };
}

const SERVED_BIG = "Big file, 4 streams";
const SERVED_SMALL = "64 KiB, 32 connections";

export async function benchFileServer(options: BenchOptions): Promise<Report> {
  const { rounds, seconds, only, cache, say } = options;
  const contestants = listContestants(cache)
    .filter(({ name }) => only === undefined || only.includes(name));
  const versions: Record<string, Found> = {};
  const entrants: Entrant[] = [];
  for (const contestant of contestants) {
    const found = await toInstalled(contestant, options);
    versions[contestant.name] = found;
    const memory = { atStart: [], afterSmall: [], afterBig: [], peak: [] };
    if (found.kind === "found") entrants.push({ contestant, cells: new Map(), memory });
  }

  const folder = await Deno.makeTempDir({ prefix: "ptth_bench_" });
  try {
    const root = join(folder, "root");
    await Deno.mkdir(root);
    await say("Making the files");
    await fillSampleFolder(root, options);
    for (let round = 1; round <= rounds; round++) {
      await say(`Round ${round} of ${rounds}`);
      // Another one begins each time.
      const at = (round - 1) % entrants.length;
      const turns = [...entrants.slice(at), ...entrants.slice(0, at)];
      await runRound(turns, { root, scratch: folder, seconds, say });
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(),
    rounds,
    seconds,
    bigMib: options.bigMib,
    entries: options.entries,
    versions,
    rows: ROWS.map((row) => toMeasuredRow(row, entrants)),
    memory: Object.fromEntries(
      entrants.map(({ contestant, memory }) => [contestant.name, memory]),
    ),
  };
}

async function runRound(
  entrants: readonly Entrant[],
  { root, scratch, seconds, say }:
    & Pick<BenchOptions, "seconds" | "say">
    & { readonly root: string; readonly scratch: string },
): Promise<void> {
  await using running = new AsyncDisposableStack();
  const turns: (Entrant & { readonly program: RunningContestant })[] = [];
  for (const entrant of entrants) {
    const own = await Deno.makeTempDir({ dir: scratch });
    const program = await RunningContestant.start(entrant.contestant, { root, scratch: own });
    running.use(program);
    turns.push({ ...entrant, program });
    entrant.memory.atStart.push((await program.readUsage()).residentBytes);
  }
  for (const row of ROWS) {
    for (const turn of turns) {
      turn.cells.set(row.name, await measure(row, turn, seconds));
      if (!turn.program.isRunning) continue;
      const { residentBytes, peakBytes } = await turn.program.readUsage();
      if (row.name === SERVED_SMALL) turn.memory.afterSmall.push(residentBytes);
      if (row.name === SERVED_BIG) {
        turn.memory.afterBig.push(residentBytes);
        turn.memory.peak.push(peakBytes);
      }
    }
    await say(`  ${row.name}`);
  }
}

function measure(
  row: Row,
  { contestant, cells, program }: Entrant & { readonly program: RunningContestant },
  seconds: number,
): Promise<Cell> {
  return measureCell(cells.get(row.name), {
    tool: row.tool,
    isRunning: () => program.isRunning,
    measure: async () => {
      const before = await program.readUsage();
      const load = await row.measure(program, { seconds, listing: contestant.listing });
      const { cpuSeconds } = await program.readUsage();
      return toSample(row.unit, load, cpuSeconds - before.cpuSeconds);
    },
  });
}

function toMeasuredRow(
  { name, unit, command }: Row,
  entrants: readonly Entrant[],
): MeasuredRow {
  const cells = entrants.flatMap(({ contestant, cells }) => {
    const cell = cells.get(name);
    return cell === undefined ? [] : [[contestant.name, cell] as const];
  });
  return { name, unit, command, cells: Object.fromEntries(cells) };
}
