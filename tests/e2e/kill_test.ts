/**
 * Relay, server and origin as processes that are killed, again and again, under visitors whose every
 * byte is checked. `deno task faults --kills N` does more of it.
 */

import { assert, assertEquals } from "@std/assert";
import { carryOutKill, makeKills } from "../support/kill_runs.ts";
import { RestartableTunnel, TUNNEL_PROGRAMS } from "../support/restartable_tunnel.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { Traffic } from "../support/traffic.ts";
import { findTrafficViolations } from "../support/traffic_verdict.ts";
import { SERVER_NAME } from "../support/tunnel_files.ts";

const SEED = 7;
const TIMES = 2;
const CONCURRENCY = 8;

Deno.test("kill -9 of relay, server and origin: no byte is wrong, no end is, nothing comes twice or hangs", async () => {
  await using folder = await TempFolder.create();
  await using tunnel = await RestartableTunnel.start({ folder, seed: SEED });
  const random = new SeededRandom(SEED);
  const { relayPort: port, file } = tunnel;
  const traffic = new Traffic({ port, name: SERVER_NAME, file, random });
  traffic.start(CONCURRENCY);
  const killed = new Map<string, number>();
  for (const kill of makeKills(random, TIMES)) {
    await carryOutKill({ tunnel, traffic }, kill);
    killed.set(kill.program, (killed.get(kill.program) ?? 0) + 1);
  }
  await traffic.stop();
  const what = JSON.stringify(traffic.report());
  assertEquals(findTrafficViolations(traffic, await tunnel.readNotes()), [], what);
  assertEquals(TUNNEL_PROGRAMS.map((program) => killed.get(program)), [TIMES, TIMES, TIMES]);
  assert(traffic.report().total.ok > CONCURRENCY, what);
});
