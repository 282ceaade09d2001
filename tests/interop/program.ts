/** A child process under test: its output is kept, and shown only when something fails. */

/** Enough for the last error and what led to it. */
const MAX_OUTPUT_CHARS = 16_384;

export interface Launch {
  /** What the program is called in reports, such as `original relay`. */
  readonly label: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

/** A started program. Whoever starts it must `kill` it, or `stop` it. */
export class Program {
  readonly label: string;
  readonly pid: number;
  /** Fulfils with the exit code, 128 and more for a signal, once the process is gone. */
  readonly exited: Promise<number>;
  #output = "";
  #running = true;
  readonly #process: Deno.ChildProcess;

  constructor(launch: Launch) {
    this.label = launch.label;
    this.#process = new Deno.Command(launch.command, {
      args: [...launch.args],
      cwd: launch.cwd,
      env: { RUST_LOG: "warn", NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#process.pid;
    this.exited = this.#watch();
  }

  get running(): boolean {
    return this.#running;
  }

  /** The end of what it wrote to standard output and error. */
  get output(): string {
    return this.#output;
  }

  /** Ends it at once, as a crash or a power cut does. */
  async kill(): Promise<void> {
    await this.stop("SIGKILL");
  }

  /** Sends the signal and waits for the exit code. Harmless when the process is gone. */
  stop(signal: Deno.Signal): Promise<number> {
    if (this.#running) this.#process.kill(signal);
    return this.exited;
  }

  async #watch(): Promise<number> {
    const [status] = await Promise.all([
      this.#process.status.then((status) => {
        this.#running = false;
        return status;
      }),
      this.#collect(this.#process.stdout),
      this.#collect(this.#process.stderr),
    ]);
    return status.code;
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.#output = (this.#output + text).slice(-MAX_OUTPUT_CHARS);
    }
  }
}
