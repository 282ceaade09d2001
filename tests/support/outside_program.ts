/** Programs of other people that tests run ours against. */

import { join } from "@std/path";

/** False, with a word on the console, where a program is not installed. */
export async function hasProgram(program: string): Promise<boolean> {
  try {
    await new Deno.Command(program, { args: ["--help"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console
    console.error(
      `SKIPPED: ${program} is not installed (scripts/install_test_programs.sh installs it)`,
    );
    return false;
  }
}

/** Below the folder that scripts/install_test_programs.sh fills. */
export function toolPath(path: string): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") || join(Deno.env.get("HOME") ?? "", ".cache");
  return join(cache, "ptth-test-programs", path);
}

/** The environment of the tests may have a proxy, which does not lead to this computer. */
export const NO_PROXY = {
  http_proxy: "",
  HTTP_PROXY: "",
  no_proxy: "127.0.0.1,localhost",
  NO_PROXY: "127.0.0.1,localhost",
} as const;

export interface ProgramOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly guardMs?: number;
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a program to its end; killed after `guardMs`, which is far more than it needs. */
export async function runProgram(
  [program = "", ...args]: readonly string[],
  { cwd, guardMs = 20_000, env = {} }: RunOptions,
): Promise<ProgramOutput> {
  const process = new Deno.Command(program, {
    args,
    cwd,
    env: { ...NO_PROXY, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => process.kill("SIGKILL"), guardMs);
  try {
    const { code, stdout, stderr } = await process.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  } finally {
    clearTimeout(timer);
  }
}
