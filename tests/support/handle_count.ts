/** How many files and sockets a process holds open (Linux). */

import { runProgram } from "./outside_program.ts";

/** By another program: Deno grants /proc to no test that has named permissions. */
export async function countHandles(pid: number): Promise<number> {
  const { code, stdout, stderr } = await runProgram(["ls", `/proc/${pid}/fd`], { cwd: "/" });
  if (code !== 0) throw new Error(`Cannot count handles of process ${pid}: ${stderr}`);
  return stdout.trim().split("\n").length;
}
