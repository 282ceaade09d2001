/**
 * Measures the file server beside others, over the same folder, on this computer alone. All run at
 * the same time, and are loaded one after the other: row by row, so that what slows the computer
 * for a while slows all of them.
 */

import { join } from "@std/path";
import { type Contestant, listContestants } from "./contestant.ts";
import { isInstalled } from "./loads.ts";
import { toInstalled } from "./programs.ts";
import type { Cell, MeasuredMemory, MeasuredRow, Report } from "./report.ts";
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

const GIB = 1024 ** 3;
const SERVED_BIG = "Big file, 4 streams";
const SERVED_SMALL = "64 KiB, 32 connections";

export async function benchFileServer(options: BenchOptions): Promise<Report> {
  const { rounds, seconds, only, cache, say } = options;
  const contestants = listContestants(cache)
    .filter(({ name }) => only === undefined || only.includes(name));
  const versions: Record<string, string | null> = {};
  const entrants: Entrant[] = [];
  for (const contestant of contestants) {
    const version = await toInstalled(contestant, options);
    versions[contestant.name] = version;
    const memory = { atStart: [], afterSmall: [], afterBig: [], peak: [] };
    if (version !== null) entrants.push({ contestant, cells: new Map(), memory });
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
      if (turn.cells.get(row.name)?.kind === "not measured") continue;
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

async function measure(
  row: Row,
  { contestant, cells, program }: Entrant & { readonly program: RunningContestant },
  seconds: number,
): Promise<Cell> {
  if (row.tool !== "Deno" && !await isInstalled(row.tool)) {
    return { kind: "not measured", reason: `${row.tool} is not installed` };
  }
  try {
    const before = await program.readUsage();
    const load = await row.measure(program, { seconds, listing: contestant.listing });
    const cpuSeconds = (await program.readUsage()).cpuSeconds - before.cpuSeconds;
    const old = cells.get(row.name);
    const { values, cpu } = old?.kind === "measured" ? old : { values: [], cpu: [] };
    return {
      kind: "measured",
      values: [...values, toValue(row.unit, load)],
      cpu: [
        ...cpu,
        row.unit === "MB/s" ? cpuSeconds / (load.bytes / GIB) : cpuSeconds * 1e6 / load.requests,
      ],
    };
  } catch (error) {
    if (!program.isRunning) return { kind: "not measured", reason: "it ended by itself" };
    return { kind: "not measured", reason: error instanceof Error ? error.message : String(error) };
  }
}

function toValue(
  unit: Row["unit"],
  { seconds, requests, bytes }: Awaited<ReturnType<Row["measure"]>>,
): number {
  switch (unit) {
    case "req/s":
      return requests / seconds;
    case "MB/s":
      return bytes / 1e6 / seconds;
    case "ms":
      return seconds * 1000;
  }
}

function toMeasuredRow(
  { name, unit, command }: Row,
  entrants: readonly Entrant[],
): MeasuredRow {
  const cells = entrants.map(({ contestant, cells }) =>
    [
      contestant.name,
      cells.get(name) ?? { kind: "not measured", reason: "no round" } as const,
    ] as const
  );
  return { name, unit, command, cells: Object.fromEntries(cells) };
}

async function describeMachine(): Promise<string> {
  const cpus = await Deno.readTextFile("/proc/cpuinfo");
  const model = /^model name\s*: (.*)$/m.exec(cpus)?.[1] ?? "unknown processor";
  const count = navigator.hardwareConcurrency;
  return `${count} cores of ${model}, Linux ${(/^[0-9]+\.[0-9]+/.exec(Deno.osRelease())?.[0] ??
    "")}, Deno ${Deno.version.deno}, the ` +
    "load on the same cores, over the loopback device";
}
