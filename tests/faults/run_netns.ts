/** Relay and visitors in one network namespace, the server in another, and packets lost in between. */

import { RestartableTunnel } from "../support/restartable_tunnel.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { Traffic } from "../support/traffic.ts";
import { SERVER_NAME } from "../support/tunnel_files.ts";
import { MeasuredTunnel } from "./measured_tunnel.ts";
import { inNamespace, NetworkNamespaces, RELAY_ADDRESS } from "./network_namespaces.ts";
import type { FaultsResult } from "./report.ts";

const LOSSES = [1, 5];
const LOSS_MS = 20_000;
const BLACK_HOLES_MS = [1_000, 3_000, 12_000, 12_000, 20_000];
const BETWEEN_MS = 2_000;

export interface NetnsOptions {
  readonly seed: number;
  readonly concurrency: number;
  readonly say: (line: string) => Promise<void>;
}

/** Starts the programs of the tunnel in the namespaces. This process has to be in that of the relay. */
export async function runNetns(
  namespaces: Pick<NetworkNamespaces, "server" | "lose">,
  { seed, concurrency, say }: NetnsOptions,
): Promise<FaultsResult> {
  await using folder = await TempFolder.create();
  await using tunnel = await RestartableTunnel.start({
    ...{ folder, seed, relayHost: RELAY_ADDRESS },
    serverVia: inNamespace(namespaces.server),
  });
  const traffic = new Traffic({
    ...{ host: RELAY_ADDRESS, port: tunnel.relayPort, name: SERVER_NAME, file: tunnel.file },
    random: new SeededRandom(seed),
    onViolation: (text) => void say(`VIOLATION ${text}`),
  });
  const measured = new MeasuredTunnel(tunnel, traffic);
  traffic.start(concurrency);
  for (const percent of LOSSES) {
    const before = traffic.report().total;
    await namespaces.lose(percent);
    await pause(LOSS_MS);
    const { ok, cut, refused } = traffic.report().total;
    measured.remark(
      `${percent} % lost for ${LOSS_MS / 1000} s: ${ok - before.ok} answered, ` +
        `${cut - before.cut} cut, ${refused - before.refused} refused`,
    );
    await namespaces.lose(0);
    measured.add(`${percent} % lost, first good answer afterwards`, await traffic.untilGood());
  }
  for (const ms of BLACK_HOLES_MS) {
    await pause(BETWEEN_MS);
    await namespaces.lose(100);
    await pause(ms);
    await namespaces.lose(0);
    const recoveryMs = await traffic.untilGood();
    measured.add(`black hole of ${ms / 1000} s, first good answer afterwards`, recoveryMs);
  }
  return await measured.end({ name: "network namespaces", seed });
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
