/**
 * Networks that fail in many ways at once, as seeds have it, under visitors whose every byte is
 * checked. `FAULT_SEED=N` runs that seed instead of one that nobody has chosen.
 */

import { assert, assertEquals } from "@std/assert";
import {
  describeFault,
  type Fault,
  type Link,
  makeFaultSchedule,
} from "../support/fault_schedule.ts";
import { FaultyTunnel, type Transport } from "../support/faulty_tunnel.ts";
import { countHandles } from "../support/handle_count.ts";
import { newSeed, SeededRandom } from "../support/seeded_random.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { findTrafficViolations } from "../support/traffic_verdict.ts";

const LINKS: readonly Link[] = ["visitors", "tunnel", "origin"];
const DURATION_MS = 2500;
const CONCURRENCY = 12;

/** Far more than what an idle connection is kept for. */
const QUIET_MS = 30_000;

/** Files that a process opens once, such as those of its threads, and keeps. */
const KEPT_HANDLES = 4;

/** Carries a seed's schedule out; fails with all that is needed to look at it again. */
async function runSchedule(
  tunnel: FaultyTunnel,
  seed: number,
  kinds: { readonly links: readonly Link[]; readonly faults?: readonly Fault[] } = { links: LINKS },
): Promise<void> {
  const { programs, traffic, links } = tunnel;
  const random = new SeededRandom(seed);
  const schedule = makeFaultSchedule(random, { durationMs: DURATION_MS, ...kinds });
  traffic.start(CONCURRENCY);
  await tunnel.drive(schedule, random);
  // A flipped bit in a length leaves either end of TLS waiting for bytes that nobody sends.
  if (kinds.faults?.includes("corrupt") === true) links.tunnel.reset();
  const recoveryMs = await traffic.untilGood();
  await traffic.stop();
  const report = traffic.report();
  const what = `FAULT_SEED=${seed}\n${schedule.map(describeFault).join("\n")}\n` +
    `${JSON.stringify(report)}\nrecovered in ${recoveryMs} ms\n`;
  assertEquals(findTrafficViolations(traffic, await programs.readNotes()), [], what);
  assert(report.total.ok > CONCURRENCY, what);
  // Either would wait for exchanges that it still believes in.
  assertEquals(await programs.program("server").stop(), 0, what);
  assertEquals(await programs.program("relay").stop(), 0, what);
}

const ENV_SEED = Deno.env.get("FAULT_SEED");
const RANDOM_SEED = ENV_SEED === undefined ? newSeed() : Number(ENV_SEED);

const RUNS: readonly (readonly [seed: number, transport: Transport])[] = [
  [1, "control channel"],
  [2, "long poll"],
  [RANDOM_SEED, RANDOM_SEED % 2 === 0 ? "control channel" : "long poll"],
];

for (const [seed, transport] of RUNS) {
  Deno.test(`faults, seed ${seed}, ${transport}: no byte is wrong, no end is, nothing comes twice or hangs`, async () => {
    await using folder = await TempFolder.create();
    await using tunnel = await FaultyTunnel.start({ folder, seed, transport });
    await runSchedule(tunnel, seed);
  });
}

const CORRUPTION = { links: ["tunnel"], faults: ["corrupt"] } as const;

for (const transport of ["control channel", "long poll"] as const) {
  Deno.test(`faults, ${transport} by TLS: no flipped bit gets through`, async () => {
    await using folder = await TempFolder.create();
    const seed = 4;
    await using tunnel = await FaultyTunnel.start({ folder, seed, transport, isSecure: true });
    await runSchedule(tunnel, seed, CORRUPTION);
  });

  // Without TLS nobody promises that the bytes are right, but all goes on.
  Deno.test(`faults, ${transport} in the clear: relay and server outlive flipped bits`, async () => {
    await using folder = await TempFolder.create();
    const seed = 5;
    await using tunnel = await FaultyTunnel.start({ folder, seed, transport });
    const { programs, links, traffic } = tunnel;
    const random = new SeededRandom(seed);
    traffic.start(CONCURRENCY);
    await tunnel.drive(
      makeFaultSchedule(random, { durationMs: DURATION_MS, ...CORRUPTION }),
      random,
    );
    links.tunnel.reset();
    await traffic.untilGood();
    await traffic.stop();
    assertEquals(traffic.report().violations.filter((text) => text.includes("hangs")), []);
    assertEquals(await programs.program("server").stop(), 0);
    assertEquals(await programs.program("relay").stop(), 0);
  });

  Deno.test(`faults, ${transport}: afterwards relay and server hold no more handles than before`, async () => {
    await using folder = await TempFolder.create();
    await using tunnel = await FaultyTunnel.start({ folder, seed: 3, transport });
    const { traffic, programs, links } = tunnel;
    const pids = [programs.program("relay").pid, programs.program("server").pid];
    await traffic.untilGood();
    const before = await Promise.all(pids.map(countHandles));
    traffic.start(CONCURRENCY);
    for (const link of [links.visitors, links.tunnel, links.origin]) {
      for (const how of ["reset", "end"] as const) {
        link[how]();
        await traffic.untilGood();
      }
    }
    await traffic.stop();
    for (const [i, pid] of pids.entries()) {
      await untilFewHandles(pid, (before[i] ?? 0) + KEPT_HANDLES);
    }
  });
}

/** Waits until a process has closed what it need not have open. */
async function untilFewHandles(pid: number, most: number): Promise<void> {
  const end = performance.now() + QUIET_MS;
  for (let count = await countHandles(pid); count > most; count = await countHandles(pid)) {
    if (performance.now() > end) throw new Error(`${count} handles are open, and not ${most}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
