/** What is known of a running program, from itself and from Linux. */

import { countConnections } from "../interop/process_facts.ts";
import type { ChildProgram } from "../support/child_program.ts";
import { type OwnSample, readLastSample } from "./print_samples.ts";

export interface ProgramSample extends OwnSample {
  /** Resident memory. */
  readonly rssBytes: number;
  readonly handles: number;
  readonly connections: number;
  readonly threads: number;
}

/** Of a program that prints samples; undefined before its first. */
export async function sampleProgram(
  { pid, stdout }: ChildProgram,
): Promise<ProgramSample | undefined> {
  const own = readLastSample(stdout);
  if (own === undefined) return undefined;
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const handles = await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`));
  return {
    ...own,
    rssBytes: readNumber(status, "VmRSS") * 1024,
    threads: readNumber(status, "Threads"),
    handles: handles.length,
    connections: await countConnections(pid),
  };
}

function readNumber(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? NaN);
}
