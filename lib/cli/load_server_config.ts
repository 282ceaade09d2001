/** From the server's command line to what it is to do. */

import { ConfigError } from "../base/errors.ts";
import {
  type ConfigFiles,
  findConfigFile,
  noConfigFile,
  placesOf,
} from "../config/config_files.ts";
import { type CommandLine, readFlags } from "../config/flags.ts";
import { resolveOptions } from "../config/given.ts";
import {
  decodeServerSettings,
  type KeySource,
  parseKeyFile,
  type ServerConfig,
  toServerConfig,
} from "../config/server_config.ts";
import { SERVER_OPTIONS, SERVER_PROGRAM } from "../config/server_options.ts";
import { isSwitchedOn, refuseArguments } from "./switches.ts";

export type LoadedServer =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  /** Write a configuration file with a new key, and no more. */
  | ({ readonly kind: "generate-key" } & NewConfig)
  /** `--auto-gen-key`: the same where there is none, then load again. */
  | ({ readonly kind: "auto-gen-key" } & NewConfig)
  | {
    readonly kind: "print-tripcode";
    /** The secret whose tripcode is wanted. */
    readonly apiKey: string;
    readonly name: string | undefined;
  }
  | {
    readonly kind: "run";
    readonly config: ServerConfig;
    readonly warnings: readonly string[];
  };

/** A configuration file that is to be written. */
export interface NewConfig {
  readonly path: string;
  /** What the command line says for the file, if anything. */
  readonly name: string | undefined;
  readonly relayUrl: string | undefined;
}

/**
 * What `args` ask for; where that is to run, with the configuration.
 *
 * @throws {ConfigError}
 */
export async function loadServerConfig(
  args: readonly string[],
  files: ConfigFiles,
): Promise<LoadedServer> {
  const line = readFlags(args, SERVER_OPTIONS);
  refuseArguments(line);
  if (isSwitchedOn(line, "help")) return { kind: "help" };
  if (isSwitchedOn(line, "version")) return { kind: "version" };
  const options = { program: SERVER_PROGRAM, config: line.givens.get("config") };
  if (isSwitchedOn(line, "generateKey")) {
    return { kind: "generate-key", ...toNewConfig(line, options) };
  }
  const file = await findConfigFile(files, options);
  if (file === undefined) {
    if (isSwitchedOn(line, "autoGenKey")) {
      return { kind: "auto-gen-key", ...toNewConfig(line, options) };
    }
    if (options.config !== undefined || !line.givens.has("apiKeyFile")) {
      const hint = "Run ptth_server --generate-key to have one written, or name it by --config";
      throw noConfigFile(files, { ...options, hint });
    }
  }
  const settings = decodeServerSettings(file, line.givens);
  const apiKey = await readKey(settings.keySource, files);
  if (isSwitchedOn(line, "printTripcode")) {
    return { kind: "print-tripcode", apiKey, name: settings.values.name };
  }
  return { kind: "run", config: toServerConfig(settings, apiKey), warnings: settings.warnings };
}

function toNewConfig(line: CommandLine, options: Parameters<typeof placesOf>[0]): NewConfig {
  const { name, relayUrl } = resolveOptions(SERVER_OPTIONS, [line.givens]).values;
  const [path = ""] = placesOf(options);
  return { path, name, relayUrl };
}

/** Errors name the option, not its value: somebody may have put the key itself there. */
async function readKey(source: KeySource, files: ConfigFiles): Promise<string> {
  if (source.kind === "key") return source.apiKey;
  const { label, place } = source.given;
  const file = await files.read(source.path).catch(() => {
    // The adapter's error names the path.
    throw new ConfigError(`Cannot use ${label}: the file cannot be read`, place);
  });
  if (file === undefined) {
    throw new ConfigError(`Cannot use ${label}: there is no such file`, place);
  }
  return parseKeyFile(file.text, source.given);
}
