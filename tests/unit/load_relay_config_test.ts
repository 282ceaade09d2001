import { assert, assertEquals } from "@std/assert";
import { loadRelayConfig, reloadRelayConfig } from "../../lib/cli/load_relay_config.ts";
import { configErrorOf, memoryConfigFiles } from "../support/memory_config_files.ts";

const HERE = "./ptth_relay.toml";
const BELOW = "./config/ptth_relay.toml";

Deno.test("loadRelayConfig looks at --config alone, else here, then in ./config", async () => {
  const files = { [HERE]: "port = 1", [BELOW]: "port = 2", "x.toml": "port = 3" };
  const portOf = async (args: string[], texts: Record<string, string>): Promise<number> => {
    const loaded = await loadRelayConfig(args, memoryConfigFiles(texts));
    assert(loaded.kind === "run", loaded.kind);
    return loaded.config.port;
  };
  assertEquals(await portOf([], files), 1);
  assertEquals(await portOf([], { [BELOW]: "port = 2" }), 2);
  assertEquals(await portOf(["--config", "x.toml"], files), 3);
  assertEquals(await portOf(["--config", "x.toml", "--port=4"], files), 4);
});

Deno.test("loadRelayConfig says where it looked for a configuration file", async () => {
  const error = await configErrorOf(() => loadRelayConfig([], memoryConfigFiles({})));
  assertEquals(
    error.message,
    `Cannot find a configuration file: no "${HERE}" nor "${BELOW}" in "/home/user"`,
  );
  assertEquals(error.place, { hint: "Write one with a [[servers]] table, or name it by --config" });
});

Deno.test("loadRelayConfig takes a file that others can read: it holds no secret", async () => {
  const loaded = await loadRelayConfig([], memoryConfigFiles({ [HERE]: "" }, 0o644));
  assertEquals(loaded.kind, "run");
});

Deno.test("loadRelayConfig: other things than running", async () => {
  const files = memoryConfigFiles({});
  assertEquals(await loadRelayConfig(["--help"], files), { kind: "help" });
  assertEquals(await loadRelayConfig(["--version"], files), { kind: "version" });
  assertEquals(await loadRelayConfig(["hash-api-key"], files), {
    kind: "command",
    name: "hash-api-key",
  });
});

Deno.test("loadRelayConfig refuses other arguments, and does not quote them", async () => {
  const cases: [args: string[], message: string, hint: string][] = [
    [["hash-api-kye"], "Argument 1 is not a command", 'Did you mean "hash-api-key"?'],
    [["QXZsecret"], "Argument 1 is not a command", "Known commands: hash-api-key"],
    [
      ["hash-api-key", "QXZsecret"],
      "The command hash-api-key takes no argument",
      "A key is read from standard input: other users can see a command line",
    ],
  ];
  for (const [args, message, hint] of cases) {
    const error = await configErrorOf(() => loadRelayConfig(args, memoryConfigFiles({})));
    assertEquals([error.message, error.place], [message, { hint }]);
  }
});

Deno.test("reloadRelayConfig reads the file as it is now, under the same options", async () => {
  const texts = { [HERE]: "port = 1\nreconnect_grace = 1" };
  const files = memoryConfigFiles(texts);
  const args = ["--port=9"];
  assertEquals((await reloadRelayConfig(args, files)).config.reconnectGraceMs, 1000);
  texts[HERE] = "port = 2\nreconnect_grace = 2";
  const { config } = await reloadRelayConfig(args, files);
  assertEquals([config.port, config.reconnectGraceMs], [9, 2000]);
  texts[HERE] = "port = ";
  const error = await configErrorOf(() => reloadRelayConfig(args, files));
  assertEquals(error.message, "Cannot parse TOML: expected a value");
  assertEquals(error.place, { file: HERE, line: 1, column: 8 });
});
