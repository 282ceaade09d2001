/**
 * A link that loses packets: the private side, with an origin, in a network namespace of its own,
 * joined to this one by a pair of virtual devices. Needs root, ip and nft.
 */

import { explainFailure } from "../programs.ts";
import type { Link } from "./contestant.ts";
import { type RunningOrigin, startOrigin } from "./origins.ts";

const PUBLIC_HOST = "10.213.77.1";
const PRIVATE_HOST = "10.213.77.2";
/** Of devices and of the namespace; only one bench can run at a time. */
const PUBLIC_DEVICE = "ptth_bench0";
const PRIVATE_DEVICE = "ptth_bench1";
const NAMESPACE = "ptth_bench";

export interface LossyLink extends AsyncDisposable {
  readonly link: Link;
  readonly origin: RunningOrigin;
}

/**
 * Loses so many of a thousand packets in each direction. All is undone at the end of the scope.
 *
 * @throws {Error} where such a network cannot be made here
 */
export async function createLossyLink(
  perMille: number,
  folders: { readonly root: string; readonly scratch: string },
): Promise<LossyLink> {
  await using stack = new AsyncDisposableStack();
  const inNamespace = ["ip", "netns", "exec", NAMESPACE];
  // What one that was killed has left behind.
  await explainFailure("ip", ["netns", "delete", NAMESPACE]);
  await explainFailure("nft", ["delete", "table", "ip", NAMESPACE]);
  await run(["ip", "netns", "add", NAMESPACE]);
  // Its devices go with it, and theirs at this end.
  stack.defer(() => run(["ip", "netns", "delete", NAMESPACE]));
  const peer = ["peer", "name", PRIVATE_DEVICE, "netns", NAMESPACE];
  await run(["ip", "link", "add", PUBLIC_DEVICE, "type", "veth", ...peer]);
  stack.defer(() => run(["ip", "link", "delete", PUBLIC_DEVICE]));
  for (
    const [prefix, device, host] of [
      [[], PUBLIC_DEVICE, PUBLIC_HOST],
      [inNamespace, PRIVATE_DEVICE, PRIVATE_HOST],
    ] as const
  ) {
    await run([...prefix, "ip", "address", "add", `${host}/30`, "dev", device]);
    // Packets as on a wire; else the kernel passes 64 KiB at once, which would be lost at once.
    await run([...prefix, "ip", "link", "set", device, "gso_max_segs", "1", "up"]);
    await run([...prefix, "nft", toRules(device, perMille)]);
    stack.defer(() => run([...prefix, "nft", `delete table ip ${NAMESPACE}`]));
  }
  await run([...inNamespace, "ip", "link", "set", "lo", "up"]);
  const origin = stack.use(
    await startOrigin({ ...folders, hostname: PRIVATE_HOST, prefix: inNamespace }),
  );
  const moved = stack.move();
  return {
    link: {
      isDirect: false,
      publicHost: PUBLIC_HOST,
      toPublic: (port) => Promise.resolve({ hostname: PUBLIC_HOST, port }),
      toPrivate: (port) => Promise.resolve({ hostname: PRIVATE_HOST, port }),
      privatePrefix: inNamespace,
    },
    origin,
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** Losses where packets arrive: a sender would be told of those that it loses itself. */
function toRules(device: string, perMille: number): string {
  const chain = `${NAMESPACE} arriving`;
  return `add table ip ${NAMESPACE}; ` +
    `add chain ip ${chain} { type filter hook input priority 0; }; ` +
    `add rule ip ${chain} iifname "${device}" numgen random mod 1000 < ${perMille} drop`;
}

async function run([program = "", ...args]: readonly string[]): Promise<void> {
  const reason = await explainFailure(program, args);
  if (reason !== undefined) throw new Error(`no network of its own can be made here: ${reason}`);
}
