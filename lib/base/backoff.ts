/** How long a server waits before it tries its relay again. */

/** While an outage is young: most are a restart. Never less, so that no fault makes a tight loop. */
const SHORTEST_MS = 250;
/** A server is to be back within 2 s of its relay, or of the network in between. */
const LONGEST_MS = 1_500;
/** Of the outage so far: what a server is away for is hardly longer than its relay was. */
const PART = 1 / 4;

/** An outage that nobody is at work on any more. */
const LONG_OUTAGE_MS = 3_600_000;
const LONG_OUTAGE_RETRY_MS = 30_000;

/**
 * The pause before the next try, in milliseconds. It grows with the outage, so that a relay of a
 * thousand servers, which have all lost it at once, is not overrun by them when it comes back.
 * `random` (0 to 1) spreads their tries.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(toRetryDelay(0, 1), 250);
 * assertEquals(toRetryDelay(4_000, 0), 500);
 * ```
 */
export function toRetryDelay(outageMs: number, random: number): number {
  const longest = outageMs < LONG_OUTAGE_MS
    ? Math.min(Math.max(outageMs * PART, SHORTEST_MS), LONGEST_MS)
    : LONG_OUTAGE_RETRY_MS;
  return spread(longest, random);
}

/** From half of `ms` to all of it, as `random` (0 to 1) has it. */
export function spread(ms: number, random: number): number {
  return ms * (0.5 + random / 2);
}
