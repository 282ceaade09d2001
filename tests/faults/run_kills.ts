/** Relay, server and origin are killed, again and again. */

import { carryOutKill, makeKills } from "../support/kill_runs.ts";
import { RestartableTunnel } from "../support/restartable_tunnel.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { Traffic } from "../support/traffic.ts";
import { SERVER_NAME } from "../support/tunnel_files.ts";
import { MeasuredTunnel } from "./measured_tunnel.ts";
import type { FaultsResult } from "./report.ts";

export interface KillsOptions {
  readonly seed: number;
  /** Of each program. */
  readonly times: number;
  readonly concurrency: number;
  /** Told of violations, and how far it has come. */
  readonly say: (line: string) => Promise<void>;
}

export async function runKills(
  { seed, times, concurrency, say }: KillsOptions,
): Promise<FaultsResult> {
  await using folder = await TempFolder.create();
  await using tunnel = await RestartableTunnel.start({ folder, seed });
  const random = new SeededRandom(seed);
  const traffic = new Traffic({
    ...{ port: tunnel.relayPort, name: SERVER_NAME, file: tunnel.file, random },
    onViolation: (text) => void say(`VIOLATION ${text}`),
  });
  const measured = new MeasuredTunnel(tunnel, traffic);
  traffic.start(concurrency);
  const kills = makeKills(random, times);
  for (const [i, kill] of kills.entries()) {
    const { program, startMs, recoveryMs } = await carryOutKill({ tunnel, traffic }, kill);
    measured.add(`${program} killed, first good answer after its start`, recoveryMs);
    if (program !== "server") {
      measured.add(`${program} killed, first good answer after it listens`, recoveryMs - startMs);
    }
    if ((i + 1) % 50 === 0) await say(`${i + 1} of ${kills.length} kills`);
  }
  return await measured.end({ name: `kill -9, ${times} of each program`, seed });
}
