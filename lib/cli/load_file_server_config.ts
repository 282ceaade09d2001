/** From the file server's command line to what it is to do. */

import { ConfigError } from "../base/errors.ts";
import { decodeFileServerConfig, type FileServerConfig } from "../config/file_server_config.ts";
import { FILE_SERVER_OPTIONS, HASH_PASSWORD_COMMAND } from "../config/file_server_options.ts";
import { readFlags } from "../config/flags.ts";
import { isSwitchedOn } from "./switches.ts";

export type LoadedFileServer =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  | { readonly kind: "hash-password" }
  | { readonly kind: "run"; readonly config: FileServerConfig };

/**
 * What `args` ask for; where that is to run, with the configuration.
 *
 * @throws {ConfigError}
 */
export function loadFileServerConfig(args: readonly string[]): LoadedFileServer {
  const line = readFlags(args, FILE_SERVER_OPTIONS);
  if (isSwitchedOn(line, "help")) return { kind: "help" };
  if (isSwitchedOn(line, "version")) return { kind: "version" };
  if (line.positionals[0] === HASH_PASSWORD_COMMAND) {
    if (line.positionals.length === 1 && line.givens.size === 0) return { kind: "hash-password" };
    throw new ConfigError(`The command "${HASH_PASSWORD_COMMAND}" stands alone`, {
      hint:
        `A password comes by standard input; a folder of that name is ./${HASH_PASSWORD_COMMAND}`,
    });
  }
  return { kind: "run", config: decodeFileServerConfig(line) };
}
