/**
 * Prints, as a side effect, what the process it is loaded into takes: a line a second on standard
 * output. So that the programs themselves need no way in.
 */

/** What a process takes, and how long it lets others wait. */
export interface OwnSample {
  /** Bytes. */
  readonly heap: number;
  /** Bytes of buffers outside of the heap. */
  readonly external: number;
  /** How late timers were since the last sample, in milliseconds. */
  readonly delayP50: number;
  readonly delayP99: number;
  readonly delayMax: number;
}

const TICK_MS = 10;
const SAMPLE_MS = 1000;

const encoder = new TextEncoder();
let delays: number[] = [];
let last = performance.now();

setInterval(() => {
  const now = performance.now();
  delays.push(Math.max(0, now - last - TICK_MS));
  last = now;
}, TICK_MS);

setInterval(() => {
  const sorted = delays.sort((a, b) => a - b);
  delays = [];
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  const { heapUsed, external } = Deno.memoryUsage();
  const sample: OwnSample = {
    heap: heapUsed,
    external,
    delayP50: at(0.5),
    delayP99: at(0.99),
    delayMax: at(1),
  };
  Deno.stdout.writeSync(encoder.encode(`sample ${JSON.stringify(sample)}\n`));
}, SAMPLE_MS);
