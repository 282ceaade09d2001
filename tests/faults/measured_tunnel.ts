/** What is measured of a tunnel while it is hurt, and what has come of it in the end. */

import { readResidentBytes } from "../interop/process_facts.ts";
import { countHandles } from "../support/handle_count.ts";
import type { RestartableTunnel, TunnelProgram } from "../support/restartable_tunnel.ts";
import type { Traffic } from "../support/traffic.ts";
import { findTrafficViolations } from "../support/traffic_verdict.ts";
import type { FaultsResult } from "./report.ts";

/** More than what any idle connection is kept for. */
const QUIET_MS = 15_000;

export class MeasuredTunnel {
  readonly tunnel: RestartableTunnel;
  readonly traffic: Traffic;
  readonly #times = new Map<string, number[]>();
  readonly #remarks: string[] = [];

  constructor(tunnel: RestartableTunnel, traffic: Traffic) {
    this.tunnel = tunnel;
    this.traffic = traffic;
  }

  /** Notes a time. */
  add(what: string, ms: number): void {
    const times = this.#times.get(what) ?? [];
    times.push(ms);
    this.#times.set(what, times);
  }

  remark(sentence: string): void {
    this.#remarks.push(sentence);
  }

  /** Memory and handles of a program. */
  async readFootprint(program: TunnelProgram): Promise<string> {
    const { pid } = this.tunnel.program(program);
    const mib = await readResidentBytes(pid) / 2 ** 20;
    return `${mib.toFixed(0)} MiB, ${await countHandles(pid)} handles`;
  }

  /** Ends the traffic; with `isQuiet` waits until idle connections are closed. */
  async end(
    { name, seed, footprintsBefore }: Pick<FaultsResult, "name" | "seed"> & {
      readonly footprintsBefore?: ReadonlyMap<TunnelProgram, string>;
    },
  ): Promise<FaultsResult> {
    await this.traffic.stop();
    if (footprintsBefore !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      for (const [program, before] of footprintsBefore) {
        this.remark(`${program}: before ${before}; after ${await this.readFootprint(program)}`);
      }
    }
    const notes = await this.tunnel.readNotes();
    return {
      name,
      seed,
      report: this.traffic.report(),
      violations: findTrafficViolations(this.traffic, notes),
      times: this.#times,
      repeatedReads: notes.deliveries.repeatedReads,
      remarks: this.#remarks,
    };
  }
}
