/**
 * Interoperation with the original PTTH programs: relay {original, ours} x server {original, ours},
 * the same checks for each. Linux only; `-A` because Deno grants /proc to nothing less.
 *
 *     deno run -A tests/interop/interop.ts [--pairing RELAY/SERVER] [--only TEXT]
 *
 * A pairing is like `ours/original`; TEXT is part of a check's name. Exit codes: 0 all passed,
 * 1 something failed, 2 bad usage, 3 SKIPPED (the originals cannot be built here): nothing was
 * tested, and a script must not take that for a pass.
 */

import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import { buildOriginals, type Originals } from "./build_originals.ts";
import type { Check } from "./check.ts";
import { FAILURE_CHECKS } from "./failure_checks.ts";
import { FILE_CHECKS } from "./file_checks.ts";
import { FOLDER_CHECKS } from "./folder_checks.ts";
import { countResults, formatTable, type PairingResult, type Result } from "./report.ts";
import { createTree, type Tree } from "./tree.ts";
import { TUNNEL_CHECKS } from "./tunnel_checks.ts";
import { type Pairing, World } from "./world.ts";

const PAIRINGS: readonly Pairing[] = [
  { relay: "original", server: "original" },
  { relay: "ours", server: "original" },
  { relay: "original", server: "ours" },
  { relay: "ours", server: "ours" },
];

const CHECKS: readonly Check[] = [
  ...FILE_CHECKS,
  ...FOLDER_CHECKS,
  ...TUNNEL_CHECKS,
  ...FAILURE_CHECKS,
];

const START_MS = 35_000;

async function main(args: readonly string[]): Promise<number> {
  const { pairing, only } = parseArgs(args, { string: ["pairing", "only"] });
  const pairings = PAIRINGS.filter((each) => pairing === undefined || toLabel(each) === pairing);
  const checks = CHECKS.filter(({ name }) => typeof only !== "string" || name.includes(only));
  if (pairings.length === 0 || checks.length === 0) {
    await say(`Nothing to do: pairings are ${PAIRINGS.map(toLabel).join(", ")}`);
    return 2;
  }
  if (Deno.build.os !== "linux") return await skip("the checks read Linux's /proc");
  const built = await buildOriginals(say);
  if (built.kind === "unavailable") return await skip(built.reason);

  const folder = await Deno.makeTempDir({ prefix: "ptth_interop_tree_" });
  try {
    const tree = await createTree(await makeFolder(join(folder, "root")));
    const results: PairingResult[] = [];
    for (const each of pairings) {
      results.push(await runPairing(each, checks, { originals: built.originals, tree }));
    }
    await say(formatTable(checks.map(({ name }) => name), results));
    const { passed, failed } = countResults(results);
    await say(`${passed} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runPairing(
  pairing: Pairing,
  checks: readonly Check[],
  shared: { readonly originals: Originals; readonly tree: Tree },
): Promise<PairingResult> {
  const label = toLabel(pairing);
  const results = new Map<string, Result>();
  await using world = await World.create({ pairing, ...shared });
  const start = await runCheck({
    name: "start",
    run: async () => {
      await world.startRelay();
      await world.startServer();
      await world.untilServed(START_MS);
    },
  }, world);
  await report(label, "start", start, world);
  for (const check of checks) {
    if (check.applies?.(pairing) === false) continue;
    const result = start.kind === "passed"
      ? await runCheck(check, world)
      : { kind: "failed", reason: "the programs did not start", seconds: 0 } as const;
    results.set(check.name, result);
    if (start.kind === "passed") await report(label, check.name, result, world);
  }
  return { label, results };
}

async function runCheck(check: Check, world: World): Promise<Result> {
  const start = performance.now();
  const toSeconds = (): number => (performance.now() - start) / 1000;
  try {
    await check.run(world);
    return { kind: "passed", seconds: toSeconds() };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "failed", reason, seconds: toSeconds() };
  }
}

async function report(label: string, name: string, result: Result, world: World): Promise<void> {
  const verdict = result.kind === "passed" ? "PASS" : "FAIL";
  await say(`${verdict}  ${label}  ${name}  (${result.seconds.toFixed(1)} s)`);
  if (result.kind === "failed") await say(`      ${result.reason}\n${world.outputs}`);
}

function toLabel({ relay, server }: Pairing): string {
  return `${relay}/${server}`;
}

async function makeFolder(path: string): Promise<string> {
  await Deno.mkdir(path);
  return path;
}

async function skip(reason: string): Promise<number> {
  await say(`SKIPPED: INTEROPERATION WITH THE ORIGINAL PROGRAMS WAS NOT TESTED: ${reason}`);
  return 3;
}

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${text}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
