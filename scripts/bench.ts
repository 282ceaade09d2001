/**
 * Measures; which group, the first argument says. Linux only, except for the codec; `-A` because
 * Deno grants /proc to nothing less.
 *
 *     deno task bench                      (all groups)
 *     deno task bench codec
 *     deno task bench file-server [--install] [--write] [--json FILE] [--only NAME,NAME]
 *       [--rounds N] [--seconds N] [--big-mib N] [--entries N]
 *
 * Exit codes: 0 measured, 2 bad usage, 3 not measured at all (not on Linux).
 */

import { parseArgs } from "@std/cli";
import { fromFileUrl, join } from "@std/path";
import { benchFileServer } from "../tests/bench/file_server/bench_file_server.ts";
import { formatReport, insertReport, type Report } from "../tests/bench/file_server/report.ts";

const ROOT = new URL("../", import.meta.url);
const DOC = new URL("docs/benchmarks.md", ROOT);

const COUNTS = { rounds: 3, seconds: 2, "big-mib": 1024, entries: 100_000 };
const TEXTS = ["json", "only", ...Object.keys(COUNTS)];
const SWITCHES = ["install", "write"];

async function main([group, ...args]: readonly string[]): Promise<number> {
  switch (group) {
    case undefined:
      return Math.max(await runDenoBench([]), await runFileServer([]));
    case "codec":
      return await runDenoBench(args);
    case "file-server":
      return await runFileServer(args);
    default:
      return await refuse("name a group: codec or file-server");
  }
}

async function runDenoBench(args: readonly string[]): Promise<number> {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["bench", "--no-prompt", ...args, "tests/bench"],
    cwd: ROOT,
  }).spawn().status;
  return code;
}

async function runFileServer(args: readonly string[]): Promise<number> {
  const unknown: string[] = [];
  const given = parseArgs([...args], {
    string: TEXTS,
    boolean: SWITCHES,
    unknown: (arg: string) => void unknown.push(arg),
  });
  const counts = Object.fromEntries(
    Object.entries(COUNTS).map(([name, count]) => [name, Number(given[name] ?? count)]),
  );
  const bad = Object.keys(counts).find((name) => !isCount(counts[name]));
  if (unknown[0] !== undefined) return await refuse(`unknown argument "${unknown[0]}"`);
  if (bad !== undefined) return await refuse(`--${bad} takes a whole number above 0`);
  if (Deno.build.os !== "linux") {
    await say("NOT MEASURED: the processes are watched by Linux's /proc");
    return 3;
  }
  const report = await benchFileServer({
    rounds: counts["rounds"] ?? 0,
    seconds: counts["seconds"] ?? 0,
    bigMib: counts["big-mib"] ?? 0,
    entries: counts["entries"] ?? 0,
    only: typeof given["only"] === "string" ? given["only"].split(",") : undefined,
    installs: given["install"] === true,
    cache: cacheFolder(),
    say,
  });
  const text = formatReport(report);
  await say(text);
  if (typeof given["json"] === "string") await writeJson(given["json"], report);
  if (given["write"] === true) {
    await Deno.writeTextFile(DOC, insertReport(await Deno.readTextFile(DOC), text));
    // Tables are aligned as `deno task fmt` wants them.
    await new Deno.Command(Deno.execPath(), { args: ["fmt", "-q", fromFileUrl(DOC)] }).output();
  }
  return 0;
}

function isCount(value: number | undefined): boolean {
  return value !== undefined && Number.isInteger(value) && value > 0;
}

async function writeJson(path: string, report: Report): Promise<void> {
  await Deno.writeTextFile(path, `${JSON.stringify(report, null, 2)}\n`);
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
