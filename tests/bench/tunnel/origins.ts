/** The origin that all contestants publish: nginx with files, and an application of ours. */

import { findFreePort } from "../../support/outside_port.ts";
import { toDenoArgs } from "../../support/programs.ts";
import { toNginxCommand } from "../nginx.ts";
import type { Command } from "../programs.ts";
import { RunningProgram } from "../running_program.ts";
import type { Origin } from "./contestant.ts";

/** An origin at work. */
export interface RunningOrigin extends AsyncDisposable, Origin {}

/** Ended at the end of the scope; `root` and `scratch` are the caller's. */
export async function startOrigin(root: string, scratch: string): Promise<RunningOrigin> {
  await using stack = new AsyncDisposableStack();
  const [filesPort, applicationPort] = [findFreePort(), findFreePort()];
  const nginx = await toNginxCommand(
    scratch,
    `sendfile on; tcp_nopush on; server { listen 127.0.0.1:${filesPort}; root ${root}; }`,
  );
  const files = { name: "origin", scratch, port: filesPort };
  stack.use(await RunningProgram.listening(nginx, files));
  const application = { name: "application", scratch, port: applicationPort };
  stack.use(await RunningProgram.listening(toApplicationCommand(applicationPort), application));
  const moved = stack.move();
  return {
    root,
    filesPort,
    applicationPort,
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** The application on a port, which is a server of files in memory as well. */
export function toApplicationCommand(port: number): Command {
  const permissions = ["--allow-net", "--allow-env"];
  const entry = "tests/bench/tunnel/application_main.ts";
  return { program: Deno.execPath(), args: [...toDenoArgs(permissions, entry), String(port)] };
}
