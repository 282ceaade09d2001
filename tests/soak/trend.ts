/** Whether something grows over time, however much it goes up and down. Pure. */

export interface Point {
  /** Seconds. */
  readonly at: number;
  readonly value: number;
}

export interface Trend {
  /** The median of the values that were looked at. */
  readonly median: number;
  /** By how much they grow from the first to the last, by the slope that fits them best. */
  readonly growth: number;
}

export interface TrendBound {
  /** Growth that is none, as a share of the median … */
  readonly share: number;
  /** … or, where that is more, in the value's own unit. */
  readonly atLeast: number;
}

/** The part of a run that is over before anything is looked at: caches fill, code is compiled. */
const WARM_UP_SHARE = 1 / 3;

/**
 * Points of which the lowest stands for all: garbage that is not collected yet is no growth, and the
 * old generation is collected every two minutes under this load.
 */
const GROUP_SECONDS = 150;

/**
 * The trend behind the warm-up, by Theil and Sen: the median of the slopes between any two points,
 * which single steps and peaks do not move. Undefined for fewer than three groups of points.
 */
export function findTrend(points: readonly Point[]): Trend | undefined {
  const end = points.at(-1)?.at ?? 0;
  const groups = lowest(points.filter(({ at }) => at >= end * WARM_UP_SHARE));
  const [first, last] = [groups[0], groups.at(-1)];
  if (groups.length < 3 || first === undefined || last === undefined) return undefined;
  const slopes = groups.flatMap((a, i) =>
    groups.slice(i + 1).map((b) => (b.value - a.value) / (b.at - a.at))
  );
  return {
    median: median(groups.map(({ value }) => value)),
    growth: median(slopes) * (last.at - first.at),
  };
}

/** Whether it grows by more than is let pass. */
export function isGrowing({ median, growth }: Trend, { share, atLeast }: TrendBound): boolean {
  return growth > Math.max(atLeast, share * median);
}

function lowest(points: readonly Point[]): readonly Point[] {
  const groups = new Map<number, Point>();
  for (const point of points) {
    const group = Math.floor(point.at / GROUP_SECONDS);
    const known = groups.get(group);
    if (known === undefined || point.value < known.value) groups.set(group, point);
  }
  return [...groups.values()];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}
