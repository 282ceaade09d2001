/**
 * Log lines for people: time, level, subsystem, sentence, then `key=value` fields. One line per
 * event; control characters are escaped, so that nothing a peer sends can forge a line or move the
 * terminal's cursor.
 */

import type { Clock } from "./clock.ts";
import { MAX_LOG_LINE_CHARS } from "./limits.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** Values that a log line may carry beside its sentence. Never a secret. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log under the name of a part of the program. */
  named(subsystem: string): Logger;
}

export interface LoggerOptions {
  readonly clock: Clock;
  /** Lines below this level are dropped. */
  readonly level: LogLevel;
  /** Takes one finished line, without its line feed. */
  readonly write: (line: string) => void;
}

/** A logger that formats lines and hands them to `write`. */
export function createLogger(options: LoggerOptions, subsystem = ""): Logger {
  const lowest = LOG_LEVELS.indexOf(options.level);
  const log = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    if (LOG_LEVELS.indexOf(level) < lowest) return;
    const time = new Date(options.clock.now()).toISOString();
    const name = subsystem === "" ? "" : ` ${subsystem}:`;
    options.write(
      truncate(
        `${time} ${level.toUpperCase().padEnd(5)}${name} ${escapeControls(message)}${
          formatFields(fields)
        }`,
      ),
    );
  };
  return {
    debug: (message, fields) => log("debug", message, fields),
    info: (message, fields) => log("info", message, fields),
    warn: (message, fields) => log("warn", message, fields),
    error: (message, fields) => log("error", message, fields),
    named: (name) => createLogger(options, subsystem === "" ? name : `${subsystem}.${name}`),
  };
}

/** A logger that drops everything. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  named: () => silentLogger,
};

function formatFields(fields: LogFields): string {
  let text = "";
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    const plain = escapeControls(String(value));
    text += ` ${key}=${/^[^\s"=]+$/.test(plain) ? plain : JSON.stringify(plain)}`;
  }
  return text;
}

function truncate(line: string): string {
  return line.length <= MAX_LOG_LINE_CHARS ? line : line.slice(0, MAX_LOG_LINE_CHARS - 1) + "…";
}

// C0, DEL and C1 controls, line separators, and the bidirectional controls that reorder what a
// terminal shows.
const UNSAFE_REGEXP =
  // deno-lint-ignore no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Control characters as `\xNN` or `\u{NNNN}`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(escapeControls("a\nb\u001b[2J"), "a\\x0ab\\x1b[2J");
 * ```
 */
export function escapeControls(text: string): string {
  return text.replace(UNSAFE_REGEXP, (char) => {
    const code = char.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}
