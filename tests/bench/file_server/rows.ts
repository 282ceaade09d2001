/** What is measured, one row each. */

import type { Listing } from "./contestant.ts";
import { loadByHead } from "./head_load.ts";
import {
  expectStatus,
  type Load,
  loadByCurl,
  loadByWrk,
  type LoadOptions,
  request,
} from "../loads.ts";
import type { RowTitle } from "../report.ts";
import type { RunningContestant } from "./running_contestant.ts";
import { SAMPLES } from "./sample_folder.ts";

export interface RowContext {
  /** How long a load of many requests lasts; at least 1, whole. */
  readonly seconds: number;
  readonly listing: Listing | undefined;
}

export interface Row extends RowTitle {
  readonly unit: "req/s" | "MB/s" | "ms";
  /** The program that makes the load. */
  readonly tool: "wrk" | "curl" | "Deno";
  /**
   * @throws {Error} where the contestant does not do what the row is about; the message is the
   * reason
   */
  readonly measure: (running: RunningContestant, context: RowContext) => Promise<Load>;
}

const MIB = 1024 * 1024;
const CONNECTIONS = 32;

/** In the order in which they are measured: a folder is listed before anything has been kept. */
export const ROWS: readonly Row[] = [
  {
    name: "Listing of many entries, first time",
    unit: "ms",
    tool: "curl",
    command:
      "curl -H 'Accept: TYPE' URL/many/ (ours: a page of HTML; others all: JSON where they have it)",
    measure: listMany,
  },
  {
    name: "Listing of many entries, again",
    unit: "ms",
    tool: "curl",
    command:
      "curl -H 'Accept: TYPE' URL/many/ (ours: a page of HTML; others all: JSON where they have it)",
    measure: listMany,
  },
  wrkRow("1 KiB, 1 connection", { path: `/${SAMPLES.small}`, connections: 1 }),
  wrkRow("1 KiB, 32 connections", { path: `/${SAMPLES.small}`, connections: CONNECTIONS }),
  {
    name: "304 for 1 KiB, 32 connections",
    unit: "req/s",
    tool: "wrk",
    command: "wrk -t1 -c32 -H 'If-None-Match: ETAG' URL/1k.bin",
    measure: async (running, { seconds }) => {
      const url = running.url(`/${SAMPLES.small}`);
      const etag = /^etag: *(.+?)\r?$/im.exec((await request(url)).head)?.[1];
      if (etag === undefined) throw new Error("It sends no ETag");
      const headers = { "If-None-Match": etag };
      await expectStatus(url, 304, headers);
      return await loadByWrk(url, { connections: CONNECTIONS, seconds, headers });
    },
  },
  {
    name: "HEAD of 1 KiB, 32 connections",
    unit: "req/s",
    tool: "Deno",
    command: "(a loop over 32 sockets)",
    measure: (running, { seconds }) =>
      loadByHead(running.url(`/${SAMPLES.small}`), { connections: CONNECTIONS, seconds }),
  },
  wrkRow("64 KiB, 32 connections", { path: `/${SAMPLES.middle}`, connections: CONNECTIONS }),
  {
    name: "Range of 1 MiB of the big file, 4 connections",
    unit: "MB/s",
    tool: "wrk",
    command: "wrk -t1 -c4 -H 'Range: bytes=1048576-2097151' URL/big.bin",
    measure: async (running, { seconds }) => {
      const url = running.url(`/${SAMPLES.big}`);
      const headers = { Range: `bytes=${MIB}-${2 * MIB - 1}` };
      await expectStatus(url, 206, headers);
      const load = await loadByWrk(url, { connections: 4, seconds, headers });
      return { ...load, bytes: load.requests * MIB };
    },
  },
  {
    name: "Big file, 1 stream",
    unit: "MB/s",
    tool: "curl",
    command: "curl -o /dev/null URL/big.bin",
    measure: (running) => loadByCurl(running.url(`/${SAMPLES.big}`), 1),
  },
  {
    name: "Big file, 4 streams",
    unit: "MB/s",
    tool: "curl",
    command: "curl -o /dev/null URL/big.bin (4 at once)",
    measure: (running) => loadByCurl(running.url(`/${SAMPLES.big}`), 4),
  },
];

function wrkRow(
  name: string,
  { path, connections }: Pick<LoadOptions, "connections"> & { readonly path: string },
): Row {
  return {
    name,
    unit: "req/s",
    tool: "wrk",
    command: `wrk -t1 -c${connections} URL${path}`,
    measure: async (running, { seconds }) => {
      const url = running.url(path);
      await expectStatus(url, 200);
      return await loadByWrk(url, { connections, seconds });
    },
  };
}

async function listMany(
  running: RunningContestant,
  { listing }: RowContext,
): Promise<Load> {
  if (listing === undefined) throw new Error("It lists no folders");
  const url = running.url(`/${SAMPLES.many}/${listing.query}`);
  const { status, bytes, seconds } = await request(url, { Accept: listing.accept });
  if (status !== 200 || bytes < 1000) throw new Error(`It answered ${status}, ${bytes} bytes`);
  return { seconds, requests: 1, bytes };
}
