/** The file server's options; it has no configuration file. */

import { checkHost } from "./checks.ts";
import { COMMON_OPTIONS } from "./common_options.ts";
import { FILE_SERVER_FOLDER_OPTIONS } from "./folder_options.ts";
import { listOption, portOption, stringOption } from "./option_types.ts";
import type { Program } from "./program.ts";

export const FILE_SERVER_OPTIONS = {
  host: stringOption({
    description: "Address to listen on",
    source: "flag",
    placeholder: "ADDRESS",
    default: "127.0.0.1",
    check: checkHost,
  }),
  port: portOption({ description: "Port to listen on", source: "flag", default: 4000 }),
  root: stringOption({
    description: "Folder to serve, as may ROOT",
    source: "flag",
    placeholder: "FOLDER",
    default: ".",
  }),
  allowHost: listOption({
    description: "A further name that the server may be asked for by",
    source: "flag",
    placeholder: "NAME",
    check: checkHost,
  }),
  ...FILE_SERVER_FOLDER_OPTIONS,
  ...COMMON_OPTIONS,
  logLevel: { ...COMMON_OPTIONS.logLevel, source: "flag" },
} as const;

export const FILE_SERVER_PROGRAM: Program = {
  name: "ptth_file_server",
  summary: "The file server of PTTH alone, on a local port",
  usage: ["[OPTIONS] [ROOT]"],
  options: FILE_SERVER_OPTIONS,
  sections: [],
  commands: [],
  configFiles: [],
  examples: ["ptth_file_server ~/public", "ptth_file_server --port 0 --root ."],
};
