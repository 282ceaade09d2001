/** The origin of the traffic (traffic_origin_main.ts) as a process, and what it has noted down. */

import { dirname } from "@std/path";
import { ChildProgram } from "./child_program.ts";
import { Deliveries } from "./deliveries.ts";
import { PROJECT, toDenoArgs } from "./programs.ts";

const MAIN = "tests/support/traffic_origin_main.ts";

export interface TrafficOriginOptions {
  /** 0 for a free one. */
  readonly port: number;
  /** Where it writes down what arrives; appended to what an earlier one has written. */
  readonly file: string;
  /** What starts it, such as `ip netns exec NAME`; default nothing. */
  readonly via?: readonly string[];
}

export interface TrafficOrigin extends AsyncDisposable {
  readonly program: ChildProgram;
  readonly port: number;
}

/** Killed at the end of the scope. */
export async function startTrafficOrigin(
  { port, file, via = [] }: TrafficOriginOptions,
): Promise<TrafficOrigin> {
  const permissions = ["--allow-net=127.0.0.1", `--allow-write=${dirname(file)}`];
  const deno = [Deno.execPath(), ...toDenoArgs(permissions, MAIN)];
  const [command = "", ...args] = [...via, ...deno, String(port), file];
  const program = ChildProgram.start(command, { args, cwd: PROJECT });
  const [, actual] = await program.untilStdout(/^(\d+)\n/);
  return {
    program,
    port: Number(actual),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

export interface TrafficNotes {
  readonly deliveries: Deliveries;
  readonly violations: readonly string[];
}

/** What origins have written into a file. */
export async function readTrafficNotes(file: string): Promise<TrafficNotes> {
  const deliveries = new Deliveries();
  const violations: string[] = [];
  for (const line of (await Deno.readTextFile(file)).split("\n")) {
    const [, number, method] = /^delivered (\d+) (\S+)$/.exec(line) ?? [];
    if (number !== undefined && method !== undefined) {
      deliveries.add({ number: Number(number) }, method);
    } else if (line !== "") violations.push(line);
  }
  return { deliveries, violations };
}
