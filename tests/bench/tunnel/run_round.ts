/** One round: all contestants at work, and every row of each. */

import type { Cell } from "../cells.ts";
import { loadByWrk } from "../loads.ts";
import { measureCell } from "../measure_cell.ts";
import { isInstalled } from "../programs.ts";
import type { Contestant, Link, Origin } from "./contestant.ts";
import { createDirectLink } from "./links.ts";
import { startOrigin } from "./origins.ts";
import type { Row } from "./row.ts";
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
  await using origin = await startOrigin(options.root, scratch);
  await using turns = new AsyncDisposableStack();
  const stalls = entrants.map((entrant) =>
    turns.use(new Stall(entrant.contestant, origin, options.scratch))
  );
  for (const row of rows) {
    for (const [at, { cells }] of entrants.entries()) {
      const stall = stalls[at];
      if (stall !== undefined) cells.set(row.id, await measure(row, { cells, stall, options }));
    }
    await options.say(`  ${row.name}`);
  }
}

interface Turn {
  readonly cells: Map<string, Cell>;
  readonly stall: Stall;
  readonly options: RoundOptions;
}

function measure(
  row: Row,
  { cells, stall, options: { seconds, uploadFile } }: Turn,
): Promise<Cell> {
  return measureCell(cells.get(row.id), {
    tool: row.tool,
    isRunning: () => stall.isRunning,
    measure: async () =>
      await row.measure({
        tunnel: await stall.open(),
        seconds,
        uploadFile,
        startOther: (link) => stall.start(link),
        valueOf: (id) => {
          const cell = cells.get(id);
          return cell?.kind === "measured" ? cell.values.at(-1) : undefined;
        },
      }),
  });
}

/** Where a contestant is at work; one that has ended by itself is started anew. */
class Stall implements AsyncDisposable {
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
    if (this.#tunnel?.isRunning === true) return this.#tunnel;
    await this.#tunnel?.[Symbol.asyncDispose]();
    this.#tunnel = undefined;
    this.#tunnel = await this.start(createDirectLink("127.0.0.1"));
    await warmUp(this.#tunnel);
    return this.#tunnel;
  }

  /** One that is the caller's to end. */
  async start(link: Link): Promise<RunningTunnel> {
    const scratch = await Deno.makeTempDir({ dir: this.#scratch });
    return await RunningTunnel.start(this.#contestant, { origin: this.#origin, link, scratch });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tunnel?.[Symbol.asyncDispose]();
  }
}

/** What compiles its code as it runs is slower at first; the rows are about what comes after. */
async function warmUp(tunnel: RunningTunnel): Promise<void> {
  if (!await isInstalled("wrk")) return;
  // What cannot be loaded like this says so in its rows.
  await loadByWrk(tunnel.url(`/${SAMPLES.small}`), { connections: 8, seconds: 1 }).catch(() => {});
}
