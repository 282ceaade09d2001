/** What people write into files, and how they name them. */

import { ConfigError } from "../../lib/base/errors.ts";
import { toEntryName } from "../../lib/archive/entry_name.ts";
import { formatConfigError } from "../../lib/cli/print_error.ts";
import { decodeRelayConfig } from "../../lib/config/relay_config.ts";
import { parseToml } from "../../lib/config/toml.ts";
import { decodeServerSettings, toServerConfig } from "../../lib/config/server_config.ts";
import { resolvePath } from "../../lib/files/resolve_path.ts";
import { attachment } from "../../lib/http/content_disposition.ts";
import { parse as parseBySmol } from "smol-toml";
import { plainOurs, plainSmol } from "../support/plain_toml.ts";
import { toText } from "./mutate.ts";
import { type FuzzTarget, hold, isSame, refusedBy } from "./target.ts";

const TOML_TOKENS = [
  ...[
    "[",
    "]",
    "[[",
    "]]",
    "=",
    '"',
    "'",
    '"""',
    "'''",
    "\n",
    "\r\n",
    "#",
    ".",
    ",",
    "{",
    "}",
    "\\u0041",
  ],
  ...[
    "name",
    "api_key",
    "servers",
    "tripcode",
    "port",
    "true",
    "1_000",
    "0x1f",
    "1979-05-27",
    "\0",
    "\xff",
  ],
];

/** The key in the seeds; in what is mutated parts of it may be left. */
const SECRET = "SecretSecretSecret";

/** Whether it stands where the name of a key or a table does, which errors do name. */
function isNamed(text: string): boolean {
  return text.split(/[\r\n]/).some((line) => {
    const at = line.indexOf(SECRET);
    const equals = line.indexOf("=");
    return at >= 0 &&
      (equals < 0 || equals > at || line.indexOf("=", at) > 0 || /^\s*\[/.test(line));
  });
}

/** The error of a file, as users see it; it must not show the key. */
function holdSecret(error: unknown, text: string): void {
  if (!(error instanceof ConfigError)) throw error;
  if (isNamed(text)) return;
  hold(!formatConfigError("ptth_server", error).includes(SECRET), "no error shows the key");
}

const relayConfig: FuzzTarget = {
  name: "relay_config",
  tokens: TOML_TOKENS,
  run: (bytes) => {
    const text = new TextDecoder().decode(bytes);
    const found = refusedBy(
      ConfigError,
      () => decodeRelayConfig({ path: "relay.toml", text }, new Map()),
    );
    if (found === undefined) return;
    const names = found.config.servers.map(({ name }) => name.toLowerCase());
    hold(new Set(names).size === names.length, "no two servers have one name");
    for (const { tripcode } of found.config.servers) {
      hold(tripcode.length === 44, "each server has a tripcode");
    }
  },
};

const serverConfig: FuzzTarget = {
  name: "server_config",
  tokens: TOML_TOKENS,
  run: (bytes) => {
    const text = new TextDecoder().decode(bytes);
    try {
      toServerConfig(decodeServerSettings({ path: "s.toml", text, mode: 0o600 }, new Map()), "key");
    } catch (error) {
      holdSecret(error, text);
    }
  },
};

const fileName: FuzzTarget = {
  name: "file_name",
  tokens: [
    "/",
    "..",
    ".",
    "%2e",
    "%2f",
    "%5c",
    "\\",
    "%00",
    ":",
    "CON",
    "nul.",
    "~1",
    "%c3%a9",
    "%ff",
    " ",
  ],
  run: (bytes) => {
    const path = `/${toText(bytes)}`;
    for (const platform of ["posix", "windows"] as const) {
      const found = resolvePath(path, platform);
      if (found.kind !== "path") continue;
      for (const segment of found.segments) {
        hold(!["", ".", ".."].includes(segment), "no name leads elsewhere");
        hold(!/[/\0]/.test(segment), "no name is two");
        hold(platform === "posix" || !/[\\:]/.test(segment), "no name is a drive or two names");
      }
    }
    const name = toText(bytes).replaceAll("/", "");
    if (["", ".", ".."].includes(name)) return;
    const entry = toEntryName([name], { isFolder: false });
    // deno-lint-ignore no-control-regex
    hold(!/[\x00-\x1f\x7f\\/]/.test(entry), "no name in an archive leads out of it");
    hold(/^[\x20-\x7e]+$/.test(attachment(name)), "a name in a field is ASCII without controls");
  },
};

/**
 * What the two readers do not agree on, as toml_test says: times, and numbers without end. And a
 * quote between a line that goes on and the end of its string, which the other one loses.
 */
const DISPUTED_REGEXP = /\d:\d|\d{4}-\d\d|\d{16}|\\[ \t]*\r?\n\s*"{4}/;

const toml: FuzzTarget = {
  name: "toml",
  tokens: TOML_TOKENS,
  run: (bytes) => {
    const text = new TextDecoder().decode(bytes);
    const ours = refusedBy(ConfigError, () => plainOurs(parseToml(text, "x.toml")));
    if (DISPUTED_REGEXP.test(text)) return;
    const theirs = refusedBy(Error, () => plainSmol(parseBySmol(text)));
    hold(isSame(ours, theirs), "another reader of TOML makes the same of it");
  },
};

export const FILE_TARGETS: readonly FuzzTarget[] = [relayConfig, serverConfig, toml, fileName];
