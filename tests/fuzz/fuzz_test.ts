/** What has failed once, and a short run of each target by a seed that is told where it fails. */

import { newSeed, SeededRandom } from "../support/seeded_random.ts";
import { findError, runTarget } from "./run_target.ts";
import { FUZZ_TARGETS, readCorpus } from "./targets.ts";

const EXECUTIONS = 300;

for (const target of FUZZ_TARGETS) {
  Deno.test(`fuzz: ${target.name}`, async () => {
    const corpus = await readCorpus(target);
    const seed = newSeed();
    for (const { file, bytes } of corpus) {
      const error = findError(target, bytes, seed);
      if (error !== undefined) throw new Error(`${file}, seed ${seed}`, { cause: error });
    }
    const { failure } = runTarget(target, {
      corpus: corpus.map(({ bytes }) => bytes),
      random: new SeededRandom(seed),
      goesOn: (executions) => executions < EXECUTIONS,
    });
    if (failure === undefined) return;
    const hex = failure.bytes.toHex();
    throw new Error(`deno task fuzz --target ${target.name} --seed ${seed}: ${hex}`, {
      cause: failure.error,
    });
  });
}
