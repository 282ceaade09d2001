/** The relay's configuration, from its file and its command line. */

import { type Cidr, parseCidr } from "../base/cidr.ts";
import { ConfigError, type ConfigPlace } from "../base/errors.ts";
import { MAX_SCRAPER_KEY_MS } from "../base/limits.ts";
import { isHostLabel } from "./checks.ts";
import { type Givens, resolveOptions } from "./given.ts";
import { type PlacedTable, readKeys, readTable, readTables } from "./keys.ts";
import type { OptionValues } from "./option.ts";
import { RELAY_OPTIONS, SCRAPER_KEY_OPTIONS } from "./relay_options.ts";
import { readServerList, type ServerEntry } from "./server_list.ts";
import { parseToml } from "./toml.ts";

type RelayOptionValues = OptionValues<typeof RELAY_OPTIONS>;

/** Options that appear below in another shape, or that are over once the program runs. */
type Reshaped =
  | "config"
  | "help"
  | "version"
  | "answerTimeout"
  | "reconnectGrace"
  | "hostSuffix"
  | "upgradeTokens"
  | "trustedProxies";

export interface RelayConfig extends Readonly<Omit<RelayOptionValues, Reshaped>> {
  /** False where adminPort is the default: its being taken is then no error. */
  readonly adminPortGiven: boolean;
  /** Silence before an answer begins; 0 for no limit, undefined for each protocol's own default. */
  readonly answerTimeoutMs: number | undefined;
  /** How long a visitor waits for a server that is not connected; 0 not at all. */
  readonly reconnectGraceMs: number;
  /** In lower case; undefined where servers have no hosts of their own. */
  readonly hostSuffix: string | undefined;
  /** In lower case. */
  readonly upgradeTokens: readonly string[];
  readonly trustedProxies: readonly Cidr[];
  /** In the order of the file; the names differ even ignoring case. */
  readonly servers: readonly ServerEntry[];
  readonly scraperKeys: readonly ScraperKey[];
}

export interface ScraperKey extends OptionValues<typeof SCRAPER_KEY_OPTIONS> {}

export interface RelaySettings {
  readonly config: RelayConfig;
  /** Sentences for the log: what is accepted, but probably not meant. */
  readonly warnings: readonly string[];
}

const SECTIONS = ["servers", "server_tripcodes", "scraper_keys", "dev_mode"];

/**
 * Decodes the text of a configuration file; `flags` win over it.
 *
 * @throws {ConfigError}
 */
export function decodeRelayConfig(
  file: { readonly path: string; readonly text: string },
  flags: Givens,
): RelaySettings {
  const root: PlacedTable = {
    table: parseToml(file.text, file.path),
    place: { file: file.path },
  };
  const keys = readKeys(root, { options: RELAY_OPTIONS, sections: SECTIONS });
  const { values, given } = resolveOptions(RELAY_OPTIONS, [keys, flags]);
  const { config: _config, help: _help, version: _version, ...rest } = values;
  const { answerTimeout, reconnectGrace, trustedProxies, hostSuffix, upgradeTokens, ...options } =
    rest;
  const warnings: string[] = [];
  checkProxyProtocol(values, given);
  const config: RelayConfig = {
    ...options,
    adminPort: decideAdminPort(values, given, warnings),
    adminPortGiven: given.has("adminPort"),
    answerTimeoutMs: answerTimeout === undefined ? undefined : answerTimeout * 1000,
    reconnectGraceMs: reconnectGrace * 1000,
    hostSuffix: hostSuffix?.toLowerCase(),
    upgradeTokens: upgradeTokens.map((token) => token.toLowerCase()),
    // Checked as an option already, so that nothing is dropped.
    trustedProxies: trustedProxies.map(parseCidr).filter((range) => range !== undefined),
    servers: readServerList(root),
    scraperKeys: readScraperKeys(root, warnings),
  };
  warnings.push(...warnAboutServers(config));
  if (readTable(root, "dev_mode") !== undefined) {
    warnings.push("The table [dev_mode] has no effect");
  }
  return { config, warnings };
}

/** A header that is taken from nobody would be a mistake, and from everybody a forger's. */
function checkProxyProtocol(
  { proxyProtocol, trustedProxies }: RelayOptionValues,
  given: Givens,
): void {
  if (!proxyProtocol || trustedProxies.length > 0) return;
  const { label, place } = given.get("proxyProtocol") ?? { label: '"proxy_protocol"', place: {} };
  throw new ConfigError(`Cannot use ${label}: trusted_proxies names no load balancer`, {
    ...place,
    hint: 'Name those that send the header, as in trusted_proxies = ["192.0.2.10"]',
  });
}

/** The default gives way to a visitors' port that was asked for; two given ones are an error. */
function decideAdminPort(
  { host, port, adminHost, adminPort }: RelayOptionValues,
  given: Givens,
  warnings: string[],
): number | false {
  const anyHost = ["0.0.0.0", "::"];
  const sameHost = host === adminHost || anyHost.includes(host) || anyHost.includes(adminHost);
  if (adminPort !== port || port === 0 || !sameHost) return adminPort;
  const adminGiven = given.get("adminPort");
  if (adminGiven !== undefined) {
    throw new ConfigError(
      `Cannot use ${adminGiven.label}: visitors connect to port ${port} already`,
      { ...adminGiven.place, hint: "Give admin_port another port, or false for no admin pages" },
    );
  }
  warnings.push(`No admin pages: their default port ${port} is that of the visitors`);
  return false;
}

function readScraperKeys(root: PlacedTable, warnings: string[]): readonly ScraperKey[] {
  return readTables(root, "scraper_keys").map((entry) => {
    const keys = readKeys(entry, { options: SCRAPER_KEY_OPTIONS });
    const { values } = resolveOptions(SCRAPER_KEY_OPTIONS, [keys], {
      label: "[[scraper_keys]]",
      place: entry.place,
    });
    const validMs = values.notAfter.getTime() - values.notBefore.getTime();
    if (validMs <= 0) {
      const place: ConfigPlace = keys.get("notAfter")?.place ?? entry.place;
      throw new ConfigError('Cannot use key "not_after": must be later than not_before', place);
    }
    if (validMs > MAX_SCRAPER_KEY_MS) {
      warnings.push(`Scraper key "${values.name}" is refused: it is valid for more than 30 days`);
    }
    return values;
  });
}

function warnAboutServers({ servers }: RelayConfig): string[] {
  if (servers.length === 0) return ["No server may connect: there is no [[servers]] table"];
  const others = servers.filter(({ name }) => !isHostLabel(name)).map(({ name }) => `"${name}"`);
  if (others.length === 0) return [];
  return [
    `Only reachable by path, since a host name cannot hold the name: ${others.join(", ")}`,
  ];
}
