/** How long a server waits before it tries its relay again. */

const PHASES: readonly { readonly untilMs: number; readonly delayMs: number }[] = [
  { untilMs: 5_000, delayMs: 250 },
  { untilMs: 3_600_000, delayMs: 1_000 },
  { untilMs: Infinity, delayMs: 30_000 },
];

/**
 * The pause before the next try, in milliseconds: short while an outage is young, since most are a
 * restart; never zero, so that no fault makes a tight loop; and soon longer, since a thousand servers
 * that all look four times a second are a flood. `random` (0 to 1) spreads the tries of
 * many servers over half of it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(toRetryDelay(0, 1), 250);
 * assertEquals(toRetryDelay(5_000, 0), 500);
 * ```
 */
export function toRetryDelay(outageMs: number, random: number): number {
  const { delayMs = 0 } = PHASES.find(({ untilMs }) => outageMs < untilMs) ?? {};
  return delayMs * (0.5 + random / 2);
}
