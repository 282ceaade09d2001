/**
 * Builds the binaries into dist/TARGET/, each with no more permissions than it needs, and their
 * checksums into dist/SHA256SUMS.
 *
 *     deno task compile [--host-only] [--target T]... [--program P]... [--out FOLDER]
 *
 * DENO_COMPILE_CLI names another Deno to compile with. DENORT_BIN, which Deno itself reads, names
 * the runtime that goes into the binary, for one target; otherwise Deno downloads it. Exit codes:
 * 0 all built, 1 one could not be, 2 bad usage.
 */

import { parseArgs } from "@std/cli";
import { fromFileUrl, join } from "@std/path";
import { createHash } from "node:crypto";

interface Program {
  readonly name: string;
  readonly entry: string;
  readonly permissions: readonly string[];
}

/** What the user wants built. */
interface Wanted {
  readonly programs: readonly Program[];
  readonly targets: readonly string[];
  readonly folder: string;
}

const PROXY_VARIABLES = ["http_proxy", "https_proxy", "all_proxy", "no_proxy"]
  .flatMap((name) => [name, name.toUpperCase()]);

const PROGRAMS: readonly Program[] = [
  // Reading: the configuration file, which may be anywhere, and the folder that it is in.
  { name: "ptth_relay", entry: "relay.ts", permissions: ["--allow-net", "--allow-read"] },
  {
    name: "ptth_server",
    entry: "server.ts",
    permissions: [
      "--allow-net",
      "--allow-read",
      // The configuration that --generate-key creates, wherever --config says.
      "--allow-write",
      `--allow-env=${PROXY_VARIABLES.join(",")}`,
      // The system's certificate authorities.
      "--allow-sys",
    ],
  },
  {
    name: "ptth_file_server",
    entry: "file_server.ts",
    permissions: [
      "--allow-net",
      "--allow-read",
      // What to visit it by, where it listens on all addresses.
      "--allow-sys=networkInterfaces",
      // The browser of --open; dropped at the start. Not by name: a binary would complain on each
      // computer that lacks one of the names.
      "--allow-run",
    ],
  },
];

const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
  "aarch64-pc-windows-msvc",
];

const ROOT = fromFileUrl(new URL("../", import.meta.url));

async function main(args: readonly string[]): Promise<number> {
  const wanted = parseWanted(args);
  if (typeof wanted === "string") {
    await say(`${wanted}\nPrograms: ${PROGRAMS.map(({ name }) => name).join(", ")}\n`);
    await say(`Targets: ${TARGETS.join(", ")}\n`);
    return 2;
  }
  const sums: string[] = [];
  for (const target of wanted.targets) {
    for (const program of wanted.programs) {
      const name = `${target}/${program.name}${target.includes("windows") ? ".exe" : ""}`;
      const path = join(wanted.folder, name);
      await say(`Compiling ${path}\n`);
      const failure = await compile(program, { target, path });
      if (failure !== undefined) {
        await say(`Cannot compile ${program.name} for ${target}: ${failure}\n`);
        return 1;
      }
      sums.push(`${await readSum(path)}  ${name}\n`);
    }
  }
  await Deno.writeTextFile(join(wanted.folder, "SHA256SUMS"), sums.join(""));
  return 0;
}

/** A sentence where the arguments cannot be understood. */
function parseWanted(args: readonly string[]): Wanted | string {
  const unknown: string[] = [];
  const options = parseArgs(args, {
    string: ["target", "program", "out"],
    boolean: ["host-only"],
    collect: ["target", "program"],
    unknown: (arg) => {
      unknown.push(arg);
      return false;
    },
  });
  const names = toList(options["program"]);
  const given = toList(options["target"]);
  const targets = options["host-only"] === true ? [Deno.build.target, ...given] : given;
  unknown.push(
    ...names.filter((name) => !PROGRAMS.some((program) => program.name === name)),
    ...targets.filter((target) => !TARGETS.includes(target)),
  );
  if (unknown.length > 0) return `Cannot understand ${unknown.join(", ")}`;
  if (targets.length !== 1 && Deno.env.has("DENORT_BIN")) {
    return "DENORT_BIN is a runtime for one target: give --host-only or one --target";
  }
  return {
    programs: PROGRAMS.filter(({ name }) => names.length === 0 || names.includes(name)),
    targets: targets.length === 0 ? TARGETS : targets,
    folder: typeof options["out"] === "string" ? options["out"] : join(ROOT, "dist"),
  };
}

/** Why it failed, or undefined. */
async function compile(
  { entry, permissions }: Program,
  { target, path }: { readonly target: string; readonly path: string },
): Promise<string | undefined> {
  const deno = Deno.env.get("DENO_COMPILE_CLI") ?? Deno.execPath();
  // Without --no-prompt a binary on a terminal would ask for what it was not given. Types are
  // checked by `deno task check`.
  const flags = ["--no-check", "--no-prompt", "--target", target, "--output", path];
  // Else all packages of the lock go in, those of the tests too; older compilers know no better.
  if (await knowsFlag(deno, EXCLUDE_UNUSED)) flags.push(EXCLUDE_UNUSED);
  try {
    const { success, code, stderr } = await new Deno.Command(deno, {
      args: ["compile", "--quiet", ...flags, ...permissions, join(ROOT, entry)],
      stdout: "null",
      stderr: "piped",
    }).output();
    if (success) return undefined;
    return `"${deno} compile" ended with status ${code}:\n${new TextDecoder().decode(stderr)}` +
      "If it could not download denort: the runtime of a binary comes from Deno's own download " +
      "site; without access to it, DENORT_BIN can name a denort of the same version";
  } catch (error) {
    return `cannot start "${deno}": ${error instanceof Error ? error.message : String(error)}`;
  }
}

const EXCLUDE_UNUSED = "--exclude-unused-npm";

async function knowsFlag(deno: string, flag: string): Promise<boolean> {
  const { stdout } = await new Deno.Command(deno, { args: ["compile", "--help"] }).output();
  return new TextDecoder().decode(stdout).includes(flag);
}

async function readSum(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  return hash.digest("hex");
}

function toList(values: unknown): string[] {
  return Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
}

async function say(text: string): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode(text));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
