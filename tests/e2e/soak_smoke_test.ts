/** A soak of some seconds: that it watches, and says what it saw. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { runProgram } from "../support/outside_program.ts";
import { PROJECT } from "../support/programs.ts";
import { TempFolder } from "../support/temp_folder.ts";

const SOAK = [Deno.execPath(), "run", "-A", join(PROJECT, "tests/soak/soak.ts")];

Deno.test({
  name: "soak watches relay and server under traffic and faults, and draws what it saw",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using folder = await TempFolder.create();
    const options = ["--minutes", "0.1", "--seed", "7", "--concurrency", "4", "--out", folder.path];
    const { stdout, stderr } = await runProgram([...SOAK, ...options], {
      cwd: PROJECT,
      guardMs: 90_000,
    });
    assertStringIncludes(stdout, "Seed 7", stderr);
    assertEquals(stdout.match(/^(VIOLATION|WRONG) .*$/m), null);
    assertStringIncludes(stdout, "All is well");
    const csv = (await Deno.readTextFile(folder.at("soak.csv"))).trim().split("\n");
    const numbers = csv.slice(1).map((line) => line.split(",").map(Number));
    assert(numbers.length > 0 && numbers.flat().every(Number.isFinite), csv.join("\n"));
    assertMatch(
      await Deno.readTextFile(folder.at("soak.svg")),
      /<polyline class="line1" points="\d/,
    );
    assertStringIncludes(await Deno.readTextFile(folder.at("soak.md")), "(soak.svg)");
  },
});

Deno.test("soak refuses options that make no sense", async () => {
  for (const args of [[], ["--minutes", "x"], ["--minutes", "0"], ["--x"], ["y"]]) {
    const { code, stdout } = await runProgram([...SOAK, ...args], { cwd: PROJECT });
    assertEquals(code, 2, args.join(" "));
    assertStringIncludes(stdout, "Usage: ");
  }
});
