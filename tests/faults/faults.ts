/**
 * Breaks relay, server, origin and what is between them, under visitors whose every byte is checked.
 * Linux only; `-A` because Deno grants /proc to nothing less.
 *
 *     deno task faults [--kills N] [--minutes N] [--netns] [--seed N] [--concurrency N]
 *
 * --kills N: relay, server and origin are killed N times each.
 * --minutes N: networks fail by schedules, N minutes by each transport.
 * --netns: packets are lost between two network namespaces; wants root, and nft.
 *
 * Exit codes: 0 nothing promised was broken, 1 something was, 2 bad usage.
 */

import { parseArgs } from "@std/cli";
import { fromFileUrl } from "@std/path";
import { newSeed } from "../support/seeded_random.ts";
import { type FaultsResult, formatFaultsResult } from "./report.ts";
import { inNamespace, NetworkNamespaces } from "./network_namespaces.ts";
import { runKills } from "./run_kills.ts";
import { runNetns } from "./run_netns.ts";
import { runSchedules } from "./run_schedules.ts";

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
  const { kills, minutes, netns, seed = newSeed(), concurrency = CONCURRENCY } = options;
  const results: FaultsResult[] = [];
  const end = async (result: FaultsResult): Promise<void> => {
    results.push(result);
    await say(formatFaultsResult(result));
  };
  const common = { seed, concurrency, say };
  if (options.inside !== undefined) {
    await end(await runNetns(new NetworkNamespaces(options.inside), common));
  }
  if (kills !== undefined) await end(await runKills({ ...common, times: kills }));
  if (minutes !== undefined) {
    for (const transport of ["control channel", "long poll"] as const) {
      await end(await runSchedules({ ...common, minutes, transport }));
    }
  }
  if (netns) {
    const code = await runInside(["--seed", String(seed), "--concurrency", String(concurrency)]);
    if (code !== 0) return code;
  }
  return results.every(({ violations }) => violations.length === 0) ? 0 : 1;
}

/** Runs this program once more in the namespace of the relay; its exit code. */
async function runInside(args: readonly string[]): Promise<number> {
  const id = String(Deno.pid);
  await using namespaces = await NetworkNamespaces.create(id).catch((error) => {
    throw new Error("CANNOT RUN --netns: it wants root, iproute2 and nftables", { cause: error });
  });
  const [command = "", ...rest] = [
    ...inNamespace(namespaces.relay),
    ...[Deno.execPath(), "run", "-A", fromFileUrl(import.meta.url), "--inside", id, ...args],
  ];
  const { code } = await new Deno.Command(command, { args: rest }).spawn().status;
  return code;
}

type Options = { readonly [name in typeof COUNTS[number]]?: number } & {
  readonly netns: boolean;
  /** The id of the namespaces that this process has been put into. */
  readonly inside: string | undefined;
};

function parseOptions(args: readonly string[]): Options | undefined {
  let isGood = true;
  const given = parseArgs([...args], {
    string: [...COUNTS, "inside"],
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
  const { netns = false, inside } = given;
  const isSomething = netns === true || typeof inside === "string" ||
    counts.kills !== undefined || counts.minutes !== undefined;
  if (!isGood || !isSomething) return undefined;
  return {
    ...counts,
    netns: netns === true,
    inside: typeof inside === "string" ? inside : undefined,
  };
}

async function say(line: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
