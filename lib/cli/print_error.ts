/** A configuration error as a user reads it. */

import type { ConfigError } from "../base/errors.ts";
import { escapeControls } from "../base/log.ts";

/**
 * `PROGRAM: FILE:LINE:COLUMN: message`, as compilers write it, and a line with the hint if there is
 * one. Ends in a line feed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ConfigError } from "../base/errors.ts";
 * const error = new ConfigError("Unknown key \"prot\"", {
 *   file: "relay.toml",
 *   line: 3,
 *   column: 1,
 *   hint: "Did you mean \"port\"?",
 * });
 * assertEquals(
 *   formatConfigError("ptth_relay", error),
 *   "ptth_relay: relay.toml:3:1: Unknown key \"prot\"\nhint: Did you mean \"port\"?\n",
 * );
 * ```
 */
export function formatConfigError(program: string, error: ConfigError): string {
  const { file, line, column, hint } = error.place;
  const place = [file, line, column].filter((part) => part !== undefined).join(":");
  const parts = [program, place, error.message].filter((part) => part !== "");
  const text = `${escapeControls(parts.join(": "))}\n`;
  return hint === undefined ? text : `${text}hint: ${escapeControls(hint)}\n`;
}
