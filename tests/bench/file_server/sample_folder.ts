/** The folder that all contestants serve. */

import { join } from "@std/path";

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

const MIB = 1024 * 1024;

/** Fills a folder that is there. */
export async function fillSampleFolder(root: string, sizes: SampleSizes): Promise<void> {
  await Deno.writeFile(join(root, SAMPLES.small), randomBytes(1024));
  await Deno.writeFile(join(root, SAMPLES.middle), randomBytes(64 * 1024));
  using big = await Deno.open(join(root, SAMPLES.big), { write: true, createNew: true });
  const piece = randomBytes(MIB);
  for (let mib = 0; mib < sizes.bigMib; mib++) await writeAll(big, piece);
  const many = join(root, SAMPLES.many);
  await Deno.mkdir(many);
  for (let at = 0; at < sizes.entries; at++) {
    await Deno.writeTextFile(join(many, `entry ${String(at).padStart(6, "0")}.txt`), "");
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  // getRandomValues gives at most 64 KiB at once.
  for (let at = 0; at < length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, at + 65_536));
  }
  return bytes;
}
