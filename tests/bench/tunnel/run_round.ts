/** One round: all contestants at work, and every row of each. */

import type { Cell } from "../cells.ts";
import { loadByWrk } from "../loads.ts";
import { measureCell } from "../measure_cell.ts";
import { isInstalled } from "../programs.ts";
import type { Contestant, Link, Origin } from "./contestant.ts";
import { createDirectLink, MAIN_HOST } from "./links.ts";
import { startOrigin } from "./origins.ts";
import type { Crowd, Row } from "./row.ts";
import { RunningTunnel } from "./running_tunnel.ts";
import { SAMPLES } from "./sample_files.ts";

export interface Entrant {
  readonly contestant: Contestant;
  /** By the row's id. */
  readonly cells: Map<string, Cell>;
}

export interface RoundOptions {
  /** The folder of the files. */
  readonly root: string;
  /** A folder for whatever the programs write. */
  readonly scratch: string;
  readonly uploadFile: string;
  readonly seconds: number;
  readonly say: (line: string) => Promise<void>;
}

export async function runRound(
  entrants: readonly Entrant[],
  rows: readonly Row[],
  options: RoundOptions,
): Promise<void> {
  const scratch = await Deno.makeTempDir({ dir: options.scratch });
  await using origin = await startOrigin({ root: options.root, scratch, hostname: MAIN_HOST });
  await using turns = new AsyncDisposableStack();
  const stations = entrants.map((entrant) =>
    turns.use(new Station(entrant.contestant, origin, options.scratch))
  );
  for (const row of rows) {
    for (const [at, { cells }] of entrants.entries()) {
      const station = stations[at];
      if (station !== undefined) cells.set(row.id, await measure(row, { cells, station, options }));
    }
    await options.say(`  ${row.name}`);
  }
}

interface Turn {
  readonly cells: Map<string, Cell>;
  readonly station: Station;
  readonly options: RoundOptions;
}

function measure(
  row: Row,
  { cells, station, options: { seconds, root, uploadFile, scratch } }: Turn,
): Promise<Cell> {
  return measureCell(cells.get(row.id), {
    tool: row.tool,
    isRunning: () => station.isRunning,
    measure: async () =>
      await row.measure({
        tunnel: await station.open(),
        seconds,
        uploadFile,
        scratch,
        root,
        startOther: (link, origin) => station.start(link, origin),
        createCrowd: (link, count) => station.createCrowd(link, count),
        valueOf: (id) => {
          const cell = cells.get(id);
          return cell?.kind === "measured" ? cell.values.at(-1) : undefined;
        },
      }),
  });
}

/** Where a contestant is at work; one that no row has left in order is started anew. */
class Station implements AsyncDisposable {
  readonly #contestant: Contestant;
  readonly #origin: Origin;
  readonly #scratch: string;
  #tunnel: RunningTunnel | undefined;

  constructor(contestant: Contestant, origin: Origin, scratch: string) {
    this.#contestant = contestant;
    this.#origin = origin;
    this.#scratch = scratch;
  }

  get isRunning(): boolean {
    return this.#tunnel?.isRunning ?? true;
  }

  async open(): Promise<RunningTunnel> {
    const old = this.#tunnel;
    if (old !== undefined && await old.isServing()) return old;
    this.#tunnel = undefined;
    await old?.[Symbol.asyncDispose]();
    this.#tunnel = await this.#start(createDirectLink(MAIN_HOST), this.#origin);
    await warmUp(this.#tunnel, WARM_UP_SECONDS);
    return this.#tunnel;
  }

  /** One that is the caller's to end. */
  async start(link: Link, origin = this.#origin): Promise<RunningTunnel> {
    const tunnel = await this.#start(link, origin);
    await warmUp(tunnel, OTHERS_WARM_UP_SECONDS);
    return tunnel;
  }

  async #start(link: Link, origin: Origin): Promise<RunningTunnel> {
    const scratch = await Deno.makeTempDir({ dir: this.#scratch });
    return await RunningTunnel.start(this.#contestant, { origin, link, scratch });
  }

  /** Many servers of it, not started yet, that are the caller's to end. */
  async createCrowd(link: Link, count: number): Promise<Crowd> {
    const { name, toCrowdPlan } = this.#contestant;
    if (toCrowdPlan === undefined) throw new Error("it takes a process per server");
    const scratch = await Deno.makeTempDir({ dir: this.#scratch });
    const place = { origin: this.#origin, link, scratch };
    const plan = await toCrowdPlan(place, count);
    return { tunnel: new RunningTunnel(name, plan, place), urls: plan.urls };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tunnel?.[Symbol.asyncDispose]();
  }
}

/** For the tunnel of most rows, and for those of one row, as across a link. */
const WARM_UP_SECONDS = 5;
const OTHERS_WARM_UP_SECONDS = 2;

/** What compiles its code as it runs is slower at first; the rows are about what comes after. */
async function warmUp(tunnel: RunningTunnel, seconds: number): Promise<void> {
  if (!await isInstalled("wrk")) return;
  // What cannot be loaded like this says so in its rows.
  await loadByWrk(tunnel.url(`/${SAMPLES.small}`), { connections: 32, seconds }).catch(() => {});
}
