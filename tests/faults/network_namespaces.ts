/** Two network namespaces with a cable between them, on which packets can be lost (Linux, root). */

import { runProgram } from "../support/outside_program.ts";

/** Where the visitors and the relay are. */
export const RELAY_ADDRESS = "10.203.7.1";
const SERVER_ADDRESS = "10.203.7.2";

export class NetworkNamespaces implements AsyncDisposable {
  /** Where the relay and its visitors are, and where the server is. */
  readonly relay: string;
  readonly server: string;

  /** Those with an id, which another process may have made. */
  constructor(id: string) {
    this.relay = `ptth-${id}-relay`;
    this.server = `ptth-${id}-server`;
  }

  /** @throws {Error} where this user, or this system, may not do it. */
  static async create(id: string): Promise<NetworkNamespaces> {
    const namespaces = new NetworkNamespaces(id);
    await using stack = new AsyncDisposableStack();
    stack.use(namespaces);
    const { relay, server } = namespaces;
    const [near, far] = ["ptth0", "ptth1"];
    await run("ip", "netns", "add", relay);
    await run("ip", "netns", "add", server);
    await run(
      ...["ip", "link", "add", near, "netns", relay],
      ...["type", "veth", "peer", "name", far, "netns", server],
    );
    for (
      const [namespace, device, address] of [
        [relay, near, RELAY_ADDRESS],
        [server, far, SERVER_ADDRESS],
      ] as const
    ) {
      await run("ip", "-n", namespace, "addr", "add", `${address}/24`, "dev", device);
      await run("ip", "-n", namespace, "link", "set", "lo", "up");
      await run("ip", "-n", namespace, "link", "set", device, "up");
    }
    stack.move();
    return namespaces;
  }

  /** Loses so many of a hundred packets, in each direction; 100 is a black hole, 0 a good cable. */
  async lose(percent: number): Promise<void> {
    const rule = percent === 100 ? "drop" : `numgen random mod 100 < ${percent} drop`;
    const rules = (hook: string, device: string): string =>
      `chain ${hook} { type filter hook ${hook} priority 0; ${
        percent === 0 ? "" : `${device} "ptth1" ${rule};`
      } }`;
    await run(
      ...["ip", "netns", "exec", this.server, "nft"],
      `add table inet faults; delete table inet faults; table inet faults { ` +
        `${rules("input", "iifname")}; ${rules("output", "oifname")}; }`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of [this.relay, this.server]) {
      await runProgram(["ip", "netns", "del", namespace], { cwd: "/" });
    }
  }
}

/** What runs a command in a namespace. */
export function inNamespace(namespace: string): readonly string[] {
  return ["ip", "netns", "exec", namespace];
}

async function run(...command: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram(command, { cwd: "/" });
  if (code !== 0) throw new Error(`Cannot run "${command.join(" ")}": ${stderr.trim()}`);
}
