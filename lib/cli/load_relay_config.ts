/** From the relay's command line to what it is to do. */

import { ConfigError } from "../base/errors.ts";
import { type ConfigFiles, findConfigFile, noConfigFile } from "../config/config_files.ts";
import { type CommandLine, readFlags } from "../config/flags.ts";
import { findNearest } from "../config/nearest.ts";
import { decodeRelayConfig, type RelaySettings } from "../config/relay_config.ts";
import { RELAY_OPTIONS, RELAY_PROGRAM } from "../config/relay_options.ts";
import { isSwitchedOn } from "./switches.ts";

export type LoadedRelay =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "command"; readonly name: string }
  | ({ readonly kind: "run" } & FoundSettings);

export interface FoundSettings extends RelaySettings {
  /** The file that they are from. */
  readonly configFile: string;
}

/**
 * What `args` ask for; where that is to run, with the configuration.
 *
 * @throws {ConfigError}
 */
export async function loadRelayConfig(
  args: readonly string[],
  files: ConfigFiles,
): Promise<LoadedRelay> {
  const line = readFlags(args, RELAY_OPTIONS);
  if (isSwitchedOn(line, "help")) return { kind: "help" };
  if (isSwitchedOn(line, "version")) return { kind: "version" };
  const command = readCommand(line);
  if (command !== undefined) return { kind: "command", name: command };
  return { kind: "run", ...await reloadRelayConfig(args, files) };
}

/**
 * Reads the configuration, the first time or again: the same arguments over the file as it is now.
 *
 * @throws {ConfigError} and then a running relay keeps what it has.
 */
export async function reloadRelayConfig(
  args: readonly string[],
  files: ConfigFiles,
): Promise<FoundSettings> {
  const { givens } = readFlags(args, RELAY_OPTIONS);
  const options = { program: RELAY_PROGRAM, config: givens.get("config") };
  const file = await findConfigFile(files, options);
  if (file === undefined) {
    const hint = "Write one with a [[servers]] table, or name it by --config";
    throw noConfigFile(files, { ...options, hint });
  }
  return { ...decodeRelayConfig(file, givens), configFile: file.path };
}

/** Arguments are not quoted in errors: somebody may have tried to pass a key. */
function readCommand({ positionals }: CommandLine): string | undefined {
  const [name, ...more] = positionals;
  if (name === undefined) return undefined;
  const known = RELAY_PROGRAM.commands.map((command) => command.name);
  if (!known.includes(name)) {
    const nearest = findNearest(name, known);
    const hint = nearest === undefined ? `Known commands: ${known.join(", ")}` : undefined;
    throw new ConfigError("Argument 1 is not a command", {
      hint: hint ?? `Did you mean "${nearest}"?`,
    });
  }
  if (more.length > 0) {
    throw new ConfigError(`The command ${name} takes no argument`, {
      hint: "A key is read from standard input: other users can see a command line",
    });
  }
  return name;
}
