/** The benchmarks, for a second: that they measure, not what. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
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

Deno.test({
  name: "bench tunnel measures ours and the origin, and says what it could not measure",
  ignore: !hasTools || !await hasProgram("nginx"),
  fn: async () => {
    await using folder = await TempFolder.create();
    const json = folder.at("report.json");
    const rows = ["get-1k-c1", "big-1", "upload", "rate-common", "get-1k-c32", "rtt-20-1k"];
    const { code, stdout, stderr } = await runProgram([
      ...[Deno.execPath(), "run", "-A", join(PROJECT, "scripts/bench.ts"), "tunnel"],
      ...["--only", "ours,origin direct", "--rows", [...rows, "events", "rss-start"].join(",")],
      ...["--rounds", "1", "--seconds", "1", "--big-mib", "1", "--json", json],
    ], { cwd: PROJECT, guardMs: 90_000 });
    assertEquals(code, 0, stdout + stderr);
    assertStringIncludes(stdout, "### Summary");
    const report = JSON.parse(await Deno.readTextFile(json));
    assertEquals(Object.keys(report.versions), ["ours", "origin direct"]);
    assertEquals(report.rows.length, rows.length + 2);
    for (const { id, name, cells } of report.rows) {
      assertEquals(cells.ours.kind, "measured", `${name}: ${cells.ours.reason}`);
      const direct = cells["origin direct"];
      assertEquals(direct.kind, id === "rss-start" ? "not measured" : "measured", direct.reason);
      if (id === "rtt-20-1k") assert(direct.values[0] >= 20, `${direct.values[0]} ms`);
    }
  },
});

Deno.test({
  name: "bench --compare measures this tree and that of a revision",
  ignore: !hasTools || !await hasProgram("nginx") || !await isRepository(),
  fn: async () => {
    const { code, stdout, stderr } = await runProgram([
      ...[Deno.execPath(), "run", "-A", join(PROJECT, "scripts/bench.ts"), "--compare", "HEAD"],
      ...["--rows", "get-1k-c1", "--rounds", "1", "--seconds", "1", "--big-mib", "1"],
    ], { cwd: PROJECT, guardMs: 60_000 });
    assertEquals(code, 0, stdout + stderr);
    assertMatch(stdout, /\| 1 KiB, 1 connection, req\/s \| [\d,]+ \| [\d,]+ \| [\d.]+ \|/);
  },
});

/** False in a copy of the project that git knows nothing of. */
async function isRepository(): Promise<boolean> {
  if (!await hasProgram("git")) return false;
  const { code } = await runProgram(["git", "rev-parse", "--verify", "HEAD"], { cwd: PROJECT });
  return code === 0;
}

Deno.test("bench refuses a group and a count that make no sense", async () => {
  for (
    const args of [
      ["nonsense"],
      ["file-server", "--rounds", "0"],
      ["file-server", "--x"],
      ["tunnel", "--rows", "x"],
      ["tunnel", "--only", "x"],
      ["--compare", "-"],
    ]
  ) {
    const command = [Deno.execPath(), "run", "-A", join(PROJECT, "scripts/bench.ts"), ...args];
    const { code, stdout } = await runProgram(command, { cwd: PROJECT });
    assertEquals(code, 2);
    assertStringIncludes(stdout, "Cannot measure: ");
  }
});
