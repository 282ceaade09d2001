import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../lib/base/errors.ts";
import { PLAIN_FOLDER } from "../support/plain_folder.ts";
import { loadFileServerConfig } from "../../lib/cli/load_file_server_config.ts";

/** What is not asked for. */
const PLAIN = {
  basePath: "/",
  authFile: null,
  tls: null,
  accessLog: "off",
  maxConnections: 10_000,
  maxConnectionsPerAddress: 2_500,
  qr: false,
  open: false,
} as const;

Deno.test("loadFileServerConfig: no option gives the published defaults", () => {
  assertEquals(loadFileServerConfig([]), {
    kind: "run",
    config: {
      host: "127.0.0.1",
      port: 4000,
      root: ".",
      allowedHosts: [],
      folder: PLAIN_FOLDER,
      ...PLAIN,
      logLevel: "info",
    },
  });
});

Deno.test("loadFileServerConfig takes the folder as ROOT or by --root, and repeated names", () => {
  const rootOf = (...args: string[]): string | undefined => {
    const loaded = loadFileServerConfig(args);
    return loaded.kind === "run" ? loaded.config.root : undefined;
  };
  assertEquals(rootOf("/srv"), "/srv");
  assertEquals(rootOf("007", "--port=0"), "007");
  assertEquals(rootOf("--root", "/srv"), "/srv");
  assertEquals(rootOf("--", "--odd"), "--odd");
  const loaded = loadFileServerConfig([
    ["--allow-host", "nas.local", "--allow-host=192.0.2.1", "--host=::", "--port=0"],
    ["--log-level=error"],
  ].flat());
  assertEquals(loaded, {
    kind: "run",
    config: {
      host: "::",
      port: 0,
      root: ".",
      allowedHosts: ["nas.local", "192.0.2.1"],
      folder: PLAIN_FOLDER,
      ...PLAIN,
      logLevel: "error",
    },
  });
});

Deno.test("loadFileServerConfig takes how the folder is served", () => {
  const loaded = loadFileServerConfig([
    ["--index=index.html", "--spa-fallback=app/index.html", "--not-found-page", "404.html"],
    ["--precompressed", "--trusted-content", "--cors=https://app.example:8443"],
    ["--hidden-patterns=*.key", "--hidden-patterns", "private", "--symlinks=none"],
  ].flat());
  assertEquals(loaded.kind === "run" ? loaded.config.folder : undefined, {
    index: "index.html",
    spaFallback: "app/index.html",
    notFoundPage: "404.html",
    precompressed: true,
    cors: "https://app.example:8443",
    hiddenPatterns: ["*.key", "private"],
    symlinks: "none",
    trustedContent: true,
  });
});

Deno.test("loadFileServerConfig takes who may see it, by what way, and what is shown", () => {
  const loaded = loadFileServerConfig([
    ["--auth-file=users", "--tls-cert", "a.pem", "--tls-key=a.key", "--base-path=a/b.c"],
    ["--access-log=json", "--qr", "--open"],
  ].flat());
  const { basePath, authFile, tls, accessLog, qr, open } = loaded.kind === "run"
    ? loaded.config
    : PLAIN;
  assertEquals({ basePath, authFile, tls, accessLog, qr, open }, {
    basePath: "/a/b.c/",
    authFile: "users",
    tls: { cert: "a.pem", key: "a.key" },
    accessLog: "json",
    qr: true,
    open: true,
  });
  for (const path of ["a", "/a", "a/", "/a/"]) {
    const each = loadFileServerConfig([`--base-path=${path}`]);
    assertEquals(each.kind === "run" ? each.config.basePath : "", "/a/");
  }
});

Deno.test("loadFileServerConfig refuses half of TLS, and base paths that a URL cannot hold", () => {
  for (const [given, missing] of [["cert", "key"], ["key", "cert"]]) {
    const error = assertThrows(() => loadFileServerConfig([`--tls-${given}=a`]), ConfigError);
    assertEquals(error.message, `Cannot use option "--tls-${given}" alone`);
    assertEquals(error.place.hint, `Give --tls-${missing} too`);
  }
  for (const path of ["//", "/a//b/", "/../", "/a b/", "/%61/", "/a?b/", "/\u00e9/"]) {
    assertThrows(() => loadFileServerConfig([`--base-path=${path}`]), ConfigError, "Cannot use");
  }
});

Deno.test("loadFileServerConfig: hash-password is a command that stands alone", () => {
  assertEquals(loadFileServerConfig(["hash-password"]), { kind: "hash-password" });
  assertEquals(loadFileServerConfig(["./hash-password"]).kind, "run");
  for (const more of ["secret", "--port=0"]) {
    const error = assertThrows(() => loadFileServerConfig(["hash-password", more]), ConfigError);
    assertEquals(error.message, 'The command "hash-password" stands alone');
  }
});

Deno.test("loadFileServerConfig refuses pages, origins and patterns that could never work", () => {
  const bad = [
    ...["/a", "a/", "../a", "a/../b", ".a", "a\\b"].flatMap((page) => [
      `--index=${page}`,
      `--spa-fallback=${page}`,
      `--not-found-page=${page}`,
    ]),
    ...[
      "null",
      "example.com",
      "https://a/",
      "https://A",
      "https://a:443",
      "https://a b",
      "ftp://a",
    ]
      .map((origin) => `--cors=${origin}`),
    ...["a/b", "a\\b"].map((pattern) => `--hidden-patterns=${pattern}`),
  ];
  for (const arg of bad) assertThrows(() => loadFileServerConfig([arg]), ConfigError, "Cannot use");
  for (const arg of ["--cors=*", "--cors=http://[::1]:8080", "--index=a/b.htm"]) {
    assertEquals(loadFileServerConfig([arg]).kind, "run");
  }
});

Deno.test("loadFileServerConfig: --help and --version", () => {
  assertEquals(loadFileServerConfig(["-h"]), { kind: "help" });
  assertEquals(loadFileServerConfig(["--version"]), { kind: "version" });
  assertEquals(loadFileServerConfig(["--version=false"]).kind, "run");
});

Deno.test("loadFileServerConfig refuses two folders and unknown options", () => {
  const cases: [args: string[], message: string][] = [
    [["a", "b"], "Cannot serve more than one folder"],
    [["a", "--root=b"], "Cannot serve more than one folder"],
    [[""], "Cannot serve the folder ROOT: its name is empty"],
    [["--rot=a"], 'Unknown option "--rot"'],
    [["--config=a"], 'Unknown option "--config"'],
  ];
  for (const [args, message] of cases) {
    const error = assertThrows(() => loadFileServerConfig(args), ConfigError);
    assertEquals(error.message, message);
  }
});
