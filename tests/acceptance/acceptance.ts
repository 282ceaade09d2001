/**
 * Figures that a busy machine can spoil, so that no test asserts them: delays and memory of relay
 * and server as processes, with an origin behind them. Prints what is wanted and what was measured.
 *
 *     deno task acceptance [SECONDS]
 *
 * SECONDS: how long the slow reader and the slow writer go on; 1024 makes it the whole GiB.
 */

import { type ClientRequest, request as openRequest } from "node:http";
import { setInterval } from "node:timers";
import { ChildProgram } from "../support/child_program.ts";
import { PROJECT } from "../support/programs.ts";
import { startTunnelPrograms, type TunnelPrograms } from "../support/tunnel_programs.ts";
import { readResidentBytes } from "../interop/process_facts.ts";
import { quantile } from "../bench/statistics.ts";
import { collectDelays, drain, open, readSlowly } from "../support/measured_visits.ts";

const MIB = 2 ** 20;
const SECOND_MS = 1000;

interface Row {
  readonly what: string;
  readonly wanted: string;
  readonly measured: string;
  readonly isMet: boolean;
}

async function main(seconds: number): Promise<number> {
  await using origin = ChildProgram.start(Deno.execPath(), {
    cwd: PROJECT,
    args: ["run", "--no-prompt", "--allow-net=127.0.0.1", "tests/acceptance/origin.ts"],
  });
  const [, port = ""] = await origin.untilStdout(/^(\d+)$/m);
  const url = `http://127.0.0.1:${port}/`;
  await using tunnel = await startTunnelPrograms({ origins: [{ url }] });
  const rows = [
    await measureEvents(url, `${tunnel.url}/`),
    await measureBesideSlow(`${tunnel.url}/`),
    ...await measureMemory(tunnel, seconds),
  ];
  for (const { what, wanted, measured, isMet } of rows) {
    await say(`${isMet ? "met   " : "MISSED"} ${what}: wanted ${wanted}, measured ${measured}\n`);
  }
  return rows.every(({ isMet }) => isMet) ? 0 : 1;
}

/** How much later events arrive through the tunnel than straight from the origin. */
async function measureEvents(direct: string, tunnelled: string): Promise<Row> {
  const count = 500;
  const [before, through] = [
    await collectDelays(`${direct}events?ms=10`, count),
    await collectDelays(`${tunnelled}events?ms=10`, count),
  ];
  const added = quantile(through, 0.99) - quantile(before, 0.99);
  return {
    what: "delay added to server-sent events, p99",
    wanted: "< 20 ms",
    measured: `${added.toFixed(2)} ms (p50 ${
      (quantile(through, 0.5) - quantile(before, 0.5)).toFixed(2)
    } ms, ${count} events)`,
    isMet: added < 20,
  };
}

/** How long a small exchange takes while 200 others trickle through the same server. */
async function measureBesideSlow(url: string): Promise<Row> {
  const slow: ClientRequest[] = [];
  await Promise.all(Array.from({ length: 200 }, () => open(`${url}slow`, slow)));
  const times: number[] = [];
  for (let i = 0; i < 300; i++) {
    const start = performance.now();
    const answer = await open(`${url}small`, []);
    await drain(answer);
    times.push(performance.now() - start);
  }
  for (const request of slow) request.destroy();
  const p99 = quantile(times, 0.99);
  return {
    what: "a small exchange beside 200 slow ones, p99",
    wanted: "< 50 ms",
    measured: `${p99.toFixed(2)} ms (p50 ${quantile(times, 0.5).toFixed(2)} ms, most ${
      Math.max(...times).toFixed(2)
    } ms)`,
    isMet: p99 < 50,
  };
}

/** What relay and server grow by over a GiB in each way that is hard on memory. */
async function measureMemory(tunnel: TunnelPrograms, seconds: number): Promise<Row[]> {
  const url = `${tunnel.url}/`;
  const slowBytes = seconds * MIB;
  const loads: readonly (readonly [string, () => Promise<void>])[] = [
    [`a reader at 1 MB/s for ${seconds} s`, () => readSlowly(`${url}gib`, seconds)],
    [
      `a writer at 1 MB/s for ${seconds} s`,
      () => upload(`${url}sink`, { bytes: slowBytes, bytesPerSecond: MIB }),
    ],
    ["1 GiB down", () => open(`${url}gib`, []).then(drain)],
    ["1 GiB down, a second time", () => open(`${url}gib`, []).then(drain)],
    ["1 GiB up", () => upload(`${url}sink`, { bytes: 2 ** 30 })],
    ["1 GiB up, a second time", () => upload(`${url}sink`, { bytes: 2 ** 30 })],
  ];
  const rows: Row[] = [];
  for (const [what, load] of loads) {
    const before = await readResident(tunnel);
    const peak = { relay: before.relay, server: before.server };
    const timer = setInterval(async () => {
      const now = await readResident(tunnel);
      peak.relay = Math.max(peak.relay, now.relay);
      peak.server = Math.max(peak.server, now.server);
    }, 100);
    await load();
    clearInterval(timer);
    const growth = [peak.relay - before.relay, peak.server - before.server];
    rows.push({
      what: `memory over ${what}`,
      wanted: "+ 20 MB at the most",
      measured: `relay ${toMb(before.relay)} + ${toMb(growth[0] ?? 0)} MB, server ${
        toMb(before.server)
      } + ${toMb(growth[1] ?? 0)} MB`,
      isMet: growth.every((bytes) => bytes <= 20e6),
    });
  }
  return rows;
}

async function readResident(
  { relay, server }: TunnelPrograms,
): Promise<{ relay: number; server: number }> {
  return {
    relay: await readResidentBytes(relay.pid),
    server: await readResidentBytes(server.pid),
  };
}

function toMb(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function upload(
  url: string,
  { bytes, bytesPerSecond = Infinity }: {
    readonly bytes: number;
    readonly bytesPerSecond?: number;
  },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const piece = new Uint8Array(256 * 1024).fill(99);
    const headers = { "Content-Length": bytes };
    const request = openRequest(url, { agent: false, method: "PUT", headers }, (answer) => {
      drain(answer).then(resolve, reject);
    });
    request.on("error", reject);
    let left = bytes;
    let allowed = Math.min(bytes, bytesPerSecond);
    const send = (): void => {
      while (left > 0 && allowed > 0) {
        left -= piece.length;
        allowed -= piece.length;
        if (!request.write(piece)) return;
      }
      if (left <= 0) {
        clearInterval(timer);
        request.end();
      }
    };
    const timer = setInterval(() => {
      allowed = bytesPerSecond;
      send();
    }, SECOND_MS);
    request.on("drain", send);
    send();
  });
}

async function say(text: string): Promise<void> {
  await Deno.stdout.write(new TextEncoder().encode(text));
}

if (import.meta.main) Deno.exit(await main(Number(Deno.args[0] ?? "30")));
