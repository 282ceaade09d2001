/** Programs of other people that tests run ours against. */

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

export interface ProgramOutput {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; killed after `guardMs`, which is far more than it needs. */
export async function runProgram(
  [program = "", ...args]: readonly string[],
  { cwd, guardMs = 20_000 }: { readonly cwd: string; readonly guardMs?: number },
): Promise<ProgramOutput> {
  const process = new Deno.Command(program, {
    args,
    cwd,
    // The environment of the tests may have a proxy, which does not lead to this computer.
    env: { http_proxy: "", HTTP_PROXY: "", no_proxy: "127.0.0.1", NO_PROXY: "127.0.0.1" },
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
