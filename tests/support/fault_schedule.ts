/** What breaks when, as a seed has it. Pure: nothing here knows of time or sockets. */

import type { SeededRandom } from "./seeded_random.ts";

/** Where it breaks. */
export type Link = "visitors" | "tunnel" | "origin";

export type Fault =
  /** Everything comes later. */
  | "delay"
  /** Little comes at a time. */
  | "throttle"
  /** All connections are reset, once. */
  | "reset"
  /** All connections end in good order, once. */
  | "end"
  /** One direction of all connections ends in good order, once. */
  | "half close up"
  | "half close down"
  /** Nothing passes, and nobody says so; then everything does, late. */
  | "black hole"
  /** The same; then all connections are reset, as by a middlebox that has forgotten them. */
  | "black hole, then reset"
  /** All connections are reset, and new ones refused. */
  | "away"
  /** Bits flip. */
  | "corrupt";

/** All but corruption, which TCP itself cannot tell: see docs/semantics.md. */
export const HONEST_FAULTS: readonly Fault[] = [
  "delay",
  "throttle",
  "reset",
  "end",
  "half close up",
  "half close down",
  "black hole",
  "black hole, then reset",
  "away",
];

export interface ScheduledFault {
  readonly atMs: number;
  readonly link: Link;
  readonly fault: Fault;
  /** 0 for what happens once. */
  readonly durationMs: number;
  /** Of a delay milliseconds, of a slow link bytes a second; else 0. */
  readonly amount: number;
}

export interface ScheduleOptions {
  readonly durationMs: number;
  readonly links: readonly Link[];
  readonly faults?: readonly Fault[];
}

const MIN_PAUSE_MS = 50;
const MAX_PAUSE_MS = 600;
const MIN_FAULT_MS = 50;
const MAX_FAULT_MS = 1200;
const MAX_DELAY_MS = 150;
const MIN_BYTES_PER_SECOND = 100_000;
const MAX_BYTES_PER_SECOND = 2_000_000;

/** In order of time. Of one link at most one fault lasts at a time; all are over by `durationMs`. */
export function makeFaultSchedule(
  random: SeededRandom,
  { durationMs, links, faults = HONEST_FAULTS }: ScheduleOptions,
): readonly ScheduledFault[] {
  const schedule: ScheduledFault[] = [];
  for (const link of links) {
    let atMs = 0;
    for (;;) {
      atMs += random.integer(MIN_PAUSE_MS, MAX_PAUSE_MS);
      const next = toFault(random, { atMs, link, fault: random.pick(faults) });
      atMs += next.durationMs;
      if (atMs > durationMs) break;
      schedule.push(next);
    }
  }
  return schedule.sort((a, b) => a.atMs - b.atMs);
}

function toFault(
  random: SeededRandom,
  { fault, ...rest }: Pick<ScheduledFault, "atMs" | "link" | "fault">,
): ScheduledFault {
  const durationMs = random.integer(MIN_FAULT_MS, MAX_FAULT_MS);
  switch (fault) {
    case "delay":
      return { ...rest, fault, durationMs, amount: random.integer(1, MAX_DELAY_MS) };
    case "throttle": {
      const amount = random.integer(MIN_BYTES_PER_SECOND, MAX_BYTES_PER_SECOND);
      return { ...rest, fault, durationMs, amount };
    }
    case "reset":
    case "end":
    case "half close up":
    case "half close down":
      return { ...rest, fault, durationMs: 0, amount: 0 };
    case "black hole":
    case "black hole, then reset":
    case "away":
    case "corrupt":
      return { ...rest, fault, durationMs, amount: 0 };
  }
}

/** One line, for whoever has to find out what a seed did. */
export function describeFault(
  { atMs, link, fault, durationMs, amount }: ScheduledFault,
): string {
  const of = amount === 0 ? "" : ` of ${amount}`;
  const long = durationMs === 0 ? "" : ` for ${durationMs} ms`;
  return `${atMs} ms: ${link}: ${fault}${of}${long}`;
}
