/** Whether a program is there, and getting it. */

import { PROJECT } from "../support/programs.ts";

/** A program and its arguments. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
}

/** The command run by another one, whose own words come first: `ip netns exec NAME`, say. */
export function withPrefix(prefix: readonly string[], command: Command): Command {
  const [program, ...args] = prefix;
  if (program === undefined) return command;
  return { program, args: [...args, command.program, ...command.args] };
}

/** How to make a program that is not there, outside the tree. */
export interface Install extends Command {
  /** The path of the program, which exists once it is installed. */
  readonly result: string;
}

/** What can be asked for its version. */
export interface Versioned {
  readonly name: string;
  /** Prints the version; the first number in it counts. */
  readonly version: Command;
  /** Undefined where a package manager of the system installs it, or nobody has to. */
  readonly install?: Install;
}

export interface InstallOptions {
  readonly installs: boolean;
  readonly say: (line: string) => Promise<void>;
}

export type Found =
  | { readonly kind: "found"; readonly version: string }
  | { readonly kind: "missing"; readonly reason: string };

/** Its version, once it is installed. */
export async function toInstalled(
  { name, version, install }: Versioned,
  { installs, say }: InstallOptions,
): Promise<Found> {
  const missing = async (reason: string): Promise<Found> => {
    await say(`NOT MEASURED: ${name}: ${reason}`);
    return { kind: "missing", reason };
  };
  if (install !== undefined && !await exists(install.result)) {
    if (!installs) return await missing("it is not installed (--install installs it)");
    await say(`Installing ${name}`);
    if (await run(install, "inherit") === undefined) {
      return await missing("it cannot be installed here");
    }
  }
  const text = await run(version, "piped");
  if (text === undefined) {
    return await missing(
      install === undefined ? `${version.program} is not on PATH` : "it does not start",
    );
  }
  // One of them says first when it was built, to the nanosecond.
  const number = /(?<![\d:.])\d+\.\d+(?:\.\d+)*/.exec(text)?.[0];
  return { kind: "found", version: number ?? "of unknown version" };
}

/** False where a program cannot be started at all. */
export async function isInstalled(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" })
      .output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Why a command of this project's folder has failed; undefined where it has not. */
export async function explainFailure(
  program: string,
  args: readonly string[],
): Promise<string | undefined> {
  try {
    const { success, stderr } = await new Deno.Command(program, { args: [...args], cwd: PROJECT })
      .output();
    return success ? undefined : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return `${program} is not installed`;
    throw error;
  }
}

/** What it printed; undefined where it cannot be started, or fails. */
async function run(
  { program, args }: Command,
  output: "piped" | "inherit",
): Promise<string | undefined> {
  try {
    const { code, ...texts } = await new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: output,
      stderr: output,
    }).output();
    if (code !== 0) return undefined;
    if (output === "inherit") return "";
    const decoder = new TextDecoder();
    return decoder.decode(texts.stdout) + decoder.decode(texts.stderr);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
