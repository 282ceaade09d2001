/**
 * Relay and server under mixed traffic and failing networks for as long as is wanted: every byte is
 * checked, and nothing may grow. Linux only; `-A` because Deno grants /proc to nothing less.
 *
 *     deno task soak --minutes N [--seed N] [--concurrency N] [--write]
 *
 * --write puts the figures and the plot into docs/soak.md and docs/soak.svg.
 *
 * Exit codes: 0 nothing was broken and nothing grew, 1 something did, 2 bad usage.
 */

import { parseArgs } from "@std/cli";
import { makeFaultSchedule } from "../support/fault_schedule.ts";
import { FaultyTunnel } from "../support/faulty_tunnel.ts";
import { newSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { findTrafficViolations } from "../support/traffic_verdict.ts";
import { formatPage, formatRow, formatVerdict, type SoakResult } from "./report.ts";
import { readSample, type SampleRow } from "./samples.ts";

const USAGE = "Usage: deno task soak --minutes N [--seed N] [--concurrency N] [--write]";
const CONCURRENCY = 12;
const SAMPLE_MS = 2000;
const PRINT_MS = 30_000;
/** Networks fail for a while, and work for a while. */
const FAULTS_MS = 10_000;
const CALM_MS = 20_000;

interface Options {
  readonly minutes: number;
  readonly seed: number;
  readonly concurrency: number;
  readonly write: boolean;
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    say(USAGE);
    return 2;
  }
  const result = await soak(options);
  const verdict = formatVerdict(result);
  say(verdict.text);
  if (options.write) {
    const { page, svg } = formatPage(result);
    await Deno.writeTextFile(new URL("../../docs/soak.md", import.meta.url), page);
    await Deno.writeTextFile(new URL("../../docs/soak.svg", import.meta.url), svg);
  }
  return verdict.isGood ? 0 : 1;
}

/** Runs it; rejects only where a program ends by itself. */
export async function soak(
  { minutes, seed, concurrency }: Omit<Options, "write">,
  print: (line: string) => void = say,
): Promise<SoakResult> {
  await using folder = await TempFolder.create();
  await using tunnel = await FaultyTunnel.start({
    folder,
    seed,
    transport: "control channel",
    onViolation: print,
    entries: { relay: "tests/soak/sampled_relay.ts", server: "tests/soak/sampled_server.ts" },
  });
  const { programs, traffic } = tunnel;
  for (const name of ["relay", "server"] as const) {
    await programs.program(name).untilStdout(/^sample /m);
  }
  print(`Seed ${seed}, ${minutes} minutes, ${concurrency} visitors at a time`);
  const random = new SeededRandom(seed);
  const begin = performance.now();
  const end = begin + minutes * 60_000;
  const rows: SampleRow[] = [];
  const recoveriesMs: number[] = [];
  traffic.start(concurrency);
  const sampling = sample(tunnel, { begin, end, rows, print });
  for (let left = end - begin; left > 0; left = end - performance.now()) {
    const durationMs = Math.min(FAULTS_MS, left);
    const links = ["visitors", "tunnel", "origin"] as const;
    await tunnel.drive(makeFaultSchedule(random, { durationMs, links }), random);
    recoveriesMs.push(await traffic.untilGood());
    await pause(Math.min(CALM_MS, Math.max(0, end - performance.now())));
  }
  await sampling;
  await traffic.stop();
  const violations = findTrafficViolations(traffic, await programs.readNotes());
  return { minutes, seed, concurrency, rows, recoveriesMs, violations, traffic: traffic.report() };
}

async function sample(
  { programs, traffic }: FaultyTunnel,
  { begin, end, rows, print }: {
    readonly begin: number;
    readonly end: number;
    readonly rows: SampleRow[];
    readonly print: (line: string) => void;
  },
): Promise<void> {
  let printedAt = begin;
  for (let now = performance.now(); now < end; now = performance.now()) {
    const [relay, server] = await Promise.all([
      readSample(programs.program("relay")),
      readSample(programs.program("server")),
    ]);
    const row = { at: (now - begin) / 1000, programs: { relay, server } };
    rows.push(row);
    if (now - printedAt >= PRINT_MS) {
      printedAt = now;
      print(formatRow(row, traffic.report()));
    }
    await pause(SAMPLE_MS);
  }
}

function parseOptions(args: readonly string[]): Options | undefined {
  let isGood = true;
  const given = parseArgs([...args], {
    string: ["minutes", "seed", "concurrency"],
    boolean: ["write"],
    unknown: () => {
      isGood = false;
      return false;
    },
  }) as Record<string, unknown>;
  const numberOf = (name: string, fallback: number): number => {
    const text = given[name];
    return text === undefined ? fallback : Number(text);
  };
  const minutes = numberOf("minutes", NaN);
  const seed = numberOf("seed", newSeed());
  const concurrency = numberOf("concurrency", CONCURRENCY);
  const isRight = minutes > 0 && Number.isInteger(seed) && concurrency >= 1;
  return isGood && isRight
    ? { minutes, seed, concurrency, write: given.write === true }
    : undefined;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
