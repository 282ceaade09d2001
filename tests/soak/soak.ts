/**
 * Relay, server and origin under traffic and faults for long: whether anything grows, or breaks what
 * is promised. Linux only; `-A` because Deno grants /proc to nothing less.
 *
 *     deno task soak --minutes N [--seed S] [--concurrency N] [--out FOLDER]
 *     deno task soak --servers N
 *
 * --out: writes soak.md, soak.svg and soak.csv there.
 * --servers N: what so many idle servers cost a relay, and how they come back after it was killed.
 *
 * Exit codes: 0 all is well, 1 something grows or was broken, 2 bad usage.
 */

import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import { PROJECT } from "../support/programs.ts";
import { newSeed } from "../support/seeded_random.ts";
import { runCrowd } from "./run_crowd.ts";
import { runSoak } from "./run_soak.ts";
import { drawSoak, findFaults, formatCsv, formatPage, formatTable } from "./soak_report.ts";
import { MIN_TREND_MINUTES } from "./trend.ts";

const COUNTS = ["minutes", "seed", "concurrency", "servers"] as const;
const USAGE = "Usage: deno task soak --minutes N [--seed S] [--concurrency N] [--out FOLDER]\n" +
  "       deno task soak --servers N";
const CONCURRENCY = 12;

type Options = { readonly [name in typeof COUNTS[number]]?: number } & { readonly out?: string };

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    await say(USAGE);
    return 2;
  }
  const { minutes, servers, seed = newSeed(), concurrency = CONCURRENCY, out } = options;
  if (servers !== undefined) await runCrowd({ count: servers, say });
  if (minutes === undefined) return 0;
  await say(`Seed ${seed}`);
  const result = await runSoak({ minutes, seed, concurrency, say });
  if (out !== undefined) {
    await Deno.mkdir(out, { recursive: true });
    await Deno.writeTextFile(join(out, "soak.md"), formatPage(result));
    await Deno.writeTextFile(join(out, "soak.svg"), drawSoak(result));
    await Deno.writeTextFile(join(out, "soak.csv"), formatCsv(result));
    await new Deno.Command(Deno.execPath(), {
      args: ["fmt", "-q", "--config", join(PROJECT, "deno.json"), join(out, "soak.md")],
    }).output();
  }
  await say(formatTable(result));
  const faults = findFaults(result);
  for (const fault of faults) await say(`WRONG ${fault}`);
  if (minutes < MIN_TREND_MINUTES) {
    await say(`Whether anything grows is judged from ${MIN_TREND_MINUTES} minutes on`);
  }
  await say(faults.length === 0 ? "All is well" : `${faults.length} things are wrong`);
  return faults.length === 0 ? 0 : 1;
}

function parseOptions(args: readonly string[]): Options | undefined {
  let isGood = true;
  const given = parseArgs([...args], {
    string: [...COUNTS, "out"],
    unknown: () => isGood = false,
  }) as Record<string, unknown>;
  const counts: { [name in typeof COUNTS[number]]?: number } = {};
  for (const name of COUNTS) {
    const text = given[name];
    if (text === undefined) continue;
    if (typeof text !== "string" || !/^\d+(?:\.\d+)?$/.test(text)) return undefined;
    counts[name] = Number(text);
  }
  if (!isGood || ((counts.minutes ?? 0) === 0 && (counts.servers ?? 0) === 0)) return undefined;
  return { ...counts, ...typeof given.out === "string" ? { out: given.out } : {} };
}

async function say(line: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
