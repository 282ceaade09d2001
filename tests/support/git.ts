/** git as a visitor, without the configuration of whoever runs the tests. */

import { type ProgramOutput, runProgram } from "./outside_program.ts";
import { CA_FILE } from "./tls_files.ts";

const ENVIRONMENT = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_TERMINAL_PROMPT: "0",
  GIT_SSL_CAINFO: CA_FILE,
  GIT_AUTHOR_NAME: "Tester",
  GIT_AUTHOR_EMAIL: "tester@example.com",
  GIT_COMMITTER_NAME: "Tester",
  GIT_COMMITTER_EMAIL: "tester@example.com",
} as const;

export interface Git {
  /** What it prints; fails unless it ends with 0. */
  (...args: readonly string[]): Promise<string>;
}

/** git in a folder. */
export function gitIn(cwd: string): Git {
  return async (...args) => (await runGit(cwd, args)).stdout.trim();
}

/** With what it writes of its HTTP too. */
export async function runVerboseGit(cwd: string, args: readonly string[]): Promise<ProgramOutput> {
  return await runGit(cwd, args, { GIT_CURL_VERBOSE: "1", GIT_TRACE_CURL_NO_DATA: "1" });
}

async function runGit(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramOutput> {
  const output = await runProgram(["git", ...args], { cwd, env: { ...ENVIRONMENT, ...env } });
  if (output.code !== 0) {
    throw new Error(`git ${args.join(" ")} ended with ${output.code}:\n${output.stderr}`);
  }
  return output;
}
