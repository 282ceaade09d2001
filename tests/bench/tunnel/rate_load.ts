/**
 * Requests at a fixed rate, whatever the answers do. A request that is due while its connection
 * still waits for an answer is late, and its delay counts from when it was due: else a contestant
 * that stands still for a second would have one slow answer and not a second's worth of them
 * (coordinated omission).
 */

import { quantile } from "../statistics.ts";
import { AnswerReader } from "./answer_reader.ts";

export interface RateLoad {
  readonly url: string;
  readonly connections: number;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface Delays {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

export async function loadAtRate(load: RateLoad): Promise<Delays> {
  const start = performance.now();
  const lists = await Promise.all(
    Array.from({ length: load.connections }, (_, at) => askAtRate(load, start, at)),
  );
  const delays = lists.flat();
  if (delays.length === 0) throw new Error("the rate is too low to measure at");
  return {
    p50Ms: quantile(delays, 0.5),
    p99Ms: quantile(delays, 0.99),
    p999Ms: quantile(delays, 0.999),
  };
}

/** One connection, which has its share of the requests: of three connections every third. */
async function askAtRate(
  { url, connections, perSecond, seconds }: RateLoad,
  start: number,
  at: number,
): Promise<number[]> {
  using reader = await AnswerReader.connect(url);
  const delays: number[] = [];
  const intervalMs = connections * 1000 / perSecond;
  // Timers are a millisecond late, which is no fault of the contestant: what falls due while the
  // connection is idle is due when the timer has come.
  let idleUntil = 0;
  for (let due = start + at * 1000 / perSecond; due < start + seconds * 1000; due += intervalMs) {
    const wait = due - performance.now();
    if (wait > 0) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      idleUntil = performance.now();
    }
    await reader.get();
    delays.push(performance.now() - Math.max(due, idleUntil));
  }
  return delays;
}
