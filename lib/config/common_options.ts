/** Options that the three programs share. */

import { LOG_LEVELS } from "../base/log.ts";
import { choiceOption, stringOption, switchOption } from "./option_types.ts";

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

/** Names the configuration file; the original server calls it `--config-path`. */
export const CONFIG_OPTION = stringOption({
  description: "Configuration file",
  source: "flag",
  placeholder: "FILE",
  default: undefined,
  aliases: ["config-path"],
});
