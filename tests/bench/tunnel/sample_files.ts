/** The files that all contestants publish. */

import { join } from "@std/path";
import { writeRandomFile } from "../random_files.ts";

/** Names in the folder. */
export const SAMPLES = {
  tiny: "1b.bin",
  small: "1k.bin",
  middle: "64k.bin",
  large: "1m.bin",
  /** For a link with a delay. */
  long: "64m.bin",
  big: "big.bin",
} as const;

const KIB = 1024;
const MIB = 1024 * KIB;

/** By name, those that fit into memory. */
export const SMALL_SIZES: Readonly<Record<string, number>> = {
  [SAMPLES.tiny]: 1,
  [SAMPLES.small]: KIB,
  [SAMPLES.middle]: 64 * KIB,
  [SAMPLES.large]: MIB,
};

/** Fills a folder that is there; `bigMib` is the length of the big file. */
export async function fillSampleFiles(root: string, bigMib: number): Promise<void> {
  const sizes = { ...SMALL_SIZES, [SAMPLES.long]: 64 * MIB, [SAMPLES.big]: bigMib * MIB };
  for (const [name, size] of Object.entries(sizes)) await writeRandomFile(join(root, name), size);
}
