/** How often the programs of a contestant call the system, which is most of what a proxy does. */

import { loadByWrk } from "../loads.ts";
import type { Row } from "./row.ts";
import { SAMPLES } from "./sample_files.ts";

/** strace says nothing once it has attached; it needs far less. */
const ATTACH_MS = 500;

export const SYSTEM_CALL_ROWS: readonly Row[] = [{
  id: "system-calls",
  name: "System calls per request, 1 KiB, 8 connections",
  unit: "calls",
  tool: "strace",
  command: `strace -f -c -p PID (all processes; while wrk -t1 -c8 URL/${SAMPLES.small})`,
  measure: async ({ tunnel, seconds, scratch }) => {
    if (tunnel.pids.length === 0) throw new Error("it has no process");
    const file = await Deno.makeTempFile({ dir: scratch });
    const strace = new Deno.Command("strace", {
      args: ["-f", "-c", "-o", file, ...tunnel.pids.flatMap((pid) => ["-p", String(pid)])],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    let requests: number;
    try {
      await new Promise((resolve) => setTimeout(resolve, ATTACH_MS));
      const url = tunnel.url(`/${SAMPLES.small}`);
      ({ requests } = await loadByWrk(url, { connections: 8, seconds }));
    } finally {
      strace.kill("SIGINT");
      await strace.status;
    }
    const calls = readTotal(await Deno.readTextFile(file));
    return { value: calls / requests };
  },
}];

/** The number of calls in the last line of the table that strace writes. */
function readTotal(table: string): number {
  const total = /^100\.00 +[\d.]+ +\d+ +(\d+) .*total$/m.exec(table)?.[1];
  if (total === undefined) throw new Error("strace cannot watch it here");
  return Number(total);
}
