import { assertEquals, assertRejects } from "@std/assert";
import { ConfigError } from "../../lib/base/errors.ts";
import { writeNewConfig } from "../../lib/cli/write_new_config.ts";
import { decodeServerSettings } from "../../lib/config/server_config.ts";
import { TempFolder } from "../support/temp_folder.ts";

Deno.test("writeNewConfig writes what the server reads back, whatever the URL holds", async () => {
  await using folder = await TempFolder.create();
  for (const [i, relayUrl] of ["https://r.test/p", 'https://r.test/"\\', undefined].entries()) {
    const path = folder.at(`${i}.toml`);
    const { name, apiKey } = await writeNewConfig({ path, name: undefined, relayUrl });
    const text = await Deno.readTextFile(path);
    const { values } = decodeServerSettings({ path, text, mode: 0o600 }, new Map());
    assertEquals([values.name, values.apiKey], [name, apiKey]);
    assertEquals(values.relayUrl, relayUrl ?? "https://relay.example.com");
  }
});

Deno.test("writeNewConfig leaves a file that is there as it is", async () => {
  await using folder = await TempFolder.create();
  const path = await folder.write("ptth_server.toml", "mine");
  const options = { path, name: undefined, relayUrl: undefined };
  await assertRejects(() => writeNewConfig(options), ConfigError, "is there already");
  assertEquals(await Deno.readTextFile(path), "mine");
});
