/** Rows that load a contestant as fast as it can, and see what that costs. */

import { type Sample, toSample } from "../cells.ts";
import { expectStatus, type Load, loadByCurl, loadByUpload, loadByWrk } from "../loads.ts";
import { type Row, type RowContext, UPLOAD_MIB } from "./row.ts";
import type { RunningTunnel } from "./running_tunnel.ts";
import { SAMPLES } from "./sample_files.ts";

interface Requests {
  readonly file: keyof typeof SAMPLES;
  readonly connections: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The row whose value the load at a fixed rate is derived from. */
export const FULL_SPEED_ID = "get-1k-c32";

export const SMALL_ROWS: readonly Row[] = [
  requestRow(FULL_SPEED_ID, "1 KiB, 32 connections", { file: "small", connections: 32 }),
  requestRow("get-1k-c1", "1 KiB, 1 connection", { file: "small", connections: 1 }),
  requestRow("get-1k-c8", "1 KiB, 8 connections", { file: "small", connections: 8 }),
  requestRow("get-1k-c128", "1 KiB, 128 connections", { file: "small", connections: 128 }),
  requestRow("new-connection", "1 KiB, a new connection per request, 8 at once", {
    file: "small",
    connections: 8,
    headers: { Connection: "close" },
  }),
  requestRow("get-1b", "1 byte, 8 connections", { file: "tiny", connections: 8 }),
  requestRow("get-64k", "64 KiB, 8 connections", { file: "middle", connections: 8 }),
  requestRow("get-1m", "1 MiB, 8 connections", { file: "large", connections: 8 }),
];

export const BIG_ROWS: readonly Row[] = [
  downloadRow("big-1", "Big file, 1 stream", 1),
  downloadRow("big-4", "Big file, 4 streams", 4),
  {
    id: "upload",
    name: `Upload of ${UPLOAD_MIB} MiB`,
    unit: "MB/s",
    tool: "curl",
    command: "curl -T upload.bin URL/sink",
    measure: ({ tunnel, uploadFile }) =>
      measureLoad(
        "MB/s",
        tunnel,
        () => loadByUpload(tunnel.applicationUrl("/sink"), uploadFile),
      ),
  },
];

function requestRow(
  id: string,
  name: string,
  { file, connections, headers = {} }: Requests,
): Row {
  const fields = Object.entries(headers).map(([name, value]) => `-H '${name}: ${value}' `);
  return {
    id,
    name,
    unit: "req/s",
    tool: "wrk",
    command: `wrk -t1 -c${connections} --latency ${fields.join("")}URL/${SAMPLES[file]}`,
    measure: async ({ tunnel, seconds }: RowContext) => {
      const url = tunnel.url(`/${SAMPLES[file]}`);
      await expectStatus(url, 200);
      return await measureLoad(
        "req/s",
        tunnel,
        () => loadByWrk(url, { connections, seconds, headers }),
      );
    },
  };
}

function downloadRow(id: string, name: string, streams: number): Row {
  return {
    id,
    name,
    unit: "MB/s",
    tool: "curl",
    command: `curl -o /dev/null URL/${SAMPLES.big}${streams === 1 ? "" : ` (${streams} at once)`}`,
    measure: async ({ tunnel }) => {
      const url = tunnel.url(`/${SAMPLES.big}`);
      return await measureLoad("MB/s", tunnel, () => loadByCurl(url, streams));
    },
  };
}

/** A load, and the CPU time that all programs of the contestant have spent on it. */
async function measureLoad(
  unit: "req/s" | "MB/s",
  tunnel: RunningTunnel,
  load: () => Promise<Load>,
): Promise<Sample> {
  const before = await tunnel.readUsage();
  const done = await load();
  const after = await tunnel.readUsage();
  if (before === undefined || after === undefined) return toSample(unit, done, undefined);
  return toSample(unit, done, after.cpuSeconds - before.cpuSeconds);
}
