/** A program as a process of its own; what it prints is shown when something fails. */

/** A guard against a program that hangs: far more than a slow computer needs. */
const GUARD_MS = 30_000;

export interface ChildOptions {
  readonly args?: readonly string[];
  readonly cwd: string;
  /** Beside what this process has. */
  readonly env?: Readonly<Record<string, string>>;
  /** True if the test writes to its standard input; else that is empty. */
  readonly hasInput?: boolean;
}

export class ChildProgram {
  readonly #process: Deno.ChildProcess;
  readonly #ended: Promise<number>;
  #stdout = "";
  #stderr = "";
  #isRunning = true;
  #wake = (): void => {};

  private constructor(command: string, options: ChildOptions) {
    const { args = [], cwd, env, hasInput = false } = options;
    this.#process = new Deno.Command(command, {
      args: [...args],
      cwd,
      env: { NO_COLOR: "1", ...env },
      stdin: hasInput ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#ended = this.#watch();
  }

  static start(command: string, options: ChildOptions): ChildProgram {
    return new ChildProgram(command, options);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** All of it so far. */
  get stdout(): string {
    return this.#stdout;
  }

  /** All of it so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Writes to its standard input, and ends that. */
  async type(text: string): Promise<void> {
    const writer = this.#process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  }

  /** Sends a signal, if it still runs. */
  signal(name: Deno.Signal): void {
    try {
      this.#process.kill(name);
    } catch (error) {
      // It has ended already. (Where one of its own still writes, that is not all.)
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** The first match in what it writes to standard error; fails if it ends without one. */
  async untilStderr(pattern: RegExp): Promise<readonly string[]> {
    return await this.#until(pattern, () => this.#stderr);
  }

  /** As {@linkcode untilStderr}, of standard output. */
  async untilStdout(pattern: RegExp): Promise<readonly string[]> {
    return await this.#until(pattern, () => this.#stdout);
  }

  async #until(pattern: RegExp, read: () => string): Promise<readonly string[]> {
    return await this.#guard(async () => {
      for (;;) {
        const match = pattern.exec(read());
        if (match !== null) return match;
        if (!this.#isRunning) throw new Error(`It ended without writing ${pattern}`);
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    });
  }

  /** The exit code, once it has ended by itself. */
  async untilEnd(): Promise<number> {
    return await this.#guard(() => this.#ended);
  }

  /** Asks it to stop, as a service manager does; the exit code. */
  async stop(): Promise<number> {
    this.signal("SIGTERM");
    return await this.untilEnd();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }

  async #watch(): Promise<number> {
    const [{ code }] = await Promise.all([
      this.#process.status,
      this.#collect(this.#process.stdout, (text) => this.#stdout += text),
      this.#collect(this.#process.stderr, (text) => this.#stderr += text),
    ]);
    this.#isRunning = false;
    this.#wake();
    return code;
  }

  async #collect(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
    take: (text: string) => void,
  ): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      take(text);
      this.#wake();
    }
  }

  async #guard<T>(wait: () => Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`Nothing in ${GUARD_MS} ms`)), GUARD_MS);
    try {
      return await Promise.race([wait(), promise]);
    } catch (cause) {
      throw new Error(`Program failed; it wrote:\n${this.#stdout}${this.#stderr}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }
}
