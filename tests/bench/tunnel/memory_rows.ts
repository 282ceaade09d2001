/** Rows on memory: what a contestant has at its start, and what it grows by. */

import type { Sample } from "../cells.ts";
import { loadByCurl } from "../loads.ts";
import type { Usage } from "../process_tree.ts";
import { readSlowly } from "../../support/measured_visits.ts";
import { createDirectLink, OTHER_HOST } from "./links.ts";
import type { Row } from "./row.ts";
import { SAMPLES } from "./sample_files.ts";

const MIB = 1024 * 1024;
const WATCH_MS = 100;
const SLOW_READER_SECONDS = 5;

export const MEMORY_ROWS: readonly Row[] = [
  {
    id: "rss-start",
    name: "Resident memory after the start, all processes",
    unit: "MiB",
    tool: "Deno",
    command: "grep VmRSS /proc/PID/status",
    measure: async ({ startOther }) => {
      await using tunnel = await startOther(createDirectLink(OTHER_HOST));
      const { residentBytes } = expectUsage(await tunnel.readUsage());
      const relay = expectUsage(await tunnel.readRelayUsage()).residentBytes;
      return { value: residentBytes / MIB, details: { "public side, MiB": relay / MIB } };
    },
  },
  {
    id: "rss-big",
    name: "Resident memory: growth over a big file, all processes",
    unit: "MiB",
    tool: "curl",
    command: `curl -o /dev/null URL/${SAMPLES.big} (the most during it, less that before it)`,
    measure: ({ tunnel }) =>
      measureGrowth(
        () => tunnel.readUsage(),
        () => loadByCurl(tunnel.url(`/${SAMPLES.big}`), 1),
      ),
  },
  {
    id: "rss-slow-reader",
    name: "Resident memory: growth of the public side by a reader at 1 MB/s",
    unit: "MiB",
    tool: "Deno",
    command: `curl --limit-rate 1M URL/${SAMPLES.big} (for ${SLOW_READER_SECONDS} s)`,
    measure: ({ tunnel }) =>
      measureGrowth(
        () => tunnel.readRelayUsage(),
        () => readSlowly(tunnel.url(`/${SAMPLES.big}`), SLOW_READER_SECONDS),
      ),
  },
];

/** The most by which resident memory has grown while something is done. */
export async function measureGrowth(
  read: () => Promise<Usage | undefined>,
  act: () => Promise<unknown>,
): Promise<Sample> {
  const before = expectUsage(await read()).residentBytes;
  let most = before;
  const watch = async (): Promise<void> => {
    most = Math.max(most, expectUsage(await read()).residentBytes);
  };
  const timer = setInterval(() => void watch().catch(() => {}), WATCH_MS);
  try {
    await act();
    await watch();
  } finally {
    clearInterval(timer);
  }
  return { value: (most - before) / MIB, details: { "before, MiB": before / MIB } };
}

function expectUsage(usage: Usage | undefined): Usage {
  if (usage === undefined) throw new Error("it has no process there");
  return usage;
}
