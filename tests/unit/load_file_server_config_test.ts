import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../lib/base/errors.ts";
import { loadFileServerConfig } from "../../lib/cli/load_file_server_config.ts";

Deno.test("loadFileServerConfig: no option gives the published defaults", () => {
  assertEquals(loadFileServerConfig([]), {
    kind: "run",
    config: { host: "127.0.0.1", port: 4000, root: ".", allowedHosts: [], logLevel: "info" },
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
      logLevel: "error",
    },
  });
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
