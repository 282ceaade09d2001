import { assertEquals } from "@std/assert";
import { MAX_CONFIG_BYTES } from "../../lib/base/limits.ts";
import { diskConfigFiles, readConfigFile } from "../../lib/cli/read_config_file.ts";
import { configErrorOf } from "../support/memory_config_files.ts";
import { TempFolder } from "../support/temp_folder.ts";

const IS_UNIX = Deno.build.os !== "windows";

Deno.test("readConfigFile gives text and permission bits, and undefined for no file", async () => {
  await using folder = await TempFolder.create();
  const path = folder.at("a.toml");
  assertEquals(await readConfigFile(path), undefined);
  await Deno.writeTextFile(path, 'name = "é😀"\n', { mode: 0o640 });
  if (IS_UNIX) await Deno.chmod(path, 0o640);
  const file = await readConfigFile(path);
  assertEquals(file?.text, 'name = "é😀"\n');
  if (IS_UNIX) assertEquals((file?.mode ?? 0) & 0o777, 0o640);
  await Deno.writeTextFile(path, "");
  assertEquals((await diskConfigFiles.read(path))?.text, "");
  assertEquals(diskConfigFiles.cwd, Deno.cwd());
});

Deno.test("readConfigFile refuses folders, other encodings and what is too long", async () => {
  await using folder = await TempFolder.create();
  const write = async (bytes: Uint8Array): Promise<string> => {
    const path = folder.at("a.toml");
    await Deno.writeFile(path, bytes);
    return path;
  };
  const messageOf = async (path: string): Promise<string> => {
    const { message, place } = await configErrorOf(() => readConfigFile(path));
    assertEquals(place, { file: path });
    return message;
  };
  assertEquals(await messageOf(folder.path), "Cannot read file: it is a folder");
  const latin1 = await write(Uint8Array.of(0x61, 0xe9));
  assertEquals(await messageOf(latin1), "Cannot read file: it is not UTF-8 text");
  const long = await write(new Uint8Array(MAX_CONFIG_BYTES + 1).fill(0x20));
  assertEquals(await messageOf(long), `Cannot read file: longer than ${MAX_CONFIG_BYTES} bytes`);
  const fits = await write(new Uint8Array(MAX_CONFIG_BYTES).fill(0x20));
  assertEquals((await readConfigFile(fits))?.text.length, MAX_CONFIG_BYTES);
});

Deno.test({
  name: "readConfigFile stops reading a device that has no end",
  ignore: !IS_UNIX,
  fn: async () => {
    const { message } = await configErrorOf(() => readConfigFile("/dev/zero"));
    assertEquals(message, `Cannot read file: longer than ${MAX_CONFIG_BYTES} bytes`);
  },
});
