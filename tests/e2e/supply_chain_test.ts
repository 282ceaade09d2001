/** What the programs are made of is what the lock says. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { createSbom } from "../../scripts/sbom.ts";
import { runProgram } from "../support/outside_program.ts";
import { PROJECT } from "../support/programs.ts";
import { TempFolder } from "../support/temp_folder.ts";

Deno.test("a package that is not in the lock is not taken", async () => {
  await using folder = await TempFolder.create();
  const config = await Deno.readTextFile(join(PROJECT, "deno.json"));
  await folder.write("deno.json", config.replaceAll(/npm:ws@[0-9.]+/g, "npm:ws@8.22.0"));
  await Deno.copyFile(join(PROJECT, "deno.lock"), join(folder.path, "deno.lock"));
  const entry = await folder.write("main.ts", 'import "ws";\n');
  const run = ["deno", "run", "--no-prompt", entry];
  const { code, stderr } = await runProgram(run, { cwd: folder.path });
  assertEquals(code, 1, stderr);
  assertStringIncludes(stderr, "The lockfile is out of date");
});

Deno.test("the bill of materials tells what the programs need from what the tests do", async () => {
  const text = await createSbom();
  const { components }: { components: { name: string; scope: string; licenses?: unknown }[] } = JSON
    .parse(text);
  const scopeOf = (name: string): string | undefined =>
    components.find((component) => component.name === name)?.scope;
  assertEquals(["hashes", "markdown-it", "ws", "fast-check"].map(scopeOf), [
    ...["required", "required", "excluded", "excluded"],
  ]);
  assert(components.every(({ licenses }) => licenses !== undefined));
  assertEquals(await createSbom(), text);
});
