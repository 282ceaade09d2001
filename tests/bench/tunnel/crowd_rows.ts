/** Rows with very many servers at one relay, idle all of them. */

import { AnswerReader } from "./answer_reader.ts";
import { createDirectLink, OTHER_HOST } from "./links.ts";
import type { Row } from "./row.ts";
import { SAMPLES } from "./sample_files.ts";

const COUNT = 1000;
const VISITS_AT_ONCE = 32;
const CONNECT_TIMEOUT_MS = 60_000;
const VISIT_TIMEOUT_MS = 5000;
const RETRY_MS = 20;
/** For what the start has left behind to be collected. */
const IDLE_MS = 5000;
const DOWN_MS = 3000;

export const CROWD_ROWS: readonly Row[] = [
  {
    id: "idle-server",
    name: `Memory of the public side per idle server, of ${COUNT.toLocaleString("en-US")}`,
    unit: "KiB",
    tool: "Deno",
    command: "grep VmRSS /proc/RELAY/status (less that without servers, per server)",
    measure: async ({ createCrowd }) => {
      const { tunnel, urls } = await createCrowd(createDirectLink(OTHER_HOST), COUNT);
      await using crowd = tunnel;
      await crowd.startRelay();
      const before = await crowd.readRelayUsage();
      crowd.startServers();
      await untilAllServed(urls);
      await sleep(IDLE_MS);
      const after = await crowd.readRelayUsage();
      if (before === undefined || after === undefined) throw new Error("it has no process there");
      return { value: (after.residentBytes - before.residentBytes) / 1024 / COUNT };
    },
  },
  {
    id: "reconnect-storm",
    name: `Recovery of ${COUNT.toLocaleString("en-US")} servers after the public side was gone`,
    unit: "s",
    tool: "Deno",
    command: `kill -9 RELAY; sleep ${DOWN_MS / 1000} (from its listening again until each ` +
      "server has answered)",
    measure: async ({ createCrowd }) => {
      const { tunnel, urls } = await createCrowd(createDirectLink(OTHER_HOST), COUNT);
      await using crowd = tunnel;
      await crowd.startRelay();
      crowd.startServers();
      await untilAllServed(urls);
      await crowd.killRelay();
      await sleep(DOWN_MS);
      await crowd.startRelay();
      const start = performance.now();
      await untilAllServed(urls);
      return { value: (performance.now() - start) / 1000 };
    },
  },
];

/** Resolves when each of the servers has answered a visitor. */
export async function untilAllServed(
  urls: readonly string[],
  timeoutMs = CONNECT_TIMEOUT_MS,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  const left = [...urls];
  const work = async (): Promise<void> => {
    for (let url = left.pop(); url !== undefined; url = left.pop()) {
      while (!await isServed(`${url}/${SAMPLES.tiny}`)) {
        if (performance.now() > end) throw new Error("not all of its servers are connected");
        await sleep(RETRY_MS);
      }
    }
  };
  await Promise.all(Array.from({ length: VISITS_AT_ONCE }, work));
}

async function isServed(url: string): Promise<boolean> {
  try {
    using reader = await AnswerReader.connect(url);
    const timer = setTimeout(() => reader[Symbol.dispose](), VISIT_TIMEOUT_MS);
    await reader.get().finally(() => clearTimeout(timer));
    return true;
  } catch {
    return false; // refused, reset, late, or not there yet
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
