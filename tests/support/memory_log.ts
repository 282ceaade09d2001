/** A log that tests read back, line by line. */

import type { Clock } from "../../lib/base/clock.ts";
import { createLogger, type Logger } from "../../lib/base/log.ts";
import { ManualClock } from "./manual_clock.ts";

export interface MemoryLog {
  readonly log: Logger;
  /** As `LEVEL sentence fields`: without the time. */
  readonly lines: string[];
}

/** Keeps lines of every level. */
export function createMemoryLog(clock: Clock = new ManualClock()): MemoryLog {
  const lines: string[] = [];
  const log = createLogger({
    clock,
    level: "debug",
    write: (line) => lines.push(line.replace(/^\S+ (\S+) +/, "$1 ")),
  });
  return { log, lines };
}
