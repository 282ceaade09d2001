/** The file server's configuration, from its command line. */

import { ConfigError } from "../base/errors.ts";
import { FILE_SERVER_OPTIONS } from "./file_server_options.ts";
import type { CommandLine } from "./flags.ts";
import { resolveOptions } from "./given.ts";
import type { OptionValues } from "./option.ts";

export interface FileServerConfig extends
  Readonly<
    Omit<OptionValues<typeof FILE_SERVER_OPTIONS>, "help" | "version" | "allowHost">
  > {
  /** Host names accepted beside those of the computer itself. */
  readonly allowedHosts: readonly string[];
}

/** @throws {ConfigError} where the folder is given in two ways, or two are. */
export function decodeFileServerConfig({ givens, positionals }: CommandLine): FileServerConfig {
  const { values } = resolveOptions(FILE_SERVER_OPTIONS, [givens]);
  const { allowHost, help: _help, version: _version, ...options } = values;
  const [root, ...more] = positionals;
  if (more.length > 0 || (root !== undefined && givens.has("root"))) {
    throw new ConfigError("Cannot serve more than one folder", {
      hint: "Give one folder, as ROOT or by --root",
    });
  }
  if (root === "") throw new ConfigError("Cannot serve the folder ROOT: its name is empty");
  return { ...options, root: root ?? options.root, allowedHosts: allowHost };
}
