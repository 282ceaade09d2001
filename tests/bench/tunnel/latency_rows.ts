/** Rows on how long visitors wait, and how much longer than without a tunnel. */

import type { Sample } from "../cells.ts";
import { keepDownloading, loadByWrk } from "../loads.ts";
import { quantile } from "../statistics.ts";
import { collectDelays, drain, open } from "../../support/measured_visits.ts";
import { loadAtRate } from "./rate_load.ts";
import type { Row, RowContext } from "./row.ts";
import { SAMPLES } from "./sample_files.ts";
import { FULL_SPEED_ID } from "./throughput_rows.ts";

/** Of a contestant's full speed: as busy as a server should be. */
const RATE_PART = 0.7;
/** Past it, the load would take from the contestants what they need of the two cores. */
const MAX_RATE = 10_000;
/** One that is the same for all, and that most can do. */
const COMMON_RATE = 1000;
const RATE_CONNECTIONS = 32;
const SLOW_COUNT = 40;
const SLOW_MS = 3000;
const EVENT_INTERVAL_MS = 10;
const BIG_STREAMS = 8;
const SOCKET_TIMEOUT_MS = 10_000;

export const LATENCY_ROWS: readonly Row[] = [
  rateRow("rate-common", `1 KiB at ${COMMON_RATE} requests a second, p99`, () => COMMON_RATE),
  rateRow(
    "rate-own",
    `1 KiB at ${RATE_PART * 100} % of its own full speed, at most ${MAX_RATE} req/s, p99`,
    ({ valueOf }) => {
      const fullSpeed = valueOf(FULL_SPEED_ID);
      if (fullSpeed === undefined) {
        throw new Error(`its full speed, ${FULL_SPEED_ID}, is not known`);
      }
      return Math.min(fullSpeed * RATE_PART, MAX_RATE);
    },
  ),
  {
    id: "beside-big",
    name: `1 KiB beside ${BIG_STREAMS} downloads of the big file, 1 connection, p99`,
    unit: "ms",
    tool: "wrk",
    command: `wrk -t1 -c1 --latency URL/${SAMPLES.small} (beside ${BIG_STREAMS} times curl)`,
    measure: async ({ tunnel, seconds }) => {
      const abort = new AbortController();
      const big = tunnel.url(`/${SAMPLES.big}`);
      const small = tunnel.url(`/${SAMPLES.small}`);
      const [{ latency }] = await Promise.all([
        loadByWrk(small, { connections: 1, seconds }).finally(() => abort.abort()),
        keepDownloading(big, { streams: BIG_STREAMS, signal: abort.signal }),
      ]);
      return { value: latency.p99Ms, details: { "p50, ms": latency.p50Ms } };
    },
  },
  {
    id: "slow-40",
    name: `${SLOW_COUNT} exchanges of ${SLOW_MS / 1000} s at once`,
    unit: "s",
    tool: "Deno",
    command: `curl URL/slow?ms=${SLOW_MS} (${SLOW_COUNT} at once, until the last has ended)`,
    measure: async ({ tunnel }) => {
      const url = tunnel.applicationUrl(`/slow?ms=${SLOW_MS}`);
      const start = performance.now();
      await Promise.all(Array.from({ length: SLOW_COUNT }, () => visit(url)));
      return { value: (performance.now() - start) / 1000 };
    },
  },
  {
    id: "events",
    name: "Server-sent events, from the origin to the visitor, p50",
    unit: "ms",
    tool: "Deno",
    command: `curl -N URL/events?ms=${EVENT_INTERVAL_MS} (an event says when it was sent)`,
    measure: async ({ tunnel, seconds }) => {
      const url = tunnel.applicationUrl(`/events?ms=${EVENT_INTERVAL_MS}`);
      const delays = await collectDelays(url, seconds * 1000 / EVENT_INTERVAL_MS);
      if (delays.length === 0) throw new Error("it brings no events");
      return toSample(delays);
    },
  },
  {
    id: "websocket",
    name: "WebSocket, there and back, p50",
    unit: "ms",
    tool: "Deno",
    command: "(one connection; 32 bytes, which come back before the next are sent)",
    measure: async ({ tunnel, seconds }) => {
      const delays = await echo(tunnel.applicationUrl("/echo"), seconds);
      return toSample(delays);
    },
  },
];

/** `toRate` says how many requests per second a contestant gets. */
function rateRow(id: string, name: string, toRate: (context: RowContext) => number): Row {
  return {
    id,
    name,
    unit: "ms",
    tool: "Deno",
    command: `(a loop over ${RATE_CONNECTIONS} sockets; delays count from when a request was due)`,
    measure: async (context) => {
      const { tunnel, seconds } = context;
      const perSecond = toRate(context);
      const url = tunnel.url(`/${SAMPLES.small}`);
      const connections = RATE_CONNECTIONS;
      const { p50Ms, p99Ms, p999Ms } = await loadAtRate({ url, connections, perSecond, seconds });
      return {
        value: p99Ms,
        details: { "p50, ms": p50Ms, "p99.9, ms": p999Ms, "req/s": perSecond },
      };
    },
  };
}

/** The middle one of some delays in ms, and the tail beside it. */
function toSample(delays: readonly number[]): Sample {
  return { value: quantile(delays, 0.5), details: { "p99, ms": quantile(delays, 0.99) } };
}

async function visit(url: string): Promise<void> {
  const answer = await open(url, []);
  if (answer.statusCode !== 200) throw new Error(`it answered ${answer.statusCode}`);
  await drain(answer);
}

/** Round trips of messages on one WebSocket, one at a time, in ms. */
function echo(url: string, seconds: number): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace(/^http/, "ws"));
    const timer = setTimeout(
      () => reject(new Error("a WebSocket brings nothing back")),
      seconds * 1000 + SOCKET_TIMEOUT_MS,
    );
    const delays: number[] = [];
    let sentAt = 0;
    let end = 0;
    const send = (): void => {
      sentAt = performance.now();
      socket.send("x".repeat(32));
    };
    socket.onopen = () => {
      end = performance.now() + seconds * 1000;
      send();
    };
    socket.onmessage = () => {
      delays.push(performance.now() - sentAt);
      if (performance.now() < end) return send();
      socket.close();
    };
    socket.onclose = () => {
      clearTimeout(timer);
      if (delays.length === 0) reject(new Error("it carries no WebSocket"));
      else resolve(delays);
    };
    socket.onerror = (event) => event.preventDefault();
  });
}
