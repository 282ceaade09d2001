/** The benchmark of the file server, for a second: that it measures, not what. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { hasProgram, runProgram } from "../support/outside_program.ts";
import { PROJECT } from "../support/programs.ts";
import { TempFolder } from "../support/temp_folder.ts";

const hasTools = Deno.build.os === "linux" && await hasProgram("wrk") && await hasProgram("curl");

Deno.test({
  name: "bench file-server measures ours and the control, and says what it could not measure",
  ignore: !hasTools,
  fn: async () => {
    await using folder = await TempFolder.create();
    const json = folder.at("report.json");
    const { code, stdout, stderr } = await runProgram([
      ...[Deno.execPath(), "run", "-A", join(PROJECT, "scripts/bench.ts"), "file-server"],
      ...["--only", "ours,control", "--rounds", "1", "--seconds", "1"],
      ...["--big-mib", "2", "--entries", "1200", "--json", json],
    ], { cwd: PROJECT, guardMs: 60_000 });
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "| ours |");
    const report = JSON.parse(await Deno.readTextFile(json));
    assertEquals(Object.keys(report.versions), ["ours", "control"]);
    for (const { name, cells } of report.rows) {
      assertEquals(cells.ours.kind, "measured", `${name}: ${cells.ours.reason}`);
      assert(cells.ours.values[0] > 0, name);
    }
    const kinds = report.rows.map((row: { cells: { control: { kind: string } } }) =>
      row.cells.control.kind
    );
    assert(kinds.includes("measured") && kinds.includes("not measured"));
  },
});

Deno.test("bench refuses a group and a count that make no sense", async () => {
  for (const args of [["nonsense"], ["file-server", "--rounds", "0"], ["file-server", "--x"]]) {
    const command = [Deno.execPath(), "run", "-A", join(PROJECT, "scripts/bench.ts"), ...args];
    const { code, stdout } = await runProgram(command, { cwd: PROJECT });
    assertEquals(code, 2);
    assertStringIncludes(stdout, "Cannot measure: ");
  }
});
