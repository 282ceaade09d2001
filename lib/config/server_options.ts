/** The server's options. */

import { MAX_WAIT_SECONDS } from "../base/limits.ts";
import { checkRelayUrl } from "../base/relay_address.ts";
import { checkServerName } from "../base/server_name.ts";
import { checkBasePath, checkHostHeader, checkOriginUrl } from "./checks.ts";
import { COMMON_OPTIONS, CONFIG_OPTION } from "./common_options.ts";
import { SERVER_FOLDER_OPTIONS } from "./folder_options.ts";
import { requiredStringOption, secondsOption, stringOption, switchOption } from "./option_types.ts";
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
    defaultText: "the working directory; none where there are origins",
  }),
  origin: stringOption({
    description: "The one local web application to forward to, in place of [[origins]]",
    source: "flag",
    placeholder: "URL",
    default: undefined,
    check: checkOriginUrl,
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

/** A table of the configuration file: one local web application. */
export const ORIGIN_OPTIONS = {
  path: requiredStringOption({
    description: "What visitors ask for behind the server's name; the longest that fits decides",
    source: "key",
    check: checkBasePath,
  }),
  url: requiredStringOption({
    description: "Where it is: http://127.0.0.1:3000/, https://HOST/, or unix:/PATH",
    source: "key",
    check: checkOriginUrl,
  }),
  stripPrefix: switchOption({
    description: "Ask the application without the path, as if that was its root",
    source: "key",
    default: true,
  }),
  hostHeader: stringOption({
    description: "What it gets as Host: the visitor's (preserve), its own (origin), or a name",
    source: "key",
    default: "preserve",
    check: checkHostHeader,
  }),
  caFile: stringOption({
    description: "Certificates (PEM) that its own may be signed by, beside the system's",
    source: "key",
    default: undefined,
  }),
  insecure: switchOption({
    description: "Take any certificate: only for an application on this computer",
    source: "key",
  }),
  connectTimeout: secondsOption({
    description: "Longest time to connect to it; 0: no limit",
    source: "key",
    default: 10,
    max: MAX_WAIT_SECONDS,
  }),
  silenceTimeout: secondsOption({
    description: "Longest silence while it is waited for; 0: no limit",
    source: "key",
    default: 600,
    max: MAX_WAIT_SECONDS,
  }),
} as const;

export const SERVER_PROGRAM: Program = {
  name: "ptth_server",
  summary:
    "The private end of PTTH: serves a folder through a relay, by outgoing connections alone",
  usage: ["[OPTIONS]"],
  options: SERVER_OPTIONS,
  sections: [{
    header: "[[origins]]",
    description: "One local web application; repeated",
    options: ORIGIN_OPTIONS,
  }],
  commands: [],
  configFiles: ["./ptth_server.toml", "./config/ptth_server.toml"],
  examples: [
    "ptth_server --generate-key --name my-server",
    "ptth_server --print-tripcode",
    "ptth_server --name my-server --relay-url https://relay.example.com",
    "ptth_server --origin http://127.0.0.1:3000/",
  ],
};
