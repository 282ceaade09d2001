/** The file server's options; it has no configuration file. */

import { checkBasePath, checkHost } from "./checks.ts";
import { COMMON_OPTIONS, CONNECTION_OPTIONS } from "./common_options.ts";
import { FILE_SERVER_FOLDER_OPTIONS } from "./folder_options.ts";
import {
  choiceOption,
  listOption,
  portOption,
  stringOption,
  switchOption,
} from "./option_types.ts";
import type { Program } from "./program.ts";

const ACCESS_LOG_FORMS = ["off", "combined", "json"] as const;

/** The word that asks for a hash, and no server. */
export const HASH_PASSWORD_COMMAND = "hash-password";

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
  basePath: stringOption({
    description: "Path that everything is below, as /shared/; the rest is 404",
    source: "flag",
    placeholder: "PATH",
    default: "/",
    check: checkBasePath,
  }),
  authFile: stringOption({
    description: "File of the users who alone are let in, one a line: NAME:HASH",
    hint: "Run ptth_file_server hash-password to make a hash",
    source: "flag",
    placeholder: "FILE",
    default: undefined,
  }),
  tlsCert: stringOption({
    description: "Certificate for https, and those that lead to an authority (PEM)",
    source: "flag",
    placeholder: "FILE",
    default: undefined,
  }),
  tlsKey: stringOption({
    description: "Key of the certificate (PEM)",
    source: "flag",
    placeholder: "FILE",
    default: undefined,
  }),
  accessLog: choiceOption({
    description: "Write a line per request to standard output: combined (as Apache) or json",
    source: "flag",
    placeholder: "FORM",
    choices: ACCESS_LOG_FORMS,
    default: "off",
  }),
  maxConnections: { ...CONNECTION_OPTIONS.maxConnections, source: "flag" },
  maxConnectionsPerAddress: { ...CONNECTION_OPTIONS.maxConnectionsPerAddress, source: "flag" },
  qr: switchOption({
    description: "Show the address as a QR code on the terminal",
    source: "flag",
  }),
  open: switchOption({ description: "Open the address in the browser", source: "flag" }),
  ...FILE_SERVER_FOLDER_OPTIONS,
  ...COMMON_OPTIONS,
  logLevel: { ...COMMON_OPTIONS.logLevel, source: "flag" },
} as const;

export const FILE_SERVER_PROGRAM: Program = {
  name: "ptth_file_server",
  summary: "The file server of PTTH alone, on a local port",
  usage: ["[OPTIONS] [ROOT]", HASH_PASSWORD_COMMAND],
  options: FILE_SERVER_OPTIONS,
  sections: [],
  commands: [{
    name: HASH_PASSWORD_COMMAND,
    description: "Read a password from standard input, print its hash for --auth-file",
  }],
  configFiles: [],
  examples: [
    "ptth_file_server ~/public",
    "ptth_file_server --port 0 --root .",
    "ptth_file_server --host 0.0.0.0 --qr ~/public",
  ],
};
