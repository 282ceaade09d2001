/** Whether a series of measurements grows. Pure. */

/** A measurement. */
export interface Point {
  /** In minutes. */
  readonly at: number;
  readonly value: number;
}

/** What growth is allowed. */
export interface TrendBound {
  /** Per minute, for ever. */
  readonly perMinute: number;
  /** Growth over the whole series that may be chance. */
  readonly noise: number;
}

export interface Trend {
  /** Per minute. */
  readonly slope: number;
  readonly isTooSteep: boolean;
}

/** What comes before is warming up: code is compiled, caches and pools fill. */
const WARM_UP_PART = 1 / 3;
/** A program that began less long ago is warming up all the time, which looks as a leak does. */
export const MIN_TREND_MINUTES = 3;

/** The slope that half of all pairs of points exceed (Theil and Sen): a few outliers change nothing. */
export function toSlope(points: readonly Point[]): number {
  const slopes: number[] = [];
  for (const [i, one] of points.entries()) {
    for (const other of points.slice(i + 1)) {
      if (other.at > one.at) slopes.push((other.value - one.value) / (other.at - one.at));
    }
  }
  slopes.sort((a, b) => a - b);
  const upper = slopes[Math.floor(slopes.length / 2)] ?? 0;
  const lower = slopes[Math.floor((slopes.length - 1) / 2)] ?? 0;
  return (upper + lower) / 2;
}

/**
 * Judges what comes after warming up; undefined for less than three minutes, which tell nothing.
 * What leaks grows in both halves of that; a single step, up to a level that stays, is in one of
 * them only.
 */
export function findTrend(
  points: readonly Point[],
  { perMinute, noise }: TrendBound,
): Trend | undefined {
  if ((points.at(-1)?.at ?? 0) < MIN_TREND_MINUTES) return undefined;
  const settled = points.slice(Math.ceil(points.length * WARM_UP_PART));
  const middle = Math.floor(settled.length / 2);
  const parts = [settled, settled.slice(0, middle), settled.slice(middle)];
  const slope = Math.min(...parts.map(toSlope));
  const minutes = (settled.at(-1)?.at ?? 0) - (settled[0]?.at ?? 0);
  return { slope, isTooSteep: slope > perMinute && slope * minutes > noise };
}
