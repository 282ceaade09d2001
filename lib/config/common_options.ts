/** Options that the three programs share. */

import { MAX_CONNECTIONS, MAX_CONNECTIONS_PER_ADDRESS } from "../base/limits.ts";
import { LOG_LEVELS } from "../base/log.ts";
import { choiceOption, countOption, stringOption, switchOption } from "./option_types.ts";

export const COMMON_OPTIONS = {
  logLevel: choiceOption({
    description: `Least level of what is logged: ${LOG_LEVELS.join(", ")}`,
    placeholder: "LEVEL",
    choices: LOG_LEVELS,
    default: "info",
  }),
  help: switchOption({ description: "Show this help", source: "flag", aliases: ["h"] }),
  version: switchOption({ description: "Show the version", source: "flag" }),
} as const;

/** More than any system gives one program. */
const MOST_CONNECTIONS = 1_000_000;

/** For programs that listen. */
export const CONNECTION_OPTIONS = {
  maxConnections: countOption({
    description: "Most connections at once",
    default: MAX_CONNECTIONS,
    max: MOST_CONNECTIONS,
  }),
  maxConnectionsPerAddress: countOption({
    description: "Most connections at once of one address, or one /64 of IPv6",
    default: MAX_CONNECTIONS_PER_ADDRESS,
    max: MOST_CONNECTIONS,
  }),
} as const;

/** Names the configuration file; the original server calls it `--config-path`. */
export const CONFIG_OPTION = stringOption({
  description: "Configuration file",
  source: "flag",
  placeholder: "FILE",
  default: undefined,
  aliases: ["config-path"],
});
