/** From the server's command line to what it is to do. */

import { ConfigError } from "../base/errors.ts";
import {
  type ConfigFiles,
  findConfigFile,
  noConfigFile,
  placesOf,
} from "../config/config_files.ts";
import { readFlags } from "../config/flags.ts";
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
  | { readonly kind: "generate-key" }
  /** `--auto-gen-key`: write a configuration file with a new key at `path`, then load again. */
  | { readonly kind: "write-key"; readonly path: string }
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
  if (isSwitchedOn(line, "generateKey")) return { kind: "generate-key" };
  const options = { program: SERVER_PROGRAM, config: line.givens.get("config") };
  const file = await findConfigFile(files, options);
  if (file === undefined) {
    const [path] = placesOf(options);
    if (isSwitchedOn(line, "autoGenKey") && path !== undefined) return { kind: "write-key", path };
    if (options.config !== undefined || !line.givens.has("apiKeyFile")) {
      const hint = "Run ptth_server --auto-gen-key to have one written, or name it by --config";
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
