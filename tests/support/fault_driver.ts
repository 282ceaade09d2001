/** Carries a schedule of faults out on the links of a tunnel. */

import type { FaultProxy } from "./fault_proxy.ts";
import type { Link, ScheduledFault } from "./fault_schedule.ts";
import type { SeededRandom } from "./seeded_random.ts";

export type FaultyLinks = Readonly<Record<Link, FaultProxy>>;

/** Resolves when the last fault is over. */
export async function driveFaults(
  schedule: readonly ScheduledFault[],
  links: FaultyLinks,
  random: SeededRandom,
): Promise<void> {
  const begin = performance.now();
  const until = (atMs: number): Promise<void> => pause(atMs - (performance.now() - begin));
  await Promise.all(schedule.map(async (scheduled) => {
    const link = links[scheduled.link];
    await until(scheduled.atMs);
    const end = inject(scheduled, link, random);
    if (end === undefined) return;
    await until(scheduled.atMs + scheduled.durationMs);
    end();
  }));
}

/** Begins a fault; returns what ends it, if it lasts. */
function inject(
  { fault, amount }: ScheduledFault,
  link: FaultProxy,
  random: SeededRandom,
): (() => void) | undefined {
  switch (fault) {
    case "delay":
      link.delay(amount);
      return () => link.delay(0);
    case "throttle":
      link.throttle(amount);
      return () => link.throttle(Infinity);
    case "reset":
      link.reset();
      return undefined;
    case "end":
      link.end();
      return undefined;
    case "half close up":
      link.halfClose("up");
      return undefined;
    case "half close down":
      link.halfClose("down");
      return undefined;
    case "black hole":
      link.freeze();
      return () => link.thaw();
    case "black hole, then reset":
      link.freeze();
      return () => {
        link.reset();
        link.thaw();
      };
    case "away":
      link.sever();
      return () => link.mend();
    case "corrupt":
      link.corrupt(random);
      return () => link.clean();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
