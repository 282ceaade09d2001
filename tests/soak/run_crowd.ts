/** Many idle servers at one relay: what each costs, and how they come back when it was killed. */

import { toTripcode } from "../../lib/auth/tripcode.ts";
import { untilAllServed } from "../bench/tunnel/crowd_rows.ts";
import { ChildProgram } from "../support/child_program.ts";
import { findFreePort } from "../support/outside_port.ts";
import { PROJECT, startProgram, toDenoArgs } from "../support/programs.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { countAttempts, type CountedAttempts, formatAttempts } from "./counted_attempts.ts";
import { toCrowdServer } from "./crowd_names.ts";
import { toSampledRun } from "./how_to_sample.ts";
import { type ProgramSample, sampleProgram } from "./samples.ts";

/** For what the start has left behind to be given back: idle connections, memory. */
const IDLE_MS = 12_000;
/** A guard: far more than a busy computer needs. */
const BACK_MS = 180_000;
/** How long the relay is away. */
const OUTAGES_MS = [500, 5000, 30_000];

export interface CrowdOptions {
  readonly count: number;
  readonly say: (line: string) => Promise<void>;
}

export async function runCrowd({ count, say }: CrowdOptions): Promise<void> {
  await using folder = await TempFolder.create();
  const port = findFreePort();
  const names = Array.from({ length: count }, (_, i) => toCrowdServer(i));
  const urls = names.map(({ name }) => `http://127.0.0.1:${port}/servers/${name}`);
  const tables = names.map(({ name, key }) =>
    `[[servers]]\nname = "${name}"\ntripcode = "${toTripcode(key)}"\n`
  );
  await folder.write(
    "ptth_relay.toml",
    `host = "127.0.0.1"\nport = ${port}\nadmin_port = false\n${tables.join("")}`,
  );
  await using stack = new AsyncDisposableStack();
  const startRelay = async (): Promise<ChildProgram> => {
    const relay = startProgram("relay", { cwd: folder.path, ...toSampledRun("relay") });
    await relay.untilStderr(/ for visitors on /);
    return relay;
  };
  let relay = await startRelay();
  stack.defer(() => relay[Symbol.asyncDispose]());
  const startServers = (first: number, number: number): void => {
    const args = toDenoArgs(["--allow-net=127.0.0.1", "--allow-env", "--allow-sys"], MAIN);
    stack.use(ChildProgram.start(Deno.execPath(), {
      cwd: PROJECT,
      args: [...args, `http://127.0.0.1:${port}`, String(first), String(number)],
      env: { no_proxy: "127.0.0.1" },
    }));
  };
  const half = Math.floor(count / 2);
  const samples: ProgramSample[] = [];
  for (const [connected, added] of [[0, 0], [half, half], [count, count - half]] as const) {
    if (added > 0) startServers(connected - added, added);
    await untilAllServed(urls.slice(0, connected), BACK_MS);
    await pause(IDLE_MS);
    const sample = await sampleProgram(relay);
    if (sample === undefined) throw new Error("Cannot measure: the relay prints no samples");
    samples.push(sample);
    await say(`${connected} servers: ${describe(sample)}`);
  }
  const [none, some, all] = samples;
  if (none === undefined || some === undefined || all === undefined) return;
  await say(`Each of 0 to ${count}: ${perServer(none, all, count)}`);
  await say(`Each of ${half} to ${count}: ${perServer(some, all, count - half)}`);
  for (const outageMs of OUTAGES_MS) {
    await relay[Symbol.asyncDispose]();
    const attempts = await countAttempts(port, outageMs);
    const beginning = performance.now();
    relay = await startRelay();
    const listening = performance.now();
    await untilAllServed(urls, BACK_MS);
    const backMs = performance.now() - listening;
    await say(
      `Away for ${outageMs} ms (and ${(listening - beginning).toFixed(0)} ms of starting): ` +
        `all ${count} have answered ${backMs.toFixed(0)} ms after it listens`,
    );
    await say(describeAttempts(attempts));
    await pause(IDLE_MS);
  }
}

const MAIN = "tests/soak/crowd_main.ts";

function describe({ rssBytes, heapBytes, externalBytes, connections }: ProgramSample): string {
  const [rss, heap, external] = [rssBytes, heapBytes, externalBytes]
    .map((bytes) => (bytes / 2 ** 20).toFixed(1));
  return `RSS ${rss} MiB, heap ${heap} MiB, buffers ${external} MiB, ${connections} connections`;
}

function perServer(before: ProgramSample, after: ProgramSample, count: number): string {
  const toKib = (read: (sample: ProgramSample) => number): string =>
    ((read(after) - read(before)) / 1024 / count).toFixed(1);
  return `RSS ${toKib((s) => s.rssBytes)} KiB, heap ${toKib((s) => s.heapBytes)} KiB, ` +
    `buffers ${toKib((s) => s.externalBytes)} KiB`;
}

function describeAttempts(attempts: CountedAttempts): string {
  return formatAttempts(attempts).map((line) => `  ${line}`).join("\n");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
