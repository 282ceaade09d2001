/** A contestant at work: its programs on both sides, as one. */

import { probe } from "../loads.ts";
import { addUsage, type Usage } from "../process_tree.ts";
import { withPrefix } from "../programs.ts";
import { RunningProgram } from "../running_program.ts";
import type { Contestant, Place, Plan } from "./contestant.ts";
import { SAMPLES } from "./sample_files.ts";

/** For the first answer after the start. */
const START_MS = 30_000;
const RETRY_MS = 20;

export class RunningTunnel implements AsyncDisposable {
  readonly #name: string;
  readonly #plan: Plan;
  readonly #place: Place;
  readonly #servers: RunningProgram[] = [];
  #relay: RunningProgram | undefined;

  /** Starts nothing yet. Whatever is started ends at the end of the scope. */
  constructor(name: string, plan: Plan, place: Place) {
    this.#name = name;
    this.#plan = plan;
    this.#place = place;
  }

  /** Resolves when the first visitor has been served. Ended at the end of the scope. */
  static async start({ name, toPlan }: Contestant, place: Place): Promise<RunningTunnel> {
    const tunnel = new RunningTunnel(name, await toPlan(place), place);
    try {
      await tunnel.startRelay();
      tunnel.startServers();
      await tunnel.untilServed(START_MS);
      return tunnel;
    } catch (error) {
      await tunnel[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The address of a file whose path begins with a slash. */
  url(path: string): string {
    return this.#plan.files + path;
  }

  /**
   * The address of something in the application, its path with a slash at the beginning.
   *
   * @throws {Error} where it is not published
   */
  applicationUrl(path: string): string {
    const { application } = this.#plan;
    if (application === undefined) throw new Error("it publishes no application");
    return application + path;
  }

  /** True where there are programs on both sides: a tunnel, not a hop. */
  get hasServer(): boolean {
    return this.#servers.length > 0;
  }

  /** False once a program of it has ended by itself. */
  get isRunning(): boolean {
    return this.#programs.every(({ isRunning }) => isRunning);
  }

  /** Whether a visitor is served within a short time. */
  async isServing(): Promise<boolean> {
    return this.isRunning && await probe(this.url(`/${SAMPLES.tiny}`));
  }

  get pids(): readonly number[] {
    return this.#programs.map(({ pid }) => pid);
  }

  /** Of all its programs together; undefined where it has none. */
  async readUsage(): Promise<Usage | undefined> {
    const usages = await Promise.all(this.#programs.map((program) => program.readUsage()));
    return usages.length === 0 ? undefined : usages.reduce(addUsage);
  }

  /** Of what stands on the public side alone; undefined where nothing does. */
  async readRelayUsage(): Promise<Usage | undefined> {
    return await this.#relay?.readUsage();
  }

  /** Ends the public side as a crash does. */
  async killRelay(): Promise<void> {
    await this.#relay?.kill();
  }

  /** Starts the public side, if there is one; resolves when it listens. */
  async startRelay(): Promise<void> {
    const { relay } = this.#plan;
    if (relay === undefined) return;
    const hostname = this.#place.link.publicHost;
    const listening = { ...this.#launch, hostname, port: relay.port };
    this.#relay = await RunningProgram.listening(relay, listening);
  }

  /** Starts the private side; that it is connected, only visitors see. */
  startServers(): void {
    const { privatePrefix } = this.#place.link;
    for (const server of this.#plan.servers) {
      this.#servers.push(RunningProgram.start(withPrefix(privatePrefix, server), this.#launch));
    }
  }

  /**
   * Resolves when a visitor is served.
   *
   * @throws {Error} where nobody is within the time, or a program has ended
   */
  async untilServed(timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (!await this.isServing()) {
      if (!this.isRunning) throw new Error("it ended by itself");
      if (performance.now() > end) throw new Error(`it served nobody within ${timeoutMs / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#programs.map((program) => program[Symbol.asyncDispose]()));
  }

  get #programs(): readonly RunningProgram[] {
    return this.#relay === undefined ? this.#servers : [this.#relay, ...this.#servers];
  }

  get #launch(): { readonly name: string; readonly scratch: string } {
    return { name: this.#name, scratch: this.#place.scratch };
  }
}
