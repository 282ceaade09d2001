/**
 * Measures; which group, the first argument says. Linux only, except for the codec; `-A` because
 * Deno grants /proc to nothing less.
 *
 *     deno task bench                      (all groups)
 *     deno task bench codec
 *     deno task bench file-server [--install] [--write] [--json FILE] [--only NAME,NAME]
 *       [--rounds N] [--seconds N] [--big-mib N] [--entries N]
 *     deno task bench tunnel [--install] [--write] [--json FILE] [--only NAME,NAME]
 *       [--rows ID,ID] [--rounds N] [--seconds N] [--big-mib N]
 *     deno task bench --compare REV [--rows ID,ID] [--rounds N] [--seconds N] [--big-mib N]
 *
 * An ID may have `*` in it: `--rows 'get-*,upload'`.
 * `--compare` runs this tree and that of a revision in turns, each as relay and server.
 *
 * Exit codes: 0 measured, 2 bad usage, 3 not measured at all (not on Linux).
 */

import { parseArgs } from "@std/cli";
import { join } from "@std/path";
import { benchFileServer } from "../tests/bench/file_server/bench_file_server.ts";
import { formatReport as formatFileServers } from "../tests/bench/file_server/report.ts";
import { insertReport } from "../tests/bench/report.ts";
import { benchTunnel } from "../tests/bench/tunnel/bench_tunnel.ts";
import { compareTrees } from "../tests/bench/tunnel/compare.ts";
import { CHART_FOLDER, drawReport } from "../tests/bench/tunnel/charts.ts";
import { formatReport as formatTunnels } from "../tests/bench/tunnel/report.ts";
import { UsageError } from "../tests/bench/usage_error.ts";

const ROOT = new URL("../", import.meta.url);
const DOC = new URL("docs/benchmarks.md", ROOT);

/** Options that are counts, with their defaults, by what takes them. */
const COMMON_COUNTS = { rounds: 3, seconds: 2, "big-mib": 1024 };
const FILE_SERVER_COUNTS = { ...COMMON_COUNTS, entries: 100_000 };
const COMPARE_COUNTS = { ...COMMON_COUNTS, rounds: 5, "big-mib": 512 };

interface Options<Count extends string> {
  readonly counts: Readonly<Record<Count, number>>;
  readonly text: (name: string) => string | undefined;
  readonly list: (name: string) => readonly string[] | undefined;
  readonly isSet: (name: string) => boolean;
}

async function main(args: readonly string[]): Promise<number> {
  const [group, ...rest] = args;
  switch (group) {
    case undefined:
      return Math.max(await runDenoBench([]), await runFileServer([]), await runTunnel([]));
    case "codec":
      return await runDenoBench(rest);
    case "file-server":
      return await runFileServer(rest);
    case "tunnel":
      return await runTunnel(rest);
  }
  if (group.startsWith("--compare")) return await runCompare(args);
  return await refuse("name a group, codec, file-server or tunnel");
}

async function runDenoBench(args: readonly string[]): Promise<number> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["bench", "--no-prompt", ...args, "tests/bench"],
    cwd: ROOT,
  }).spawn().status;
  return code;
}

async function runFileServer(args: readonly string[]): Promise<number> {
  return await withOptions(args, {
    counts: FILE_SERVER_COUNTS,
    string: ["json", "only"],
    boolean: ["install", "write"],
  }, async ({ counts, list, isSet, text }) => {
    const report = await benchFileServer({
      rounds: counts.rounds,
      seconds: counts.seconds,
      bigMib: counts["big-mib"],
      entries: counts.entries,
      only: list("only"),
      installs: isSet("install"),
      cache: cacheFolder(),
      say,
    });
    await writeJson(text("json"), report);
    const page = formatFileServers(report);
    await say(page);
    if (isSet("write")) await writePage("file-server", page);
  });
}

async function runTunnel(args: readonly string[]): Promise<number> {
  return await withOptions(args, {
    counts: COMMON_COUNTS,
    string: ["json", "only", "rows"],
    boolean: ["install", "write"],
  }, async ({ counts, list, isSet, text }) => {
    const report = await benchTunnel({
      rounds: counts.rounds,
      seconds: counts.seconds,
      bigMib: counts["big-mib"],
      only: list("only"),
      rows: list("rows"),
      installs: isSet("install"),
      cache: cacheFolder(),
      say,
      save: (report) => writeJson(text("json"), report),
    });
    await say(formatTunnels(report));
    if (!isSet("write")) return;
    const charts = drawReport(report);
    await Deno.mkdir(new URL(CHART_FOLDER, DOC), { recursive: true });
    for (const { path, svg } of charts) await Deno.writeTextFile(new URL(path, DOC), svg);
    await writePage("tunnel", formatTunnels(report, charts));
  });
}

async function runCompare(args: readonly string[]): Promise<number> {
  return await withOptions(args, {
    counts: COMPARE_COUNTS,
    string: ["compare", "rows"],
    boolean: [],
  }, async ({ counts, list, text }) => {
    await say(
      await compareTrees({
        revision: text("compare") ?? "",
        rounds: counts.rounds,
        seconds: counts.seconds,
        bigMib: counts["big-mib"],
        rows: list("rows"),
        say,
      }),
    );
  });
}

/** Runs with options as they were given, or refuses those that make no sense. */
async function withOptions<Count extends string>(
  args: readonly string[],
  { counts, string, boolean }: {
    readonly counts: Readonly<Record<Count, number>>;
    readonly string: readonly string[];
    readonly boolean: readonly string[];
  },
  run: (options: Options<Count>) => Promise<void>,
): Promise<number> {
  const unknown: string[] = [];
  const given: Record<string, unknown> = parseArgs(
    [...args],
    {
      string: [...string, ...Object.keys(counts)],
      boolean: [...boolean],
      unknown: (arg: string) => void unknown.push(arg),
    },
  );
  const text = (name: string): string | undefined => {
    const value = given[name];
    return typeof value === "string" ? value : undefined;
  };
  const chosen: Record<Count, number> = { ...counts };
  for (const name of Object.keys(counts) as Count[]) {
    chosen[name] = Number(text(name) ?? counts[name]);
    if (!isCount(chosen[name])) return await refuse(`--${name} takes a whole number above 0`);
  }
  if (unknown[0] !== undefined) return await refuse(`unknown argument "${unknown[0]}"`);
  if (Deno.build.os !== "linux") {
    await say("NOT MEASURED: the processes are watched by Linux's /proc");
    return 3;
  }
  const list = (name: string): readonly string[] | undefined => text(name)?.split(",");
  try {
    await run({ counts: chosen, text, list, isSet: (name) => given[name] === true });
    return 0;
  } catch (error) {
    if (error instanceof UsageError) return await refuse(error.message);
    throw error;
  }
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value > 0;
}

async function writeJson(path: string | undefined, report: unknown): Promise<void> {
  if (path === undefined) return;
  await Deno.writeTextFile(path, `${JSON.stringify(report, null, 2)}\n`);
}

/** Puts a report into its place in the documentation. */
async function writePage(group: string, page: string): Promise<void> {
  await Deno.writeTextFile(DOC, insertReport(await Deno.readTextFile(DOC), group, page));
  // Tables are aligned, and charts indented, as `deno task fmt` wants them.
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "-q", "docs"], cwd: ROOT }).output();
}

/** For programs of others, kept from one time to the next. */
function cacheFolder(): string {
  const chosen = Deno.env.get("PTTH_BENCH_CACHE");
  if (chosen) return chosen;
  const caches = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "/tmp", ".cache");
  return join(caches, "ptth-bench");
}

async function refuse(reason: string): Promise<number> {
  await say(`Cannot measure: ${reason}`);
  return 2;
}

async function say(line: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
