/** The file server's configuration, from its command line. */

import { ConfigError } from "../base/errors.ts";
import { FILE_SERVER_OPTIONS } from "./file_server_options.ts";
import type { CommandLine } from "./flags.ts";
import { resolveOptions } from "./given.ts";
import { type FolderSettings, toFolderSettings } from "./folder_options.ts";
import type { OptionValues } from "./option.ts";

export interface FileServerConfig
  extends Pick<OptionValues<typeof FILE_SERVER_OPTIONS>, "host" | "port" | "root" | "logLevel"> {
  /** Host names accepted beside those of the computer itself. */
  readonly allowedHosts: readonly string[];
  readonly folder: FolderSettings;
}

/** @throws {ConfigError} where the folder is given in two ways, or two are. */
export function decodeFileServerConfig({ givens, positionals }: CommandLine): FileServerConfig {
  const { values } = resolveOptions(FILE_SERVER_OPTIONS, [givens]);
  const { host, port, allowHost, logLevel } = values;
  const [root, ...more] = positionals;
  if (more.length > 0 || (root !== undefined && givens.has("root"))) {
    throw new ConfigError("Cannot serve more than one folder", {
      hint: "Give one folder, as ROOT or by --root",
    });
  }
  if (root === "") throw new ConfigError("Cannot serve the folder ROOT: its name is empty");
  return {
    host,
    port,
    root: root ?? values.root,
    logLevel,
    allowedHosts: allowHost,
    folder: toFolderSettings(values),
  };
}
