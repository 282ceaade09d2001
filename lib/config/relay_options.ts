/** The relay's options and the tables of its configuration file. */

import { MAX_WAIT_SECONDS } from "../base/limits.ts";
import { checkServerName } from "../base/server_name.ts";
import {
  checkCidr,
  checkHost,
  checkHostSuffix,
  checkTripcode,
  checkUpgradeToken,
} from "./checks.ts";
import { COMMON_OPTIONS, CONFIG_OPTION, CONNECTION_OPTIONS } from "./common_options.ts";
import {
  listOption,
  portOption,
  portOrFalseOption,
  requiredInstantOption,
  requiredStringOption,
  secondsOption,
  stringOption,
  switchOption,
} from "./option_types.ts";
import type { Program } from "./program.ts";

/** How to get the tripcode that a server's entry needs. */
export const TRIPCODE_HINT = "Run ptth_server --print-tripcode beside the server's key";

export const RELAY_OPTIONS = {
  config: CONFIG_OPTION,
  host: stringOption({
    description: "Address that visitors and servers connect to",
    placeholder: "ADDRESS",
    default: "0.0.0.0",
    check: checkHost,
  }),
  port: portOption({ description: "Port that visitors and servers connect to", default: 4000 }),
  adminHost: stringOption({
    description: "Address of the pages that are not for strangers",
    placeholder: "ADDRESS",
    default: "127.0.0.1",
    check: checkHost,
  }),
  adminPort: portOrFalseOption({
    description: "Port of the pages that are not for strangers; false: none",
    default: 4001,
  }),
  adminHosts: listOption({
    description: "A further name that the admin pages may be asked for by",
    placeholder: "NAME",
    check: checkHost,
  }),
  publicServerList: switchOption({ description: "Show the list of servers to visitors too" }),
  debugRoutes: switchOption({ description: "Serve the original's debug routes to visitors" }),
  answerTimeout: secondsOption({
    description: "Longest silence before an answer begins; 0: no limit",
    default: undefined,
    defaultText: "600, on the classic protocol 30",
    max: MAX_WAIT_SECONDS,
  }),
  reconnectGrace: secondsOption({
    description: "How long a visitor waits for a server that is not connected",
    default: 10,
    max: MAX_WAIT_SECONDS,
  }),
  hostSuffix: stringOption({
    description: "Give each server a host of its own: NAME.SUFFIX, beside /servers/NAME/",
    placeholder: "SUFFIX",
    default: undefined,
    check: checkHostSuffix,
  }),
  upgradeTokens: listOption({
    description: "A protocol that visitors may switch to, beside websocket",
    placeholder: "TOKEN",
    check: checkUpgradeToken,
  }),
  trustedProxies: listOption({
    description: "Addresses of proxies: Forwarded is believed, and connections are not counted",
    placeholder: "CIDR",
    check: checkCidr,
  }),
  proxyProtocol: switchOption({
    description: "Every connection from trusted_proxies begins with a PROXY header, v1 or v2",
  }),
  ...CONNECTION_OPTIONS,
  enableScraperApi: switchOption({ description: "Serve the scraper API under /scraper/" }),
  ...COMMON_OPTIONS,
} as const;

export const SERVER_ENTRY_OPTIONS = {
  name: requiredStringOption({
    description: "Name of the server, as in /servers/NAME/",
    source: "key",
    check: checkServerName,
  }),
  tripcode: requiredStringOption({
    description: "Tripcode of the server's key",
    hint: TRIPCODE_HINT,
    source: "key",
    check: checkTripcode,
  }),
  displayName: stringOption({
    description: "What the list of servers shows",
    source: "key",
    default: undefined,
    defaultText: "the name",
  }),
} as const;

export const SCRAPER_KEY_OPTIONS = {
  name: requiredStringOption({ description: "Name of the key, for the log", source: "key" }),
  notBefore: requiredInstantOption({ description: "When the key becomes valid", source: "key" }),
  notAfter: requiredInstantOption({ description: "When the key stops being valid", source: "key" }),
  hash: requiredStringOption({
    description: "Tripcode of the key",
    hint: "Run ptth_relay hash-api-key, and give it the key on standard input",
    source: "key",
    check: checkTripcode,
  }),
} as const;

export const RELAY_PROGRAM: Program = {
  name: "ptth_relay",
  summary: "The public end of PTTH: passes visitors' requests to servers behind firewalls",
  usage: ["[OPTIONS]", "hash-api-key"],
  options: RELAY_OPTIONS,
  sections: [
    {
      header: "[[servers]]",
      description: "One server that may connect; repeated",
      options: SERVER_ENTRY_OPTIONS,
    },
    {
      header: "[server_tripcodes]",
      description: 'Older form of [[servers]]: NAME = "TRIPCODE" per server',
      options: {},
    },
    {
      header: "[[scraper_keys]]",
      description: "One key for the scraper API; repeated",
      options: SCRAPER_KEY_OPTIONS,
    },
    { header: "[dev_mode]", description: "Accepted and without effect", options: {} },
  ],
  commands: [{
    name: "hash-api-key",
    description: "Read a key from standard input and print its tripcode",
  }],
  configFiles: ["./ptth_relay.toml", "./config/ptth_relay.toml"],
  examples: ["ptth_relay", "ptth_relay --config /etc/ptth_relay.toml --port 8080"],
};
