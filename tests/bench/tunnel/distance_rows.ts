/** Rows with a way between the private and the public side that is long, or loses packets. */

import type { Sample } from "../cells.ts";
import { loadByCurl, loadByWrk } from "../loads.ts";
import { createDelayedLink } from "./links.ts";
import { createLossyLink } from "./lossy_link.ts";
import type { Row, RowContext } from "./row.ts";
import type { RunningTunnel } from "./running_tunnel.ts";
import { SAMPLES } from "./sample_files.ts";

const ROUND_TRIPS_MS = [20, 50, 100];
const LOST_PER_MILLE = [1, 10];

type Measure = (tunnel: RunningTunnel, context: RowContext) => Promise<Sample>;

/** A way between the sides. */
interface Way {
  readonly id: string;
  readonly name: string;
  /** The part of the visits that is compared: what is rare shows in the tail alone. */
  readonly quantile: "p50" | "p99";
  /** Measures on another one of the contestant, whose sides are apart like that. */
  readonly cross: (context: RowContext, measure: Measure) => Promise<Sample>;
}

const LONG_WAYS = ROUND_TRIPS_MS.map((rttMs): Way => ({
  id: `rtt-${rttMs}`,
  name: `A round trip of ${rttMs} ms between the sides`,
  quantile: "p50",
  cross: async (context, measure) => {
    await using way = createDelayedLink(rttMs, context.scratch);
    await using tunnel = await context.startOther(way.link);
    return await measure(tunnel, context);
  },
}));

const LOSSY_WAYS = LOST_PER_MILLE.map((perMille): Way => ({
  id: `loss-${perMille}`,
  name: `${perMille / 10} % of packets lost between the sides`,
  quantile: "p99",
  cross: async (context, measure) => {
    const scratch = await Deno.makeTempDir({ dir: context.scratch });
    await using way = await createLossyLink(perMille, { root: context.root, scratch });
    await using tunnel = await context.startOther(way.link, way.origin);
    return await measure(tunnel, context);
  },
}));

export const DISTANCE_ROWS: readonly Row[] = [...LONG_WAYS, ...LOSSY_WAYS].flatMap((
  { id, name, quantile, cross },
): readonly Row[] => [
  {
    id: `${id}-1k`,
    name: `${name}: 1 KiB, 1 connection, ${quantile}`,
    unit: "ms",
    tool: "wrk",
    command: `wrk -t1 -c1 --latency URL/${SAMPLES.small}`,
    measure: (context) =>
      cross(context, async (tunnel, { seconds }) => {
        const url = tunnel.url(`/${SAMPLES.small}`);
        const { latency: { p50Ms, p99Ms } } = await loadByWrk(url, { connections: 1, seconds });
        return quantile === "p50"
          ? { value: p50Ms, details: { "p99, ms": p99Ms } }
          : { value: p99Ms, details: { "p50, ms": p50Ms } };
      }),
  },
  {
    id: `${id}-64m`,
    name: `${name}: 64 MiB, 1 stream`,
    unit: "MB/s",
    tool: "curl",
    command: `curl -o /dev/null URL/${SAMPLES.long}`,
    measure: (context) => cross(context, measureLong),
  },
]);

async function measureLong(tunnel: RunningTunnel): Promise<Sample> {
  const { bytes, seconds } = await loadByCurl(tunnel.url(`/${SAMPLES.long}`), 1);
  return { value: bytes / 1e6 / seconds };
}
