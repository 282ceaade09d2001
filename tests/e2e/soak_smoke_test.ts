/** The soak, for a few seconds: that it runs and checks, not what it finds of growth. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runProgram } from "../support/outside_program.ts";
import { PROJECT } from "../support/programs.ts";

Deno.test({
  name: "soak checks traffic through failing networks, and tells what relay and server take",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const soak = [Deno.execPath(), "run", "-A", "tests/soak/soak.ts"];
    const args = ["--minutes", "0.1", "--seed", "1", "--concurrency", "4"];
    const { code, stdout, stderr } = await runProgram([...soak, ...args], {
      cwd: PROJECT,
      guardMs: 120_000,
    });
    assertEquals(code, 0, stdout + stderr);
    assertMatch(stdout, /^[\d,]*[1-9][\d,]* ok, .*, 0 violation$/m);
    assertMatch(stdout, /^relay, heap, MiB: [\d.]+, [\d.]+, too short to tell$/m);
    assertStringIncludes(stdout, "Nothing was broken, and nothing grew");
  },
});

Deno.test("soak refuses what it cannot understand", async () => {
  const soak = [Deno.execPath(), "run", "-A", "tests/soak/soak.ts"];
  for (const args of [[], ["--minutes", "x"], ["--minutes", "1", "--sed", "1"]]) {
    const { code, stdout } = await runProgram([...soak, ...args], { cwd: PROJECT });
    assertEquals(code, 2);
    assertStringIncludes(stdout, "Usage: deno task soak --minutes N");
  }
});
