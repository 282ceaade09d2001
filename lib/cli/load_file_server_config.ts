/** From the file server's command line to what it is to do. */

import { decodeFileServerConfig, type FileServerConfig } from "../config/file_server_config.ts";
import { FILE_SERVER_OPTIONS } from "../config/file_server_options.ts";
import { readFlags } from "../config/flags.ts";
import { isSwitchedOn } from "./switches.ts";

export type LoadedFileServer =
  | { readonly kind: "help" }
  | { readonly kind: "version" }
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
  return { kind: "run", config: decodeFileServerConfig(line) };
}
