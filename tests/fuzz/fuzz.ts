/**
 * Feeds what takes bytes of strangers with bytes that are a little wrong, for as long as is wanted.
 *
 *     deno task fuzz [--seconds N] [--target NAME]... [--seed N]
 *
 * An input that fails is made as short as can be and put into tests/corpus, where the tests try it
 * from then on. Exit codes: 0 all held, 1 something did not, 2 bad usage.
 */

import { parseArgs } from "@std/cli";
import { toMessage } from "../../lib/base/errors.ts";
import { newSeed, SeededRandom } from "../support/seeded_random.ts";
import { toText } from "./mutate.ts";
import { runTarget, type SlowInput } from "./run_target.ts";
import { addToCorpus, FUZZ_TARGETS, readCorpus } from "./targets.ts";
import type { FuzzTarget } from "./target.ts";

const SECONDS = 60;
/** Of the slowest input. */
const SHOWN_BYTES = 60;

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly targets: readonly FuzzTarget[];
}

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    say("Usage: deno task fuzz [--seconds N] [--target NAME]... [--seed N]");
    say(`Targets: ${FUZZ_TARGETS.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  const { seconds, seed, targets } = options;
  const random = new SeededRandom(seed);
  const shareMs = seconds * 1000 / targets.length;
  say(`Seed ${seed}`);
  let failures = 0;
  for (const target of targets) {
    const corpus = (await readCorpus(target)).map(({ bytes }) => bytes);
    const end = performance.now() + shareMs;
    const goesOn = (): boolean => performance.now() < end;
    const { executions, slowest, failure } = runTarget(target, { corpus, random, goesOn });
    say(`${target.name}: ${executions} inputs, the slowest took ${describe(slowest)}`);
    if (failure === undefined) continue;
    failures++;
    const path = await addToCorpus(target, failure.bytes);
    say(`  FAILED, with the seed ${failure.seed}: ${toMessage(failure.error)}\n  Input: ${path}`);
  }
  say(failures === 0 ? "All held" : `${failures} targets failed`);
  return failures === 0 ? 0 : 1;
}

function describe({ bytes, ms }: SlowInput): string {
  const begin = JSON.stringify(toText(bytes.subarray(0, SHOWN_BYTES)));
  return `${ms.toFixed(1)} ms: ${bytes.length} bytes, ${begin}…`;
}

function parseOptions(args: readonly string[]): Options | undefined {
  let isGood = true;
  const given = parseArgs([...args], {
    string: ["seconds", "seed", "target"],
    collect: ["target"],
    unknown: () => {
      isGood = false;
      return false;
    },
  }) as Record<string, unknown>;
  const numberOf = (name: string, fallback: number): number => {
    const text = given[name];
    return text === undefined ? fallback : Number(text);
  };
  const names = Array.isArray(given.target) ? given.target : [];
  const seconds = numberOf("seconds", SECONDS);
  const seed = numberOf("seed", newSeed());
  const isKnown = names.every((name) => FUZZ_TARGETS.some((target) => target.name === name));
  if (!isGood || !isKnown || !(seconds > 0) || !Number.isInteger(seed)) return undefined;
  const targets = FUZZ_TARGETS.filter(({ name }) => names.length === 0 || names.includes(name));
  return { seconds, seed, targets };
}

function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
