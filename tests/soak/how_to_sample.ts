/** How programs are run so that they can be watched. */

import type { StartOptions } from "../support/programs.ts";

/** Between samples. */
export const SAMPLE_MS = 1000;

/** The entry that prints samples, and what it needs. */
export function toSampledRun(
  program: "relay" | "server",
): Pick<StartOptions, "entry" | "permissions"> {
  return { entry: `tests/soak/sampled_${program}.ts`, permissions: ["--v8-flags=--expose-gc"] };
}
