/** The folder that all contestants serve. */

import { join } from "@std/path";
import { writeRandomFile } from "../random_files.ts";

/** Names in it. */
export const SAMPLES = {
  small: "1k.bin",
  middle: "64k.bin",
  big: "big.bin",
  many: "many",
} as const;

export interface SampleSizes {
  readonly bigMib: number;
  /** Files in the folder that is listed. */
  readonly entries: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** Fills a folder that is there. */
export async function fillSampleFolder(root: string, sizes: SampleSizes): Promise<void> {
  await writeRandomFile(join(root, SAMPLES.small), KIB);
  await writeRandomFile(join(root, SAMPLES.middle), 64 * KIB);
  await writeRandomFile(join(root, SAMPLES.big), sizes.bigMib * MIB);
  const many = join(root, SAMPLES.many);
  await Deno.mkdir(many);
  for (let at = 0; at < sizes.entries; at++) {
    await Deno.writeTextFile(join(many, `entry ${String(at).padStart(6, "0")}.txt`), "");
  }
}
