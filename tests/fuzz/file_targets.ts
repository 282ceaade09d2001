/** What people write into files: configurations, names and texts. */

import { ConfigError } from "../../lib/base/errors.ts";
import { toEntryName } from "../../lib/archive/entry_name.ts";
import { formatConfigError } from "../../lib/cli/print_error.ts";
import { decodeRelayConfig } from "../../lib/config/relay_config.ts";
import { decodeServerSettings, toServerConfig } from "../../lib/config/server_config.ts";
import { renderMarkdown } from "../../lib/files/markdown.ts";
import { resolvePath } from "../../lib/files/resolve_path.ts";
import { attachment } from "../../lib/http/content_disposition.ts";
import { toText } from "./mutate.ts";
import { type FuzzTarget, hold, refusedBy } from "./target.ts";

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

const markdown: FuzzTarget = {
  name: "markdown",
  tokens: [
    ...[
      "[a](",
      "](",
      "![",
      "<",
      ">",
      "<script>",
      "javascript:",
      "&#x6a;",
      "onerror=",
      "`",
      "```\n",
      "**",
      "_",
    ],
    ...[
      "\n\n",
      "> ",
      "- ",
      "1. ",
      "|",
      "---\n",
      "[a]: ",
      "<http://",
      "&amp;",
      "\\",
      "data:text/html,",
      '"',
      "'",
    ],
  ],
  run: (bytes) => {
    const html = renderMarkdown(new TextDecoder().decode(bytes));
    // Whatever is in quotes is a value, and of those only the addresses can act.
    const tags = html.match(/<[a-z][^>]*>/gi) ?? [];
    for (const tag of tags) {
      hold(
        !/^<(?:script|iframe|object|embed|style|form|base|meta|link|svg)/i.test(tag),
        `${tag} is harmless`,
      );
      const names = [...tag.replace(/"[^"]*"/g, '""').matchAll(/\s([a-z-]+)=/gi)];
      hold(!names.some(([, name = ""]) => /^on/i.test(name)), `${tag} does nothing`);
      const [, address] = /\s(?:href|src)="([^"]*)"/i.exec(tag) ?? [];
      if (address !== undefined) {
        hold(!/^\s*(?:javascript|vbscript|data):/i.test(address), `${address} is no script`);
      }
    }
    hold(html.length <= 100 * (bytes.length + 100), "it does not explode");
  },
};

export const FILE_TARGETS: readonly FuzzTarget[] = [relayConfig, serverConfig, fileName, markdown];
