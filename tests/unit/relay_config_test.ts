import { assertEquals, assertGreater, assertThrows } from "@std/assert";
import { ConfigError } from "../../lib/base/errors.ts";
import { readFlags } from "../../lib/config/flags.ts";
import { decodeRelayConfig, type RelaySettings } from "../../lib/config/relay_config.ts";
import { RELAY_OPTIONS } from "../../lib/config/relay_options.ts";

const TRIPCODE = "A9rPwZyY89Ag4TJjMoyYA2NeGOm99Je6rq1s0rg8PfY=";

function decode(text: string, args: string[] = []): RelaySettings {
  return decodeRelayConfig({ path: "relay.toml", text }, readFlags(args, RELAY_OPTIONS).givens);
}

Deno.test("decodeRelayConfig: an empty file gives the published defaults and one warning", () => {
  assertEquals(decode(""), {
    config: {
      host: "0.0.0.0",
      port: 4000,
      adminHost: "127.0.0.1",
      adminPort: 4001,
      adminPortGiven: false,
      adminHosts: [],
      publicServerList: false,
      debugRoutes: false,
      answerTimeoutMs: undefined,
      reconnectGraceMs: 10_000,
      hostSuffix: undefined,
      upgradeTokens: [],
      trustedProxies: [],
      proxyProtocol: false,
      maxConnections: 10_000,
      maxConnectionsPerAddress: 2_500,
      enableScraperApi: false,
      logLevel: "info",
      servers: [],
      scraperKeys: [],
    },
    warnings: ["No server may connect: there is no [[servers]] table"],
  });
});

Deno.test("decodeRelayConfig reads every key", () => {
  const { config, warnings } = decode(`
host = "::"
port = 80
admin_host = "::1"
admin_port = false
admin_hosts = ["admin.example.com", "192.0.2.1"]
public_server_list = true
debug_routes = true
answer_timeout = 1.5
reconnect_grace = 0
host_suffix = "Relay.Example.com"
upgrade_tokens = ["Spice", "tcp/1"]
trusted_proxies = ["10.0.0.0/8"]
proxy_protocol = true
max_connections = 20000
max_connections_per_address = 1
enable_scraper_api = true
log_level = "debug"
[[servers]]
name = "alpha"
tripcode = "${TRIPCODE}"
display_name = "Alpha ✓"
[[servers]]
name = "a~b"
tripcode = "${TRIPCODE}"
[server_tripcodes]
old = "${TRIPCODE}"
"dot.ted" = "${TRIPCODE}"
[[scraper_keys]]
name = "x"
not_before = "2026-11-01T00:00:00Z"
not_after = 2026-11-20T00:00:00+01:00
hash = "${TRIPCODE}"
[dev_mode]
anything = { goes = true }
`);
  assertEquals(config, {
    host: "::",
    port: 80,
    adminHost: "::1",
    adminPort: false,
    adminPortGiven: true,
    adminHosts: ["admin.example.com", "192.0.2.1"],
    publicServerList: true,
    debugRoutes: true,
    answerTimeoutMs: 1500,
    reconnectGraceMs: 0,
    hostSuffix: "relay.example.com",
    upgradeTokens: ["spice", "tcp/1"],
    trustedProxies: [{ address: "10.0.0.0", prefixLength: 8, family: "ipv4" }],
    proxyProtocol: true,
    maxConnections: 20_000,
    maxConnectionsPerAddress: 1,
    enableScraperApi: true,
    logLevel: "debug",
    servers: [
      { name: "alpha", tripcode: TRIPCODE, displayName: "Alpha ✓" },
      { name: "a~b", tripcode: TRIPCODE, displayName: "a~b" },
      { name: "old", tripcode: TRIPCODE, displayName: "old" },
      { name: "dot.ted", tripcode: TRIPCODE, displayName: "dot.ted" },
    ],
    scraperKeys: [{
      name: "x",
      notBefore: new Date("2026-11-01T00:00:00Z"),
      notAfter: new Date("2026-11-19T23:00:00Z"),
      hash: TRIPCODE,
    }],
  });
  assertEquals(warnings, [
    'Only reachable by path, since a host name cannot hold the name: "a~b", "dot.ted"',
    "The table [dev_mode] has no effect",
  ]);
});

Deno.test("decodeRelayConfig lets options win over the file, and the file over defaults", () => {
  const { config } = decode('port = 1\nhost = "::1"\ntrusted_proxies = ["::1"]', [
    "--port=2",
    "--trusted-proxies=10.0.0.0/8",
  ]);
  assertEquals([config.port, config.host, config.adminHost], [2, "::1", "127.0.0.1"]);
  assertEquals(config.trustedProxies.map(({ address }) => address), ["10.0.0.0"]);
  assertEquals(decode("debug_routes = true", ["--debug-routes=false"]).config.debugRoutes, false);
});

Deno.test("decodeRelayConfig takes trusted_proxies for proxy_protocol from wherever they are", () => {
  const error = assertThrows(() => decode("", ["--proxy-protocol"]), ConfigError);
  assertEquals(
    error.message,
    'Cannot use option "--proxy-protocol": trusted_proxies names no load balancer',
  );
  const { config } = decode('trusted_proxies = ["::1"]', ["--proxy-protocol"]);
  assertEquals(config.proxyProtocol, true);
  const byFlag = decode("proxy_protocol = true", ["--trusted-proxies", "::1"]);
  assertEquals(byFlag.config.trustedProxies.length, 1);
  assertEquals(
    decode("proxy_protocol = true", ["--proxy-protocol=false"]).config.proxyProtocol,
    false,
  );
});

const server = (name: string): string =>
  `[[servers]]\nname = "${name}"\ntripcode = "${TRIPCODE}"\n`;

const scraperKey = (notBefore: string, notAfter: string): string =>
  `[[scraper_keys]]\nname = "x"\nhash = "${TRIPCODE}"\nnot_before = ${notBefore}\nnot_after = ${notAfter}\n`;

const NAME_RULE = '1 to 63 letters, digits and -._~, and neither "." nor ".."';
const TRIPCODE_RULE = "a tripcode, 44 characters of base64 that stand for a key";
const TIME_RULE = "a time with its zone, as 2026-11-01T00:00:00Z";
const TRIPCODE_HINT = "Run ptth_server --print-tripcode beside the server's key";
const SERVER_KEYS = "Known keys: name, tripcode, display_name";

const NO_TRIPCODES = [
  "x",
  TRIPCODE.slice(0, -1),
  // The bits after the last byte are not zero.
  `${TRIPCODE.slice(0, -2)}Z=`,
  // The alphabet of URLs.
  TRIPCODE.replace("P", "-"),
  ` ${TRIPCODE}`,
  btoa("x".repeat(31)),
  btoa("x".repeat(33)),
];

const BAD: [text: string, message: string, line: number, column: number, hint?: string][] = [
  ["\nprot = 1", 'Unknown key "prot"', 2, 1, 'Did you mean "port"?'],
  ['  admin-host = "x"', 'Unknown key "admin-host"', 1, 3, 'Did you mean "admin_host"?'],
  ["[[server]]", 'Unknown key "server"', 1, 3, 'Did you mean "servers"?'],
  ["[scraper_key]", 'Unknown key "scraper_key"', 1, 2, 'Did you mean "scraper_keys"?'],
  [
    `${server("a")}port = 1`,
    "Unknown key",
    4,
    1,
    SERVER_KEYS,
  ],
  [
    `${server("a")}displayname = "x"`,
    'Unknown key "displayname"',
    4,
    1,
    'Did you mean "display_name"?',
  ],
  [
    "port = 70000",
    'Cannot use key "port": must be an integer from 0 to 65535: current value is 70000',
    1,
    1,
  ],
  [
    "port = 1.5",
    'Cannot use key "port": must be an integer from 0 to 65535: current value is 1.5',
    1,
    1,
  ],
  [
    'port = "4000"',
    'Cannot use key "port": must be an integer from 0 to 65535: current value is a string',
    1,
    1,
  ],
  [
    "port = false",
    'Cannot use key "port": must be an integer from 0 to 65535: current value is a boolean',
    1,
    1,
  ],
  [
    "admin_port = true",
    'Cannot use key "admin_port": must be an integer from 0 to 65535, or false: current value is a boolean',
    1,
    1,
  ],
  [
    "port = []",
    'Cannot use key "port": must be an integer from 0 to 65535: current value is a list',
    1,
    1,
  ],
  [
    "[port]",
    'Cannot use key "port": must be an integer from 0 to 65535: current value is a table',
    1,
    2,
  ],
  [
    "debug_routes = 1",
    'Cannot use key "debug_routes": must be true or false: current value is a number',
    1,
    1,
  ],
  ['debug_routes = "true"', 'Cannot use key "debug_routes": must be true or false', 1, 1],
  [
    "answer_timeout = -1",
    'Cannot use key "answer_timeout": must be a number of seconds from 0 to 86400: current value is -1',
    1,
    1,
  ],
  [
    "reconnect_grace = nan",
    'Cannot use key "reconnect_grace": must be a number of seconds from 0 to 86400: current value is NaN',
    1,
    1,
  ],
  ["host = 1", 'Cannot use key "host": must be a string: current value is a number', 1, 1],
  ['host = ""', 'Cannot use key "host": must be a string that is not empty', 1, 1],
  [
    'host = "http://x"',
    'Cannot use key "host": must be a host name or an IP address, without a port',
    1,
    1,
  ],
  [
    'log_level = "loud"',
    'Cannot use key "log_level": must be one of debug, info, warn, error',
    1,
    1,
  ],
  [
    'trusted_proxies = "::1"',
    'Cannot use key "trusted_proxies": must be a list of strings',
    1,
    1,
  ],
  [
    'trusted_proxies = [\n  "::1",\n  "10.0.0/8",\n]',
    'Cannot use key "trusted_proxies": value 2 must be a range of addresses, as 10.0.0.0/8 or fd00::/8, or one address',
    3,
    3,
  ],
  [
    "port = 4000\nadmin_port = 4000",
    'Cannot use key "admin_port": visitors connect to port 4000 already',
    2,
    1,
    "Give admin_port another port, or false for no admin pages",
  ],
  [
    "port = 4000\nproxy_protocol = true",
    'Cannot use key "proxy_protocol": trusted_proxies names no load balancer',
    2,
    1,
    'Name those that send the header, as in trusted_proxies = ["192.0.2.10"]',
  ],
  ["servers = 1", 'Cannot use key "servers": must be written [[servers]]', 1, 1],
  ["servers = [1]", 'Cannot use key "servers": must be written [[servers]]', 1, 12],
  ["[servers]", 'Cannot use key "servers": must be written [[servers]]', 1, 2],
  [
    "[[server_tripcodes]]",
    'Cannot use key "server_tripcodes": must be written [server_tripcodes]',
    1,
    3,
  ],
  ["dev_mode = 1", 'Cannot use key "dev_mode": must be written [dev_mode]', 1, 1],
  [`\n[[servers]]\ntripcode = "${TRIPCODE}"`, 'Cannot use [[servers]]: "name" is missing', 2, 3],
  ['[[servers]]\nname = "a"', 'Cannot use [[servers]]: "tripcode" is missing', 1, 3, TRIPCODE_HINT],
  [server(""), 'Cannot use key "name": must be a string that is not empty', 2, 1],
  [server("a b"), `Cannot use key "name": must be ${NAME_RULE}`, 2, 1],
  [server("a/b"), `Cannot use key "name": must be ${NAME_RULE}`, 2, 1],
  [server("é"), `Cannot use key "name": must be ${NAME_RULE}`, 2, 1],
  [server(".."), `Cannot use key "name": must be ${NAME_RULE}`, 2, 1],
  [server("a".repeat(64)), `Cannot use key "name": must be ${NAME_RULE}`, 2, 1],
  [
    server("a") + server("b") + server("A"),
    'Cannot use server "A": name given twice, first in line 2',
    8,
    1,
  ],
  [
    `${server("a")}[server_tripcodes]\na = "${TRIPCODE}"`,
    'Cannot use server "a": name given twice, first in line 2',
    5,
    1,
  ],
  [
    '[server_tripcodes]\na = "x"',
    `Cannot use key "a": must be ${TRIPCODE_RULE}`,
    2,
    1,
    TRIPCODE_HINT,
  ],
  [
    `[server_tripcodes]\na.b = "${TRIPCODE}"`,
    'Cannot use key "a": must be a string: current value is a table',
    2,
    1,
    TRIPCODE_HINT,
  ],
  [
    `[server_tripcodes]\n"a b" = "${TRIPCODE}"`,
    `Cannot use key "a b": a server's name must be ${NAME_RULE}`,
    2,
    1,
  ],
  ...NO_TRIPCODES.map((tripcode): typeof BAD[number] => [
    `[[servers]]\nname = "a"\ntripcode = "${tripcode}"`,
    `Cannot use key "tripcode": must be ${TRIPCODE_RULE}`,
    3,
    1,
    TRIPCODE_HINT,
  ]),
  [
    scraperKey('"2026-11-01"', '"2026-11-20T00:00:00Z"'),
    `Cannot use key "not_before": must be ${TIME_RULE}`,
    4,
    1,
  ],
  [
    scraperKey("2026-11-01T00:00:00", '"2026-11-20T00:00:00Z"'),
    `Cannot use key "not_before": must be ${TIME_RULE}`,
    4,
    1,
  ],
  [
    scraperKey('"2026-11-01T00:00:00Z"', '"2026-11-31T00:00:00Z"'),
    `Cannot use key "not_after": must be ${TIME_RULE}`,
    5,
    1,
  ],
  [
    scraperKey('"2026-11-20T00:00:00Z"', '"2026-11-20T00:00:00Z"'),
    'Cannot use key "not_after": must be later than not_before',
    5,
    1,
  ],
  ['[[scraper_keys]]\nname = "x"', 'Cannot use [[scraper_keys]]: "not_before" is missing', 1, 3],
  ["port = 1\nport = 2", "Cannot parse TOML: key given twice: first in line 1", 2, 1],
];

Deno.test("decodeRelayConfig refuses every bad sample by name, line and column", () => {
  assertGreater(BAD.length, 40);
  for (const [text, message, line, column, hint] of BAD) {
    const error = assertThrows(() => decode(text), ConfigError, undefined, text);
    assertEquals(error.message, message);
    const { hint: given, ...place } = error.place;
    assertEquals(place, { file: "relay.toml", line, column }, text);
    if (hint !== undefined) assertEquals(given, hint);
  }
});

Deno.test("decodeRelayConfig takes names of all unreserved characters (RFC 3986 §2.3)", () => {
  for (const name of ["a", "A-b_c.d~e", "...", "0", "a".repeat(63)]) {
    assertEquals(decode(server(name)).config.servers.map((each) => each.name), [name]);
  }
});

Deno.test("decodeRelayConfig: the default admin port gives way to a visitors' port of 4001", () => {
  const { config, warnings } = decode(server("a"), ["--port", "4001"]);
  assertEquals([config.port, config.adminPort], [4001, false]);
  assertEquals(warnings, ["No admin pages: their default port 4001 is that of the visitors"]);
  const apart = decode(server("a"), ["--port=4001", "--host=192.0.2.1"]);
  assertEquals([apart.config.adminPort, apart.warnings], [4001, []]);
  assertEquals(decode(server("a"), ["--port=0", "--admin-port=0"]).config.adminPort, 0);
});

Deno.test("decodeRelayConfig warns of a scraper key that the scraper API refuses", () => {
  const times = (days: number): string =>
    scraperKey('"2026-11-01T00:00:00Z"', `"2026-12-0${days}T00:00:00Z"`);
  assertEquals(decode(server("a") + times(1)).warnings, []);
  assertEquals(decode(server("a") + times(2)).warnings, [
    'Scraper key "x" is refused: it is valid for more than 30 days',
  ]);
});
