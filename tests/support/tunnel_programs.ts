/** Relay and server as processes, from source, with the applications of a test behind them. */

import { assertEquals } from "@std/assert";
import type { ChildProgram } from "./child_program.ts";
import { runProgram } from "./outside_program.ts";
import { startProgram } from "./programs.ts";
import { TempFolder } from "./temp_folder.ts";
import { type OriginTable, SERVER_NAME, toRelayFile, toServerFile } from "./tunnel_files.ts";

/** Of a server, in path mode. */
export const PREFIX = `/servers/${SERVER_NAME}`;

export interface TunnelProgramsOptions {
  readonly origins: readonly OriginTable[];
  /** By default one of names that browsers, curl and git know to be this computer. */
  readonly hostSuffix?: string;
  /** Starts what stands in front of the relay, for its visitors and its server. */
  readonly startFront?: (relayPort: number) => Promise<{ readonly url: string } & AsyncDisposable>;
}

export interface TunnelPrograms extends AsyncDisposable {
  readonly relay: ChildProgram;
  readonly server: ChildProgram;
  /** The relay's. */
  readonly port: number;
  /** In path mode, without a slash at its end; through what is in front. */
  readonly url: string;
  /** In host mode, straight to the relay. */
  readonly hostUrl: string;
  /**
   * Stops both as a service manager does; fails unless they end well, and have complained of nothing
   * but what is expected.
   */
  end(expected?: RegExp): Promise<void>;
  /** The most memory that one of them has had, in MiB. */
  readPeakMib(program: "relay" | "server"): Promise<number>;
}

/** Starts both, the relay with a host of its own for the server; killed at the end of the scope. */
export async function startTunnelPrograms(
  { origins, hostSuffix = "relay.localhost", startFront }: TunnelProgramsOptions,
): Promise<TunnelPrograms> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await TempFolder.create());
  await folder.write("ptth_relay.toml", toRelayFile({ hostSuffix }));
  const relay = stack.use(startProgram("relay", { cwd: folder.path }));
  const [, port = ""] = await relay.untilStderr(/ for visitors on http:\/\/127\.0\.0\.1:(\d+)\//);
  const front = startFront === undefined ? undefined : await startFront(Number(port));
  if (front !== undefined) stack.use(front);
  const relayUrl = front?.url ?? `http://127.0.0.1:${port}`;
  const file = await folder.write("server/ptth_server.toml", toServerFile({ relayUrl, origins }));
  await Deno.chmod(file, 0o600);
  const server = stack.use(startProgram("server", { cwd: folder.at("server") }));
  await server.untilStderr(/ Connected /);
  const moved = stack.move();
  return {
    relay,
    server,
    port: Number(port),
    url: relayUrl + PREFIX,
    hostUrl: `http://${SERVER_NAME}.${hostSuffix}:${port}`,
    end: async (expected) => {
      for (const program of [server, relay]) {
        assertEquals(await program.stop(), 0, program.stderr);
        const complaints = program.stderr.match(/^\S+ (?:WARN|ERROR) .*$/gm) ?? [];
        assertEquals(complaints.filter((line) => expected?.test(line) !== true), []);
      }
    },
    readPeakMib: async (program) => {
      const { pid } = { relay, server }[program];
      // By another program: Deno grants /proc to no test that has named permissions.
      const { stdout } = await runProgram(["cat", `/proc/${pid}/status`], { cwd: folder.path });
      return Number(/^VmHWM:\s+(\d+) kB$/m.exec(stdout)?.[1]) / 1024;
    },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}
