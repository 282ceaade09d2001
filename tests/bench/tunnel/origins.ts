/** The origin that all contestants publish: nginx with files, and an application of ours. */

import { findFreePort } from "../../support/outside_port.ts";
import { toDenoArgs } from "../../support/programs.ts";
import { toNginxCommand } from "../nginx.ts";
import { type Command, withPrefix } from "../programs.ts";
import { RunningProgram } from "../running_program.ts";
import type { Origin } from "./contestant.ts";

/** An origin at work. */
export interface RunningOrigin extends AsyncDisposable, Origin {}

export interface OriginOptions {
  /** The folder that nginx serves. */
  readonly root: string;
  /** A folder of the origin's own. */
  readonly scratch: string;
  /** The address at which it is reached from here. */
  readonly hostname: string;
  /** What its commands begin with, where it has a network of its own; it listens on all of that. */
  readonly prefix?: readonly string[];
}

/** Ended at the end of the scope; the folders are the caller's. */
export async function startOrigin(
  { root, scratch, hostname, prefix = [] }: OriginOptions,
): Promise<RunningOrigin> {
  await using stack = new AsyncDisposableStack();
  const [filesPort, applicationPort] = [findFreePort(), findFreePort()];
  const listenHost = prefix.length === 0 ? hostname : "0.0.0.0";
  const nginx = await toNginxCommand(
    scratch,
    `sendfile on; tcp_nopush on; server { listen ${listenHost}:${filesPort}; root ${root}; }`,
  );
  const files = { name: "origin", scratch, hostname, port: filesPort };
  stack.use(await RunningProgram.listening(withPrefix(prefix, nginx), files));
  const application = { name: "application", scratch, hostname, port: applicationPort };
  const command = withPrefix(prefix, toApplicationCommand(listenHost, applicationPort));
  stack.use(await RunningProgram.listening(command, application));
  const moved = stack.move();
  return {
    root,
    filesPort,
    applicationPort,
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** The application on a port of an address, which is a server of files in memory as well. */
export function toApplicationCommand(hostname: string, port: number): Command {
  const permissions = ["--allow-net", "--allow-env"];
  const entry = "tests/bench/tunnel/application_main.ts";
  return {
    program: Deno.execPath(),
    args: [...toDenoArgs(permissions, entry), hostname, String(port)],
  };
}
