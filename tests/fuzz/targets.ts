/** All that is fuzzed, each with the inputs it begins from. */

import { FILE_TARGETS } from "./file_targets.ts";
import { HTTP_TARGETS } from "./http_targets.ts";
import { PAGE_TARGETS } from "./page_targets.ts";
import type { FuzzTarget } from "./target.ts";
import { VALUE_TARGETS } from "./value_targets.ts";
import { WIRE_TARGETS } from "./wire_targets.ts";

export const FUZZ_TARGETS: readonly FuzzTarget[] = [
  ...HTTP_TARGETS,
  ...VALUE_TARGETS,
  ...WIRE_TARGETS,
  ...FILE_TARGETS,
  ...PAGE_TARGETS,
];

const CORPUS = new URL("../corpus/", import.meta.url);

export interface CorpusEntry {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** By name of the file. */
export async function readCorpus({ name }: FuzzTarget): Promise<readonly CorpusEntry[]> {
  const folder = new URL(`${name}/`, CORPUS);
  const files: string[] = [];
  for await (const entry of Deno.readDir(folder)) files.push(entry.name);
  return await Promise.all(
    files.sort().map(async (file) => ({ file, bytes: await Deno.readFile(new URL(file, folder)) })),
  );
}

/** Adds an input on which a target fails; where it is now. */
export async function addToCorpus({ name }: FuzzTarget, bytes: Uint8Array): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.slice())).toHex();
  const path = `${name}/crash-${hash.slice(0, 12)}`;
  await Deno.writeFile(new URL(path, CORPUS), bytes);
  return `tests/corpus/${path}`;
}
