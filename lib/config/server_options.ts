/** The server's options. */

import { checkRelayUrl, checkServerName } from "./checks.ts";
import { COMMON_OPTIONS, CONFIG_OPTION } from "./common_options.ts";
import { SERVER_FOLDER_OPTIONS } from "./folder_options.ts";
import { stringOption, switchOption } from "./option_types.ts";
import type { Program } from "./program.ts";

export const SERVER_OPTIONS = {
  config: CONFIG_OPTION,
  name: stringOption({
    description: "Name that the relay knows this server by (required)",
    placeholder: "NAME",
    default: undefined,
    check: checkServerName,
  }),
  apiKey: stringOption({
    description: "The server's secret key (required, or api_key_file)",
    source: "key",
    default: undefined,
  }),
  apiKeyFile: stringOption({
    description: "File that holds the key, in place of api_key",
    placeholder: "FILE",
    default: undefined,
  }),
  relayUrl: stringOption({
    description: "Where the relay is, as https://relay.example.com (required)",
    placeholder: "URL",
    default: undefined,
    check: checkRelayUrl,
  }),
  fileServerRoot: stringOption({
    description: "Folder that is served under /files/",
    placeholder: "FOLDER",
    default: undefined,
    defaultText: "the working directory",
  }),
  ...SERVER_FOLDER_OPTIONS,
  caFile: stringOption({
    description: "Certificates (PEM) that the relay's may be signed by, beside the system's",
    placeholder: "FILE",
    default: undefined,
  }),
  generateKey: switchOption({
    description: "Write a new configuration file with a new key; never overwrites one",
    source: "flag",
  }),
  autoGenKey: switchOption({
    description: "Where there is no configuration file, write one with a new key",
    source: "flag",
  }),
  printTripcode: switchOption({
    description: "Print the tripcode of the configured key, for the relay's file",
    source: "flag",
  }),
  throttleUpload: switchOption({
    description: "Send one chunk of an answer per second, for tests",
    source: "flag",
  }),
  assetRoot: stringOption({
    description: "Taken for the original's sake; without effect",
    source: "flag",
    placeholder: "FOLDER",
    default: undefined,
  }),
  ...COMMON_OPTIONS,
} as const;

export const SERVER_PROGRAM: Program = {
  name: "ptth_server",
  summary:
    "The private end of PTTH: serves a folder through a relay, by outgoing connections alone",
  usage: ["[OPTIONS]"],
  options: SERVER_OPTIONS,
  sections: [],
  commands: [],
  configFiles: ["./ptth_server.toml", "./config/ptth_server.toml"],
  examples: [
    "ptth_server --generate-key --name my-server",
    "ptth_server --print-tripcode",
    "ptth_server --name my-server --relay-url https://relay.example.com",
  ],
};
