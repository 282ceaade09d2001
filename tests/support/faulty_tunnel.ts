/** A tunnel of processes whose links all lead through faulty networks, with traffic through it. */

import { driveFaults, type FaultyLinks } from "./fault_driver.ts";
import { FaultProxy } from "./fault_proxy.ts";
import type { ScheduledFault } from "./fault_schedule.ts";
import { startUpgradeStripper } from "./middleboxes.ts";
import { RestartableTunnel, type RestartableTunnelOptions } from "./restartable_tunnel.ts";
import { SeededRandom } from "./seeded_random.ts";
import type { TempFolder } from "./temp_folder.ts";
import { startTlsFront } from "./tls_front.ts";
import { Traffic } from "./traffic.ts";
import { SERVER_NAME } from "./tunnel_files.ts";

export type Transport = "control channel" | "long poll";

export interface FaultyTunnelOptions {
  readonly folder: TempFolder;
  readonly seed: number;
  readonly transport: Transport;
  /** True for TLS between server and relay, through all of the faulty network. */
  readonly isSecure?: boolean;
  readonly onViolation?: (text: string) => void;
  readonly hungMs?: number;
  /** How relay and server are run; default: as their users do. */
  readonly run?: RestartableTunnelOptions["run"];
}

export class FaultyTunnel implements AsyncDisposable {
  readonly programs: RestartableTunnel;
  readonly links: FaultyLinks;
  readonly traffic: Traffic;
  readonly #stack: AsyncDisposableStack;

  private constructor(
    { programs, links, traffic }: Pick<FaultyTunnel, "programs" | "links" | "traffic">,
    stack: AsyncDisposableStack,
  ) {
    this.programs = programs;
    this.links = links;
    this.traffic = traffic;
    this.#stack = stack;
  }

  /** Resolves when the server is connected. */
  static async start(
    { folder, seed, transport, isSecure = false, run = {}, ...options }: FaultyTunnelOptions,
  ): Promise<FaultyTunnel> {
    await using stack = new AsyncDisposableStack();
    // Disposed of before the programs are, whose connections would else be cut under them.
    const opened: Partial<Record<"tunnel" | "origin", FaultProxy>> = {};
    const open = async (link: "tunnel" | "origin", port: number): Promise<FaultProxy> =>
      opened[link] = stack.use(await FaultProxy.start(port));
    const programs = stack.use(
      await RestartableTunnel.start({
        folder,
        seed,
        run,
        startLink: async (relayPort) => {
          const box = transport === "long poll"
            ? stack.use(await startUpgradeStripper(relayPort))
            : undefined;
          const plainPort = box === undefined ? relayPort : Number(new URL(box.url).port);
          if (!isSecure) return await open("tunnel", plainPort);
          const front = stack.use(await startTlsFront(plainPort));
          const { port } = await open("tunnel", front.port);
          return { url: `https://localhost:${port}` };
        },
        startOriginLink: (originPort) => open("origin", originPort),
      }),
    );
    const { tunnel, origin } = opened;
    if (tunnel === undefined || origin === undefined) throw new Error("A link is missing");
    const visitors = stack.use(await FaultProxy.start(programs.relayPort));
    const traffic = new Traffic({
      ...options,
      ...{ port: visitors.port, name: SERVER_NAME, file: programs.file },
      random: new SeededRandom(seed),
    });
    const links = { visitors, tunnel, origin };
    return new FaultyTunnel({ programs, links, traffic }, stack.move());
  }

  /** Carries a schedule out; resolves when it is over. */
  async drive(schedule: readonly ScheduledFault[], random: SeededRandom): Promise<void> {
    await driveFaults(schedule, this.links, random);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
