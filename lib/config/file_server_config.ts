/** The file server's configuration, from its command line. */

import { ConfigError } from "../base/errors.ts";
import { FILE_SERVER_OPTIONS } from "./file_server_options.ts";
import type { CommandLine } from "./flags.ts";
import { resolveOptions } from "./given.ts";
import { type FolderSettings, toFolderSettings } from "./folder_options.ts";
import type { OptionValues } from "./option.ts";

export interface FileServerConfig extends
  Pick<
    OptionValues<typeof FILE_SERVER_OPTIONS>,
    | "host"
    | "port"
    | "root"
    | "accessLog"
    | "maxConnections"
    | "maxConnectionsPerAddress"
    | "qr"
    | "open"
    | "logLevel"
  > {
  /** Host names accepted beside those of the computer itself. */
  readonly allowedHosts: readonly string[];
  readonly folder: FolderSettings;
  /** Begins and ends with `/`. */
  readonly basePath: string;
  /** The file of users; null where everybody is let in. */
  readonly authFile: string | null;
  /** The files for https; null for http. */
  readonly tls: TlsPaths | null;
}

export interface TlsPaths {
  readonly cert: string;
  readonly key: string;
}

/** @throws {ConfigError} where the folder is given in two ways, or two are, or half of TLS is. */
export function decodeFileServerConfig({ givens, positionals }: CommandLine): FileServerConfig {
  const { values } = resolveOptions(FILE_SERVER_OPTIONS, [givens]);
  const { host, port, allowHost, accessLog, qr, open, logLevel } = values;
  const { maxConnections, maxConnectionsPerAddress } = values;
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
    accessLog,
    maxConnections,
    maxConnectionsPerAddress,
    qr,
    open,
    logLevel,
    allowedHosts: allowHost,
    folder: toFolderSettings(values),
    basePath: toBasePath(values.basePath),
    authFile: values.authFile ?? null,
    tls: toTlsPaths(values),
  };
}

/** `shared`, `/shared` and `/shared/` are the same. */
function toBasePath(text: string): string {
  const names = text.replace(/^\/|\/$/g, "");
  return names === "" ? "/" : `/${names}/`;
}

function toTlsPaths(
  { tlsCert, tlsKey }: {
    readonly tlsCert: string | undefined;
    readonly tlsKey: string | undefined;
  },
): TlsPaths | null {
  if (tlsCert !== undefined && tlsKey !== undefined) return { cert: tlsCert, key: tlsKey };
  if (tlsCert === undefined && tlsKey === undefined) return null;
  const [given, missing] = tlsKey === undefined ? ["cert", "key"] : ["key", "cert"];
  throw new ConfigError(`Cannot use option "--tls-${given}" alone`, {
    hint: `Give --tls-${missing} too`,
  });
}
