/** A contestant at work on a free port of 127.0.0.1. */

import type { Contestant, Place } from "./contestant.ts";
import { readUsage, type Usage } from "./process_tree.ts";

/** One of them reads the names of all files before it listens. */
const START_MS = 60_000;
const STOP_MS = 3000;

export class RunningContestant {
  readonly port: number;
  readonly #process: Deno.ChildProcess;
  #isRunning = true;

  private constructor(process: Deno.ChildProcess, port: number) {
    this.#process = process;
    this.port = port;
    void process.status.then(() => this.#isRunning = false);
  }

  /** Resolves when it accepts connections. */
  static async start(
    contestant: Contestant,
    folders: Omit<Place, "port">,
  ): Promise<RunningContestant> {
    const port = findFreePort();
    const { program, args } = await contestant.toCommand({ ...folders, port });
    const process = new Deno.Command(program, {
      args: [...args],
      cwd: folders.scratch,
      env: { NO_UPDATE_CHECK: "1", XDG_DATA_HOME: folders.scratch },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const running = new RunningContestant(process, port);
    try {
      await running.#accepts(contestant.name);
      return running;
    } catch (error) {
      await running[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The address of a path that begins with a slash. */
  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  /** False once it has ended by itself, as some do under load. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  readUsage(): Promise<Usage> {
    return readUsage(this.#process.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isRunning) this.#process.kill("SIGTERM");
    const timer = setTimeout(() => {
      if (this.#isRunning) this.#process.kill("SIGKILL");
    }, STOP_MS);
    await this.#process.status;
    clearTimeout(timer);
  }

  async #accepts(name: string): Promise<void> {
    const end = performance.now() + START_MS;
    while (this.#isRunning && performance.now() < end) {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port: this.port })).close();
        return;
      } catch (error) {
        if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    throw new Error(`Cannot start "${name}": it does not listen on port ${this.port}`);
  }
}

// Few of them can be told to choose a port and say which.
function findFreePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
