/**
 * Breaks relay, server, origin and what is between them, under visitors whose every byte is checked.
 * Linux only; `-A` because Deno grants /proc to nothing less.
 *
 *     deno task faults [--kills N] [--minutes N] [--netns] [--seed N] [--concurrency N]
 *
 * --kills N: relay, server and origin are killed N times each.
 * --minutes N: networks fail by schedules, N minutes by each transport.
 *
 * Exit codes: 0 nothing promised was broken, 1 something was, 2 bad usage.
 */

import { parseArgs } from "@std/cli";
import { newSeed } from "../support/seeded_random.ts";
import { type FaultsResult, formatFaultsResult } from "./report.ts";
import { runKills } from "./run_kills.ts";

const COUNTS = ["kills", "minutes", "seed", "concurrency"] as const;
const USAGE =
  "Usage: deno task faults [--kills N] [--minutes N] [--netns] [--seed N] [--concurrency N]\n";
const CONCURRENCY = 12;

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    await say(USAGE.trimEnd());
    return 2;
  }
  const { kills, seed = newSeed(), concurrency = CONCURRENCY } = options;
  const results: FaultsResult[] = [];
  const end = async (result: FaultsResult): Promise<void> => {
    results.push(result);
    await say(formatFaultsResult(result));
  };
  if (kills !== undefined) await end(await runKills({ seed, times: kills, concurrency, say }));
  return results.every(({ violations }) => violations.length === 0) ? 0 : 1;
}

type Options = { readonly [name in typeof COUNTS[number]]?: number } & { readonly netns: boolean };

function parseOptions(args: readonly string[]): Options | undefined {
  let isGood = true;
  const given = parseArgs([...args], {
    string: [...COUNTS],
    boolean: ["netns"],
    unknown: () => {
      isGood = false;
      return false;
    },
  }) as Record<string, unknown>;
  const counts: { [name in typeof COUNTS[number]]?: number } = {};
  for (const name of COUNTS) {
    const text = given[name];
    if (text === undefined) continue;
    if (typeof text !== "string" || !/^\d+(?:\.\d+)?$/.test(text)) return undefined;
    counts[name] = Number(text);
  }
  if (
    !isGood || (given.netns !== true && counts.kills === undefined && counts.minutes === undefined)
  ) {
    return undefined;
  }
  return { ...counts, netns: given.netns === true };
}

async function say(line: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
