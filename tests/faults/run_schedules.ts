/** Networks that fail by schedules, one after the other. */

import { makeFaultSchedule } from "../support/fault_schedule.ts";
import { FaultyTunnel, type Transport } from "../support/faulty_tunnel.ts";
import { TUNNEL_PROGRAMS } from "../support/restartable_tunnel.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { MeasuredTunnel } from "./measured_tunnel.ts";
import type { FaultsResult } from "./report.ts";

const SCHEDULE_MS = 10_000;

export interface SchedulesOptions {
  readonly seed: number;
  readonly minutes: number;
  readonly concurrency: number;
  readonly transport: Transport;
  readonly say: (line: string) => Promise<void>;
}

export async function runSchedules(
  { seed, minutes, concurrency, transport, say }: SchedulesOptions,
): Promise<FaultsResult> {
  await using folder = await TempFolder.create();
  const onViolation = (text: string): void => void say(`VIOLATION ${text}`);
  await using tunnel = await FaultyTunnel.start({ folder, seed, transport, onViolation });
  const { programs, traffic } = tunnel;
  const random = new SeededRandom(seed);
  const measured = new MeasuredTunnel(programs, traffic);
  await traffic.untilGood();
  const footprintsBefore = new Map<typeof TUNNEL_PROGRAMS[number], string>();
  for (const program of TUNNEL_PROGRAMS) {
    footprintsBefore.set(program, await measured.readFootprint(program));
  }
  traffic.start(concurrency);
  const end = performance.now() + minutes * 60_000;
  let faults = 0;
  while (performance.now() < end) {
    const schedule = makeFaultSchedule(random, {
      durationMs: SCHEDULE_MS,
      links: ["visitors", "tunnel", "origin"],
    });
    faults += schedule.length;
    await tunnel.drive(schedule, random);
    measured.add("network back, first good answer", await traffic.untilGood());
  }
  measured.remark(`${faults} faults`);
  return await measured.end({ name: `schedules, ${transport}`, seed, footprintsBefore });
}
