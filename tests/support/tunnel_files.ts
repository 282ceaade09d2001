/** Configuration files of a relay and of its one server, as processes. */

import { toTripcode } from "../../lib/auth/tripcode.ts";
import { CA_FILE } from "./tls_files.ts";

const KEY = "OpticalKangarooVintageHarmonicaDrizzleSpatulaMorning";

/** Of the server. */
export const SERVER_NAME = "home";

/** One `[[origins]]` table. */
export interface OriginTable {
  readonly url: string;
  readonly path?: string;
  readonly hostHeader?: string;
}

export interface RelayFile {
  readonly host?: string;
  /** 0 for a free one. */
  readonly port?: number;
  readonly hostSuffix?: string;
}

/** It trusts proxies on this computer. */
export function toRelayFile(
  { host = "127.0.0.1", port = 0, hostSuffix = "relay.localhost" }: RelayFile = {},
): string {
  return `
host = "${host}"
port = ${port}
admin_port = false
host_suffix = "${hostSuffix}"
trusted_proxies = ["127.0.0.1"]
[[servers]]
name = "${SERVER_NAME}"
tripcode = "${toTripcode(KEY)}"
`;
}

export interface ServerFile {
  readonly relayUrl: string;
  readonly origins: readonly OriginTable[];
  /** Served below /files/; without one no files are. */
  readonly folder?: string | undefined;
}

export function toServerFile({ relayUrl, origins, folder }: ServerFile): string {
  const tables = origins.map(({ url, path = "/", hostHeader = "preserve" }) =>
    `[[origins]]\npath = "${path}"\nurl = "${url}"\nhost_header = "${hostHeader}"\n`
  );
  const keys = {
    name: SERVER_NAME,
    api_key: KEY,
    relay_url: relayUrl,
    ca_file: CA_FILE,
    ...folder === undefined ? {} : { file_server_root: folder },
  };
  const lines = Object.entries(keys).map(([key, value]) => `${key} = "${value}"\n`);
  return [...lines, ...tables].join("");
}
