/** The sample application (sample_origin_main.ts) as a process, on a free port of 127.0.0.1. */

import { ChildProgram } from "./child_program.ts";
import { PROJECT, toDenoArgs } from "./programs.ts";

export interface SampleOrigin extends AsyncDisposable {
  readonly program: ChildProgram;
  readonly port: number;
  /** With a slash at its end. */
  readonly url: string;
  /** Says a word to a request that waits for one, or will. */
  say(word: string): Promise<void>;
}

/** Killed at the end of the scope. */
export async function startSampleOrigin(): Promise<SampleOrigin> {
  // The switches of npm `ws` are in the environment.
  const permissions = ["--allow-net=127.0.0.1", "--allow-env"];
  const program = ChildProgram.start(Deno.execPath(), {
    args: toDenoArgs(permissions, "tests/support/sample_origin_main.ts"),
    cwd: PROJECT,
  });
  const [, port] = await program.untilStdout(/^listening (\d+)\n/);
  const url = `http://127.0.0.1:${port}/`;
  return {
    program,
    port: Number(port),
    url,
    say: async (word) => void await (await fetch(`${url}say?${word}`)).text(),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
