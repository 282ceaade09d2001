/** A measurement that may fail, as a cell. */

import { addFailure, addSample, type Cell, type Sample } from "./cells.ts";
import { isInstalled } from "./programs.ts";

/** Of one measurement: a contestant that hangs must not take the others with it. */
const DEADLINE_MS = 240_000;

export interface Measurement {
  /** The program that makes the load. */
  readonly tool: string;
  /**
   * @throws {Error} where the contestant does not do what is measured; the message is the reason
   */
  readonly measure: () => Promise<Sample>;
  /** False once the contestant has ended by itself. */
  readonly isRunning: () => boolean;
}

/** The cell after one more round; what has failed at first is not tried again. */
export async function measureCell(
  cell: Cell | undefined,
  { tool, measure, isRunning }: Measurement,
): Promise<Cell> {
  if (cell?.kind === "not measured") return cell;
  if (tool !== "Deno" && !await isInstalled(tool)) {
    return { kind: "not measured", reason: `${tool} is not installed` };
  }
  try {
    return addSample(cell, await withDeadline(measure()));
  } catch (error) {
    if (!isRunning()) return addFailure(cell, "it ended by itself");
    return addFailure(cell, error instanceof Error ? error.message : String(error));
  }
}

async function withDeadline<T>(result: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const seconds = DEADLINE_MS / 1000;
  const timer = setTimeout(() => reject(new Error(`it takes more than ${seconds} s`)), DEADLINE_MS);
  try {
    return await Promise.race([result, promise]);
  } finally {
    clearTimeout(timer);
  }
}
