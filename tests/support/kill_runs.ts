/** Kills programs of a tunnel under load and starts them again, in an order that a seed brings back. */

import {
  type RestartableTunnel,
  TUNNEL_PROGRAMS,
  type TunnelProgram,
} from "./restartable_tunnel.ts";
import type { SeededRandom } from "./seeded_random.ts";
import type { Traffic } from "./traffic.ts";

const MAX_RUNNING_MS = 400;
const MAX_DOWN_MS = 200;

export interface Kill {
  readonly program: TunnelProgram;
  /** How long it runs before it is killed. */
  readonly afterMs: number;
  /** How long it is away before it is started again. */
  readonly downMs: number;
}

export interface KillResult extends Kill {
  /** From the start of the new process until it listens; of a server, until it is there. */
  readonly startMs: number;
  /** From the start of the new process until a visitor had a good answer. */
  readonly recoveryMs: number;
}

/** Each program so many times, in any order. */
export function makeKills(random: SeededRandom, times: number): readonly Kill[] {
  const programs = TUNNEL_PROGRAMS.flatMap((program) =>
    Array.from({ length: times }, () => ({ program, rank: random.next() }))
  );
  return programs.sort((a, b) => a.rank - b.rank).map(({ program }) => ({
    program,
    afterMs: random.integer(0, MAX_RUNNING_MS),
    downMs: random.integer(0, MAX_DOWN_MS),
  }));
}

/** Kills, starts again, and waits for a good answer; the traffic goes on meanwhile. */
export async function carryOutKill(
  { tunnel, traffic }: { readonly tunnel: RestartableTunnel; readonly traffic: Traffic },
  kill: Kill,
): Promise<KillResult> {
  await pause(kill.afterMs);
  await tunnel.kill(kill.program);
  await pause(kill.downMs);
  const begin = performance.now();
  await tunnel.start(kill.program);
  const startMs = performance.now() - begin;
  await traffic.untilGood();
  return { ...kill, startMs, recoveryMs: performance.now() - begin };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
