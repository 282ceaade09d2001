/** A contestant at work on a free port of 127.0.0.1. */

import { findFreePort } from "../../support/outside_port.ts";
import type { Usage } from "../process_tree.ts";
import { RunningProgram } from "../running_program.ts";
import type { Contestant, Place } from "./contestant.ts";

export class RunningContestant {
  readonly port: number;
  readonly #program: RunningProgram;

  private constructor(program: RunningProgram, port: number) {
    this.#program = program;
    this.port = port;
  }

  /** Resolves when it accepts connections. */
  static async start(
    { name, toCommand }: Contestant,
    folders: Omit<Place, "port">,
  ): Promise<RunningContestant> {
    const port = findFreePort();
    const command = await toCommand({ ...folders, port });
    const { scratch } = folders;
    return new RunningContestant(
      await RunningProgram.listening(command, { name, scratch, port }),
      port,
    );
  }

  /** The address of a path that begins with a slash. */
  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** False once it has ended by itself, as some do under load. */
  get isRunning(): boolean {
    return this.#program.isRunning;
  }

  readUsage(): Promise<Usage> {
    return this.#program.readUsage();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#program[Symbol.asyncDispose]();
  }
}
