/** The programs from source, as processes with the permissions that the README names. */

import { fromFileUrl, join } from "@std/path";
import { ChildProgram } from "./child_program.ts";

export type ProgramName = "relay" | "server" | "file_server";

export const PROJECT = fromFileUrl(new URL("../..", import.meta.url));

export interface StartOptions {
  readonly args?: readonly string[];
  readonly cwd: string;
  /** Beside those of the README. */
  readonly permissions?: readonly string[];
  readonly hasInput?: boolean;
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
  /** What starts it, such as `ip netns exec NAME`; default nothing. */
  readonly via?: readonly string[];
  /** The file that is run, which runs the program; default the program itself. */
  readonly entry?: string;
}

/** Starts a program in a folder of its own; killed at the end of the scope. */
export function startProgram(
  name: ProgramName,
  { args = [], permissions = [], env = {}, via = [], entry = `${name}.ts`, ...options }:
    StartOptions,
): ChildProgram {
  const deno = toDenoArgs([...readPermissions(name), ...permissions], entry);
  const [command = "", ...rest] = [...via, Deno.execPath(), ...deno, ...args];
  return ChildProgram.start(command, {
    ...options,
    args: rest,
    env: { ...NO_PROXY, ...env },
  });
}

/** `deno run` of a file of this project. */
export function toDenoArgs(permissions: readonly string[], entry: string): readonly string[] {
  const config = join(PROJECT, "deno.json");
  return ["run", "--no-prompt", "--config", config, ...permissions, join(PROJECT, entry)];
}

/** The environment of the tests may have a proxy, which does not lead to this computer. */
const NO_PROXY = { no_proxy: "127.0.0.1,localhost", NO_PROXY: "127.0.0.1,localhost" };

/** Those that the README of a tree names for one of its programs. */
export function readPermissions(name: ProgramName, project = PROJECT): readonly string[] {
  const readme = Deno.readTextFileSync(join(project, "README.md")).replaceAll(/\\\n\s*/g, "");
  const line = new RegExp(`^deno run (--.*) ${name}\\.ts$`, "m").exec(readme)?.[1];
  if (line === undefined) throw new Error(`Cannot find the permissions of ${name}.ts in README.md`);
  return line.split(" ");
}
