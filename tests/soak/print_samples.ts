/**
 * Prints what only a process itself knows: its heap, and how late its event loop is. A line of JSON
 * each on standard output, where relay and server say nothing. Wants `--v8-flags=--expose-gc`: what
 * is left after a collection shows a leak long before the heap as it happens to be.
 */

import { quantile } from "../bench/statistics.ts";

/** What a process says of itself. */
export interface OwnSample {
  /** In use right after a collection, in bytes. */
  readonly heapBytes: number;
  /** Outside the heap, and held by it: buffers. */
  readonly externalBytes: number;
  /** How late a timer fired in the last 5 s, in milliseconds. */
  readonly delays: Readonly<Record<"p50" | "p99" | "most", number>>;
}

const TICK_MS = 20;
/** Over how long delays are judged. */
const DELAYS_MS = 5000;

/** For as long as the process runs. */
export function printSamples(intervalMs: number): void {
  const encoder = new TextEncoder();
  /** Of each sample; the last one is being filled. */
  const delays: number[][] = [[]];
  let dueAt = 0;
  const tick = (): void => {
    if (dueAt > 0) delays.at(-1)?.push(Math.max(0, performance.now() - dueAt));
    dueAt = performance.now() + TICK_MS;
    setTimeout(tick, TICK_MS);
  };
  tick();
  setInterval(() => {
    const seen = delays.flat();
    const { gc } = globalThis as { gc?: () => void };
    if (gc === undefined) throw new Error("Cannot collect: --expose-gc is missing");
    gc();
    const { heapUsed, external } = Deno.memoryUsage();
    const sample: OwnSample = {
      heapBytes: heapUsed,
      externalBytes: external,
      delays: summarizeDelays(seen),
    };
    Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(sample)}\n`));
    // The collection was ours, and is no fault of the program's.
    dueAt = 0;
    delays.push([]);
    while (delays.length * intervalMs > DELAYS_MS) delays.shift();
  }, intervalMs);
}

function summarizeDelays(delays: readonly number[]): OwnSample["delays"] {
  if (delays.length === 0) return { p50: 0, p99: 0, most: 0 };
  return { p50: quantile(delays, 0.5), p99: quantile(delays, 0.99), most: Math.max(...delays) };
}

/** The last whole line that a process has printed. */
export function readLastSample(stdout: string): OwnSample | undefined {
  const line = stdout.slice(0, stdout.lastIndexOf("\n")).split("\n").at(-1) ?? "";
  return line === "" ? undefined : JSON.parse(line);
}
