import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { ConfigError } from "../../lib/base/errors.ts";
import { type LoadedServer, loadServerConfig } from "../../lib/cli/load_server_config.ts";
import { formatConfigError } from "../../lib/cli/print_error.ts";
import type { ConfigFiles } from "../../lib/config/config_files.ts";
import type { ServerConfig } from "../../lib/config/server_config.ts";
import { configErrorOf, memoryConfigFiles } from "../support/memory_config_files.ts";
import { PLAIN_FOLDER } from "../support/plain_folder.ts";

const KEY = "PlaypenCausalPlatformCommodeImproveCatalyze";
const RELAY_URL = "https://relay.example.com";
const FILE = `name = "my_server"\napi_key = "${KEY}"\nrelay_url = "${RELAY_URL}"\n`;
const HERE = "./ptth_server.toml";
const BELOW = "./config/ptth_server.toml";

interface Given {
  readonly args?: string[];
  readonly files?: Record<string, string>;
  readonly mode?: number;
}

function load({ args = [], files = { [HERE]: FILE }, mode }: Given): Promise<LoadedServer> {
  return loadServerConfig(args, memoryConfigFiles(files, mode));
}

function errorOf(given: Given): Promise<ConfigError> {
  return configErrorOf(() => load(given));
}

async function configOf(given: Given): Promise<ServerConfig> {
  const loaded = await load(given);
  assert(loaded.kind === "run", loaded.kind);
  assertEquals(loaded.warnings, []);
  return loaded.config;
}

Deno.test("loadServerConfig: a file with the three needed keys gives the published defaults", async () => {
  assertEquals(await configOf({}), {
    name: "my_server",
    apiKey: KEY,
    relayUrl: RELAY_URL,
    fileServerRoot: ".",
    origins: [],
    folder: PLAIN_FOLDER,
    secretFiles: [HERE],
    caFile: undefined,
    logLevel: "info",
    throttleUpload: false,
  });
});

Deno.test("loadServerConfig looks at --config alone, else here, then in ./config", async () => {
  const named = (name: string): string => FILE.replace("my_server", name);
  const files = { [HERE]: named("here"), [BELOW]: named("below"), "x.toml": named("given") };
  assertEquals((await configOf({ files })).name, "here");
  assertEquals((await configOf({ files: { [BELOW]: files[BELOW] ?? "" } })).name, "below");
  assertEquals((await configOf({ files, args: ["--config-path", "x.toml"] })).name, "given");
  const { message } = await errorOf({ files, args: ["--config", "y.toml"] });
  assertEquals(message, 'Cannot find a configuration file: no "y.toml" in "/home/user"');
  const none = await errorOf({ files: {} });
  assertEquals(
    none.message,
    `Cannot find a configuration file: no "${HERE}" nor "${BELOW}" in "/home/user"`,
  );
  assertStringIncludes(none.place.hint ?? "", "--generate-key");
});

Deno.test("loadServerConfig lets options win over the file", async () => {
  const config = await configOf({
    args: [
      ["--name=other", "--relay-url=http://[::1]:4000/p", "--file-server-root", "/srv"],
      ["--ca-file=ca.pem", "--log-level=debug", "--throttle-upload"],
    ].flat(),
  });
  assertEquals(config, {
    name: "other",
    apiKey: KEY,
    relayUrl: "http://[::1]:4000/p",
    fileServerRoot: "/srv",
    origins: [],
    folder: PLAIN_FOLDER,
    secretFiles: [HERE],
    caFile: "ca.pem",
    logLevel: "debug",
    throttleUpload: true,
  });
});

Deno.test("loadServerConfig reads origins, and then serves no folder unless told", async () => {
  const text = `${FILE}
[[origins]]
path = "/app"
url = "http://127.0.0.1:3000"
[[origins]]
path = "/"
url = "unix:/run/app.sock"
strip_prefix = false
host_header = "app.example:81"
ca_file = "ca.pem"
insecure = true
connect_timeout = 0.5
silence_timeout = 0
`;
  const app = {
    path: "/app/",
    url: "http://127.0.0.1:3000",
    stripPrefix: true,
    hostHeader: "preserve",
    caFile: undefined,
    insecure: false,
    connectTimeoutMs: 10_000,
    silenceTimeoutMs: 600_000,
  };
  const config = await configOf({ files: { [HERE]: text } });
  assertEquals(config.fileServerRoot, undefined);
  assertEquals(config.origins, [app, {
    path: "/",
    url: "unix:/run/app.sock",
    stripPrefix: false,
    hostHeader: "app.example:81",
    caFile: "ca.pem",
    insecure: true,
    connectTimeoutMs: 500,
    silenceTimeoutMs: 0,
  }]);
  const args = ["--origin=https://127.0.0.1:3443/base", "--file-server-root=/srv"];
  const one = await configOf({ files: { [HERE]: text }, args });
  assertEquals(one.fileServerRoot, "/srv");
  assertEquals(one.origins, [{ ...app, path: "/", url: "https://127.0.0.1:3443/base" }]);
});

Deno.test("loadServerConfig refuses what is no origin, and names the place", async () => {
  const bad: readonly (readonly [string, RegExp])[] = [
    ['path = "/a"', /"url" is missing/],
    ['url = "http://h/"', /"path" is missing/],
    ['path = "/a"\nurl = "ftp://h/"', /key "url": must be an http/],
    ['path = "/a"\nurl = "http://u:p@h/"', /key "url": must be an http/],
    ['path = "/a/../b"\nurl = "http://h/"', /key "path": must be a path/],
    ['path = "/a"\nurl = "http://h/"\nhost_header = "a b"', /key "host_header"/],
    ['path = "/a"\nurl = "http://h/"\ninsecur = true', /Unknown key "insecur"/],
    ['path = "/a"\nurl = "http://h/"\n[[origins]]\npath = "a/"\nurl = "http://h/"', /given twice/],
  ];
  for (const [lines, message] of bad) {
    const error = await errorOf({ files: { [HERE]: `${FILE}\n[[origins]]\n${lines}\n` } });
    assertMatch(error.message, message);
    assert(!error.message.includes("u:p"), error.message);
    assertEquals(error.place.file, HERE);
  }
});

Deno.test("loadServerConfig reads how the folder is served, from keys and options", async () => {
  const text = `${FILE}
file_server_index = "index.html"
file_server_spa_fallback = "app.html"
file_server_not_found_page = "404.html"
file_server_precompressed = true
file_server_cors = "https://app.example"
file_server_hidden_patterns = ["*.key"]
file_server_symlinks = "follow"
file_server_trusted_content = true
`;
  const args = ["--file-server-cors", "*"];
  assertEquals((await configOf({ files: { [HERE]: text }, args })).folder, {
    index: "index.html",
    spaFallback: "app.html",
    notFoundPage: "404.html",
    precompressed: true,
    cors: "*",
    hiddenPatterns: ["*.key"],
    symlinks: "follow",
    trustedContent: true,
  });
});

Deno.test("loadServerConfig takes the original's --asset-root with a warning", async () => {
  const loaded = await load({ args: ["--asset-root", "assets"] });
  assert(loaded.kind === "run");
  assertEquals(loaded.warnings, ["The option --asset-root has no effect"]);
});

Deno.test("loadServerConfig refuses a file that others than its owner can read", async () => {
  for (const mode of [0o600, 0o400, 0o100600]) await configOf({ mode });
  for (const mode of [0o640, 0o604, 0o644, 0o610, 0o602, 0o100644]) {
    const error = await errorOf({ mode });
    assertEquals(
      error.message,
      "Cannot use the configuration file: others than its owner can read it",
    );
    assertEquals(error.place, { file: HERE, hint: `Run chmod 600 ${HERE}` });
  }
});

Deno.test("loadServerConfig reads the key from api_key_file, less its line end", async () => {
  const text = FILE.replace(/api_key.*\n/, 'api_key_file = "/run/secrets/key"\n');
  for (const end of ["", "\n", "\r\n", "\n\n"]) {
    const files = { [HERE]: text, "/run/secrets/key": KEY + end };
    const config = await configOf({ files });
    assertEquals([config.apiKey, config.secretFiles], [KEY, ["/run/secrets/key", HERE]]);
  }
  for (const content of ["", "\n", `${KEY}\n${KEY}`]) {
    const error = await errorOf({ files: { [HERE]: text, "/run/secrets/key": content } });
    assertEquals(
      error.message,
      'Cannot use key "api_key_file": the file must hold the key in one line',
    );
    assertEquals(error.place, { file: HERE, line: 2, column: 1 });
  }
  assertEquals(
    (await errorOf({ files: { [HERE]: text } })).message,
    'Cannot use key "api_key_file": there is no such file',
  );
});

Deno.test("loadServerConfig does not show a key that stands on the wrong side of its equals sign", async () => {
  for (const line of [`${KEY} = "api_key"`, `[${KEY}]`, `"${KEY}".api_key = 1`]) {
    const error = await errorOf({ files: { [HERE]: `name = "a"\n${line}\n` } });
    assertEquals(error.message, "Unknown key");
    assertEquals(error.place.line, 2);
    assert(!formatConfigError("ptth_server", error).includes(KEY));
  }
});

Deno.test("loadServerConfig needs no file where options give all", async () => {
  const args = ["--api-key-file=k", "--name=a", `--relay-url=${RELAY_URL}`];
  const config = await configOf({ files: { k: KEY }, args });
  assertEquals([config.name, config.apiKey, config.secretFiles], ["a", KEY, ["k"]]);
  const { message } = await errorOf({ files: { k: KEY }, args: ["--api-key-file=k"] });
  assertEquals(message, 'Cannot start: "name" is missing');
  const named = await errorOf({ files: { k: KEY }, args: [...args, "--config=x.toml"] });
  assertEquals(
    named.message,
    'Cannot find a configuration file: no "x.toml" in "/home/user"',
  );
});

Deno.test("loadServerConfig takes one key: both in the file are an error, an option wins", async () => {
  const both = `${FILE}api_key_file = "k"\n`;
  const error = await errorOf({ files: { [HERE]: both, k: "x" } });
  assertEquals(
    error.message,
    'Cannot use key "api_key_file": "api_key" gives the key already',
  );
  assertEquals([error.place.line, error.place.column], [4, 1]);
  const config = await configOf({
    files: { [HERE]: FILE, k: "other" },
    args: ["--api-key-file=k"],
  });
  assertEquals(config.apiKey, "other");
});

Deno.test("loadServerConfig names what is missing", async () => {
  for (const key of ["name", "api_key", "relay_url"]) {
    const files = { [HERE]: FILE.replace(new RegExp(`${key} = .*\n`), "") };
    const error = await errorOf({ files });
    assertEquals(error.message, `Cannot start: "${key}" is missing`);
    assertEquals(error.place.file, HERE);
    assert(error.place.hint !== undefined);
  }
});

Deno.test("loadServerConfig refuses URLs that no relay has", async () => {
  const good = ["http://x", "HTTPS://x/", "https://x:1/a/7ZSFUKGV", "http://[::1]:4000"];
  const bad = [
    ["x", "ftp://x", "https:x", "https://", "https://u@x", "https://u:p@x", "https://x?"],
    ["https://x/?a", "https://x/#a", "https://x y", " https://x", "https://x:99999"],
  ].flat();
  for (const url of good) {
    assertEquals((await configOf({ args: [`--relay-url=${url}`] })).relayUrl, url);
  }
  for (const url of bad) {
    const { message } = await errorOf({ args: ["--relay-url", url] });
    assertEquals(
      message,
      'Cannot use option "--relay-url": must be an http:// or https:// URL, without user name, password, query and fragment',
    );
  }
});

Deno.test("loadServerConfig: other things than running", async () => {
  assertEquals(await load({ args: ["--help"], files: {} }), { kind: "help" });
  assertEquals(await load({ args: ["--version"], files: {} }), { kind: "version" });
  assertEquals(await load({ args: ["--generate-key", "--name=a"], files: {} }), {
    kind: "generate-key",
    path: HERE,
    name: "a",
    relayUrl: undefined,
  });
  assertEquals(
    await load({ args: ["--print-tripcode"], files: { [HERE]: `api_key = "${KEY}"` } }),
    { kind: "print-tripcode", apiKey: KEY, name: undefined },
  );
  assertEquals(await load({ args: ["--print-tripcode"] }), {
    kind: "print-tripcode",
    apiKey: KEY,
    name: "my_server",
  });
});

Deno.test("loadServerConfig: --auto-gen-key asks for a file only where there is none", async () => {
  const args = ["--auto-gen-key"];
  const unnamed = { kind: "auto-gen-key", name: undefined, relayUrl: undefined } as const;
  assertEquals(await load({ args, files: {} }), { ...unnamed, path: HERE });
  assertEquals(await load({ args: [...args, "--config=x.toml"] }), { ...unnamed, path: "x.toml" });
  assertEquals((await configOf({ args })).apiKey, KEY);
});

Deno.test("loadServerConfig refuses arguments, and does not quote them", async () => {
  const error = await errorOf({ args: [KEY] });
  assertEquals(error.message, "Argument 1 is not an option, and no other argument is expected");
});

Deno.test("loadServerConfig does not name a key file that cannot be read: it may be the key", async () => {
  const files: ConfigFiles = {
    cwd: "/",
    read: (path) => {
      if (path !== KEY) return Promise.resolve(undefined);
      return Promise.reject(new ConfigError("Cannot read file: permission denied", { file: path }));
    },
  };
  const error = await configErrorOf(() => loadServerConfig(["--api-key-file", KEY], files));
  assertEquals(error.message, 'Cannot use option "--api-key-file": the file cannot be read');
  assertEquals(error.place, {});
});

Deno.test("loadServerConfig never shows a key that stands in a faulty file or argument", async () => {
  const key = fc.string({ unit: fc.constantFrom(..."QXZÄ😀7%$'\\"), minLength: 6, maxLength: 80 });
  const place = fc.constantFrom<(key: string) => Given>(
    (key) => ({ files: { [HERE]: `api_key = "${key}\nname = "a"` } }),
    (key) => ({ files: { [HERE]: `api_key = ${key}` } }),
    (key) => ({ files: { [HERE]: `api_key ${key}` } }),
    (key) => ({ files: { [HERE]: key } }),
    (key) => ({ files: { [HERE]: `api_key = '''${key}` } }),
    (key) => ({ files: { [HERE]: `api_key = ['''${key}''']` } }),
    (key) => ({ files: { [HERE]: `api_key = '''${key} '''\napi_key = "x"` } }),
    (key) => ({ files: { [HERE]: `api_key = '''${key} '''\napi_kye = "x"` } }),
    (key) => ({ files: { [HERE]: `api_key = '''${key} '''` } }),
    (key) => ({ files: { [HERE]: `api_key = '''${key} '''\napi_key_file = "x"` } }),
    (key) => ({ files: { [HERE]: `api_key_file = '''${key} '''` } }),
    (key) => ({ files: { [HERE]: `api_key = "x"\nname = '''${key} !'''` } }),
    (key) => ({ files: { [HERE]: `api_key = "x"\nrelay_url = '''https://u:${key} @x'''` } }),
    (key) => ({ files: { [HERE]: `api_key = "x"\nlog_level = '''${key} '''` } }),
    (key) => ({ files: { [HERE]: `api_key = '''${key} '''` }, mode: 0o644 }),
    (key) => ({ args: ["--api-key", key] }),
    (key) => ({ args: [`--api-key=${key}`] }),
    (key) => ({ args: [key] }),
    (key) => ({ args: ["--api-key-file", key] }),
    (key) => ({ args: ["--name", `${key} !`] }),
    (key) => ({ args: ["--relay-url", key] }),
    (key) => ({ args: [`--throttle-upload=${key}`] }),
  );
  await fc.assert(
    fc.asyncProperty(key, place, async (key, write) => {
      const error = await errorOf(write(key));
      assert(!formatConfigError("ptth_server", error).includes(key), error.message);
    }),
    { numRuns: 400 },
  );
});
