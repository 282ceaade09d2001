/** Questions about a command line that has been read. */

import { ConfigError } from "../base/errors.ts";
import type { CommandLine } from "../config/flags.ts";

/** Whether the switch of that declaration is given, and not as `--name=false`. */
export function isSwitchedOn(line: CommandLine, name: string): boolean {
  return line.givens.get(name)?.value === true;
}

/**
 * For a program that takes options alone.
 *
 * @throws {ConfigError} that does not quote the argument: somebody may have tried to pass a key.
 */
export function refuseArguments({ positionals }: CommandLine): void {
  if (positionals.length === 0) return;
  throw new ConfigError("Argument 1 is not an option, and no other argument is expected", {
    hint: "Options begin with --; see --help",
  });
}
