/** What relay and server take over time, as a run of the soak reads it. */

import type { ChildProgram } from "../support/child_program.ts";
import type { OwnSample } from "./sampler.ts";
import type { Point, TrendBound } from "./trend.ts";

export const SAMPLED_PROGRAMS = ["relay", "server"] as const;

export type SampledProgram = typeof SAMPLED_PROGRAMS[number];

export interface Sample extends OwnSample {
  /** Resident memory, in bytes. */
  readonly resident: number;
  /** Open files, sockets among them. */
  readonly files: number;
  readonly threads: number;
}

/** One for each program, at the same time. */
export interface SampleRow {
  /** Seconds since the start. */
  readonly at: number;
  readonly programs: Readonly<Record<SampledProgram, Sample>>;
}

export interface Quantity {
  readonly title: string;
  readonly read: (sample: Sample) => number;
  /** Undefined where growth means nothing. */
  readonly bound: TrendBound | undefined;
}

const MIB = 1024 * 1024;

/** The share is that of a run; what leaks takes more in any run of 20 minutes. */
export const QUANTITIES: readonly Quantity[] = [
  {
    title: "resident memory, MiB",
    read: ({ resident }) => resident / MIB,
    bound: { share: 0.05, atLeast: 8 },
  },
  {
    title: "heap, MiB",
    read: ({ heap }) => heap / MIB,
    bound: { share: 0.05, atLeast: 3 },
  },
  { title: "open files", read: ({ files }) => files, bound: { share: 0.05, atLeast: 3 } },
  { title: "threads", read: ({ threads }) => threads, bound: { share: 0.05, atLeast: 2 } },
  { title: "delay of the event loop, p99, ms", read: ({ delayP99 }) => delayP99, bound: undefined },
];

/** What a process takes just now; what it says of itself is up to a second old. */
export async function readSample(program: ChildProgram): Promise<Sample> {
  const { pid } = program;
  const [, json] = /.*^sample (\{.*\})$/ms.exec(program.stdout.slice(-1000)) ?? [];
  if (json === undefined) throw new Error("The program has not said what it takes");
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const numberOf = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    ...JSON.parse(json) as OwnSample,
    resident: numberOf("VmRSS") * 1024,
    threads: numberOf("Threads"),
    files: (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`))).length,
  };
}

export function toPoints(
  rows: readonly SampleRow[],
  program: SampledProgram,
  { read }: Quantity,
): readonly Point[] {
  return rows.map(({ at, programs }) => ({ at, value: read(programs[program]) }));
}
