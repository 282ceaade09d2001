/**
 * Relay, server and the origin of the traffic as processes, each on a port that stays, so that each
 * can be killed and started again.
 */

import { type ChildProgram } from "./child_program.ts";
import { findFreePort } from "./outside_port.ts";
import { type StartOptions, startProgram } from "./programs.ts";
import type { TempFolder } from "./temp_folder.ts";
import { writeTrafficFile } from "./traffic_file.ts";
import type { TrafficFile } from "./traffic_kinds.ts";
import { readTrafficNotes, startTrafficOrigin, type TrafficNotes } from "./traffic_origin.ts";
import { toRelayFile, toServerFile } from "./tunnel_files.ts";

export type TunnelProgram = "relay" | "server" | "origin";

export const TUNNEL_PROGRAMS: readonly TunnelProgram[] = ["relay", "server", "origin"];

export interface RestartableTunnelOptions {
  /** For all that the programs read and write. */
  readonly folder: TempFolder;
  /** Of the traffic. */
  readonly seed: number;
  /** Where the relay listens; default 127.0.0.1. */
  readonly relayHost?: string;
  /** Where the server finds the relay; default: straight there. */
  readonly startLink?: (relayPort: number) => Promise<{ readonly url: string }>;
  /** Where the server finds the origin; default: straight there. */
  readonly startOriginLink?: (originPort: number) => Promise<{ readonly url: string }>;
  /** What starts the server and its origin, such as `ip netns exec NAME`; default nothing. */
  readonly serverVia?: readonly string[];
  /** How relay and server are run; default: as their users do. */
  readonly run?: Partial<Record<"relay" | "server", Pick<StartOptions, "entry" | "permissions">>>;
}

export class RestartableTunnel implements AsyncDisposable {
  readonly relayPort: number;
  readonly originPort: number;
  /** What the server serves beside the origin. */
  readonly file: TrafficFile;
  readonly #options: RestartableTunnelOptions;
  readonly #programs = new Map<TunnelProgram, ChildProgram>();

  private constructor(
    options: RestartableTunnelOptions,
    places: Pick<RestartableTunnel, "relayPort" | "originPort" | "file">,
  ) {
    this.#options = options;
    this.relayPort = places.relayPort;
    this.originPort = places.originPort;
    this.file = places.file;
  }

  /** Resolves when the server is connected. */
  static async start(options: RestartableTunnelOptions): Promise<RestartableTunnel> {
    const { folder, seed, relayHost = "127.0.0.1" } = options;
    const [relayPort, originPort] = [findFreePort(), findFreePort()];
    const link = await options.startLink?.(relayPort);
    const originLink = await options.startOriginLink?.(originPort);
    const file = await writeTrafficFile(folder, seed, "served");
    await folder.write("relay/ptth_relay.toml", toRelayFile({ host: relayHost, port: relayPort }));
    const config = await folder.write(
      "server/ptth_server.toml",
      toServerFile({
        relayUrl: link?.url ?? `http://${relayHost}:${relayPort}`,
        origins: [{ url: `${originLink?.url ?? `http://127.0.0.1:${originPort}`}/` }],
        folder: folder.at("served"),
      }),
    );
    await Deno.chmod(config, 0o600);
    await Deno.mkdir(folder.at("notes"));
    const tunnel = new RestartableTunnel(options, { relayPort, originPort, file });
    await using stack = new AsyncDisposableStack();
    stack.use(tunnel);
    await tunnel.start("origin");
    await tunnel.start("relay");
    await tunnel.start("server");
    await tunnel.program("server").untilStderr(/ Connected /);
    stack.move();
    return tunnel;
  }

  program(name: TunnelProgram): ChildProgram {
    const program = this.#programs.get(name);
    if (program === undefined) throw new Error(`The ${name} does not run`);
    return program;
  }

  /** Kills it as the system does when it has no memory left; resolves when it is gone. */
  async kill(name: TunnelProgram): Promise<void> {
    const program = this.program(name);
    this.#programs.delete(name);
    await program[Symbol.asyncDispose]();
  }

  /** Starts it; resolves when it listens, for a server when its process is there. */
  async start(name: TunnelProgram): Promise<void> {
    const { folder, serverVia = [], run = {} } = this.#options;
    switch (name) {
      case "relay": {
        const relay = startProgram("relay", { cwd: folder.at("relay"), ...run.relay });
        this.#programs.set(name, relay);
        await relay.untilStderr(/ for visitors on /);
        return;
      }
      case "server":
        this.#programs.set(
          name,
          startProgram("server", { cwd: folder.at("server"), via: serverVia, ...run.server }),
        );
        return;
      case "origin": {
        const origin = await startTrafficOrigin({
          port: this.originPort,
          file: folder.at("notes/delivered"),
          via: serverVia,
        });
        this.#programs.set(name, origin.program);
      }
    }
  }

  /** What all origins have noted down so far. */
  readNotes(): Promise<TrafficNotes> {
    return readTrafficNotes(this.#options.folder.at("notes/delivered"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of this.#programs.values()) await program[Symbol.asyncDispose]();
  }
}
