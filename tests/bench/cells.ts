/** What was measured of one contestant in one row, over all rounds. Pure. */

import type { Load } from "./loads.ts";

/** Of speeds more is better, of all others less. */
export type Unit = "req/s" | "MB/s" | "ms" | "s" | "MiB" | "KiB" | "calls";

/** One measurement. */
export interface Sample {
  /** In the row's unit. */
  readonly value: number;
  /** What else came of it, by what it is and its unit: "p99, ms". */
  readonly details?: Readonly<Record<string, number>>;
}

export type Cell =
  | {
    readonly kind: "measured";
    /** In the row's unit, one per round in which it succeeded. */
    readonly values: readonly number[];
    /** By name, one per value. */
    readonly details: Readonly<Record<string, readonly number[]>>;
    /** Why a round is missing, if one is. */
    readonly failure?: string;
  }
  | { readonly kind: "not measured"; readonly reason: string };

const GIB = 1024 ** 3;

export function isMoreBetter(unit: Unit): boolean {
  return unit === "req/s" || unit === "MB/s";
}

/** The cell with one round more. */
export function addSample(cell: Cell | undefined, { value, details = {} }: Sample): Cell {
  if (cell?.kind !== "measured") {
    const lists = Object.entries(details).map(([name, number]) => [name, [number]]);
    return { kind: "measured", values: [value], details: Object.fromEntries(lists) };
  }
  const lists = Object.entries(details)
    .map(([name, number]) => [name, [...cell.details[name] ?? [], number]]);
  return { ...cell, values: [...cell.values, value], details: Object.fromEntries(lists) };
}

/** The cell after a round that failed: what was measured before stays. */
export function addFailure(cell: Cell | undefined, failure: string): Cell {
  if (cell?.kind !== "measured") return { kind: "not measured", reason: failure };
  return { ...cell, failure };
}

/**
 * What a load was in the row's unit, with what it cost in CPU time of the programs under load;
 * undefined where there are none.
 */
export function toSample(
  unit: "req/s" | "MB/s" | "ms",
  { seconds, requests, bytes, latency }: Load,
  cpuSeconds: number | undefined,
): Sample {
  const delays = latency === undefined
    ? {}
    : { "p50, ms": latency.p50Ms, "p99, ms": latency.p99Ms };
  const cost = cpuSeconds === undefined
    ? {}
    : unit === "MB/s"
    ? { "CPU s/GiB": cpuSeconds / (bytes / GIB) }
    : { "CPU µs/request": cpuSeconds * 1e6 / requests };
  const values = {
    "req/s": requests / seconds,
    "MB/s": bytes / 1e6 / seconds,
    ms: seconds * 1000,
  };
  return { value: values[unit], details: { ...unit === "req/s" ? delays : {}, ...cost } };
}
