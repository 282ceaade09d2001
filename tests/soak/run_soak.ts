/** Traffic and faults for a while, and samples all along. */

import { FaultyTunnel } from "../support/faulty_tunnel.ts";
import { makeFaultSchedule } from "../support/fault_schedule.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { findTrafficViolations } from "../support/traffic_verdict.ts";
import { toSampledRun } from "./how_to_sample.ts";
import { sampleProgram } from "./samples.ts";
import { formatSample, type SoakResult, type SoakSample } from "./soak_report.ts";

/** Of each minute that many seconds are faulty, in turns with calm ones. */
const CYCLE_MS = 30_000;
const FAULTY_MS = 10_000;
/** Of a long run; a short one has a few as well. */
const SAMPLE_MS = 5000;
const MIN_SAMPLES = 12;

export interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly concurrency: number;
  readonly say: (line: string) => Promise<void>;
}

export async function runSoak(
  { minutes, seed, concurrency, say }: SoakOptions,
): Promise<SoakResult> {
  await using folder = await TempFolder.create();
  await using tunnel = await FaultyTunnel.start({
    ...{ folder, seed, transport: "control channel" },
    run: { relay: toSampledRun("relay"), server: toSampledRun("server") },
    onViolation: (text) => void say(`VIOLATION ${text}`),
  });
  const { programs, traffic } = tunnel;
  const durationMs = minutes * 60_000;
  const begin = performance.now();
  const isOver = (): boolean => performance.now() - begin >= durationMs;
  const samples: SoakSample[] = [];
  const watch = async (): Promise<void> => {
    while (!isOver()) {
      await pause(Math.min(SAMPLE_MS, durationMs / MIN_SAMPLES));
      const at = (performance.now() - begin) / 60_000;
      const relay = await sampleProgram(programs.program("relay"));
      const server = await sampleProgram(programs.program("server"));
      if (relay === undefined || server === undefined) continue;
      const sample = { at, programs: { relay, server }, outcomes: traffic.report().total };
      samples.push(sample);
      await say(formatSample(sample));
    }
  };
  const hurt = async (): Promise<void> => {
    const random = new SeededRandom(seed).fork();
    const links = ["visitors", "tunnel", "origin"] as const;
    const [cycleMs, faultyMs] = [
      Math.min(CYCLE_MS, durationMs),
      Math.min(FAULTY_MS, durationMs / 3),
    ];
    while (!isOver()) {
      await pause(cycleMs - faultyMs);
      await tunnel.drive(makeFaultSchedule(random, { durationMs: faultyMs, links }), random);
    }
  };
  traffic.start(concurrency);
  await Promise.all([watch(), hurt()]);
  await traffic.stop();
  return {
    ...{ seed, minutes, concurrency, samples },
    report: traffic.report(),
    violations: findTrafficViolations(traffic, await programs.readNotes()),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
