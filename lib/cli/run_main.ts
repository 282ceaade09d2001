/**
 * The frame around a program: arguments in, exit code out, signals, and errors as one line with a
 * hint. The only place that ends the process.
 */

import { systemClock } from "../base/clock.ts";
import { ConfigError, toMessage } from "../base/errors.ts";
import { DRAIN_TIMEOUT_MS } from "../base/limits.ts";
import { createLogger, escapeControls, type Logger, type LogLevel } from "../base/log.ts";
import type { Program } from "../config/program.ts";
import { formatConfigError } from "./print_error.ts";
import { formatHelp } from "./usage.ts";
import { VERSION } from "./version.ts";

/** Stopped on request, or done. */
const EXIT_OK = 0;
/** Failed while running. */
const EXIT_FAILED = 1;
/** Wrong usage or configuration. */
const EXIT_USAGE = 2;

const utf8 = new TextEncoder();

/** What a program gets from the frame. */
export interface ProgramContext {
  readonly args: readonly string[];
  /** Aborts at the first Ctrl+C or SIGTERM. The second one ends the process at once. */
  readonly stopping: AbortSignal;
}

/** Runs a program to its end, and the process with it. */
export async function runMain(
  program: Program,
  run: (context: ProgramContext) => Promise<void>,
): Promise<never> {
  const stopping = new AbortController();
  const onSignal = (): void => {
    if (stopping.signal.aborted) Deno.exit(EXIT_FAILED);
    stopping.abort();
  };
  for (const name of ["SIGINT", "SIGTERM"] as const) addSignalListener(name, onSignal);
  try {
    await run({ args: Deno.args, stopping: stopping.signal });
    Deno.exit(EXIT_OK);
  } catch (error) {
    if (error instanceof ConfigError) {
      writeAll(Deno.stderr, formatConfigError(program.name, error));
      Deno.exit(EXIT_USAGE);
    }
    writeAll(Deno.stderr, `${program.name}: ${escapeControls(toMessage(error))}\n`);
    Deno.exit(EXIT_FAILED);
  }
}

/** Listens for a signal, where this system has it. */
export function addSignalListener(name: Deno.Signal, listener: () => void): void {
  try {
    Deno.addSignalListener(name, listener);
  } catch {
    // Windows knows only some of them.
  }
}

/** Prints on standard output: what the user asked for, and nothing else. */
export function print(text: string): void {
  writeAll(Deno.stdout, text);
}

/** Prints on standard error, for people. */
export function printError(text: string): void {
  writeAll(Deno.stderr, text);
}

export function printHelp(program: Program): void {
  print(formatHelp(program));
}

export function printVersion(program: Program): void {
  print(`${program.name} ${VERSION}\n`);
}

/** The log of a program, on standard error; `beforeLine` is called before each line. */
export function createConsoleLog(level: LogLevel, beforeLine: () => void = () => {}): Logger {
  return createLogger({
    clock: systemClock,
    level,
    write: (line) => {
      beforeLine();
      writeAll(Deno.stderr, `${line}\n`);
    },
  });
}

/** A signal for the end of a graceful stop's patience; clear it when the stop is over. */
export function drainDeadline(): { readonly signal: AbortSignal; readonly clear: () => void } {
  const deadline = new AbortController();
  const timer = systemClock.after(DRAIN_TIMEOUT_MS, () => deadline.abort());
  return { signal: deadline.signal, clear: () => systemClock.clear(timer) };
}

/** Synchronous, so that lines keep their order and the last one is out before the process ends. */
function writeAll(
  output: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  const bytes = utf8.encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += output.writeSync(bytes.subarray(at));
  } catch {
    // The reader of a pipe is gone; there is nobody left to tell.
  }
}
