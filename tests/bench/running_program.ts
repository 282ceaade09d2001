/** A program under load, on a port of this computer. */

import type { Command } from "./programs.ts";
import { readUsage, type Usage } from "./process_tree.ts";

/** One of them reads the names of all files before it listens. */
const START_MS = 60_000;
const STOP_MS = 3000;
const RETRY_MS = 20;

export interface Launch {
  /** What it is called in errors. */
  readonly name: string;
  /** Its working folder, and where it may leave files. */
  readonly scratch: string;
}

export class RunningProgram {
  readonly #process: Deno.ChildProcess;
  #isRunning = true;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    void process.status.then(() => this.#isRunning = false);
  }

  /** Ended at the end of the scope. What it writes is dropped. */
  static start({ program, args }: Command, { scratch }: Launch): RunningProgram {
    return new RunningProgram(
      new Deno.Command(program, {
        args: [...args],
        cwd: scratch,
        // No proxy of the environment leads to this computer.
        env: { NO_UPDATE_CHECK: "1", XDG_DATA_HOME: scratch, http_proxy: "", HTTP_PROXY: "" },
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn(),
    );
  }

  /** As {@linkcode start}; resolves when it accepts connections. */
  static async listening(
    command: Command,
    { hostname = "127.0.0.1", port, ...launch }: Launch & {
      readonly hostname?: string;
      readonly port: number;
    },
  ): Promise<RunningProgram> {
    const running = RunningProgram.start(command, launch);
    try {
      await running.#accepts(launch.name, { hostname, port });
      return running;
    } catch (error) {
      await running[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** False once it has ended by itself, as some do under load. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  readUsage(): Promise<Usage> {
    return readUsage(this.#process.pid);
  }

  /** Ends it at once, as a crash does. */
  async kill(): Promise<void> {
    if (this.#isRunning) this.#process.kill("SIGKILL");
    await this.#process.status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isRunning) this.#process.kill("SIGTERM");
    const timer = setTimeout(() => {
      if (this.#isRunning) this.#process.kill("SIGKILL");
    }, STOP_MS);
    await this.#process.status;
    clearTimeout(timer);
  }

  async #accepts(name: string, address: Deno.ConnectOptions): Promise<void> {
    const end = performance.now() + START_MS;
    while (this.#isRunning && performance.now() < end) {
      try {
        (await Deno.connect(address)).close();
        return;
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    throw new Error(`Cannot start "${name}": it does not listen on port ${address.port}`);
  }
}
