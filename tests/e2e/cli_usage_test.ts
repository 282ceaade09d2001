/** What the programs say about themselves and about mistakes, as processes. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import project from "../../deno.json" with { type: "json" };
import { toTripcode } from "../../lib/auth/tripcode.ts";
import { type ProgramName, type StartOptions, startProgram } from "../support/programs.ts";
import { TempFolder } from "../support/temp_folder.ts";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
async function run(name: ProgramName, options: StartOptions): Promise<Ended> {
  await using program = startProgram(name, options);
  const code = await program.untilEnd();
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/** A refusal: exit code 2, one line and perhaps a hint on standard error, and nothing else. */
function assertRefused({ code, stdout, stderr }: Ended, name: string, message: RegExp): void {
  assertEquals([code, stdout], [2, ""], stderr);
  assertMatch(stderr, new RegExp(`^${name}: [^\\n]+\\n(hint: [^\\n]+\\n)?$`));
  assertMatch(stderr, message);
}

const NAMES = ["relay", "server", "file_server"] as const;
const KEY = "OpticalKangarooVintageHarmonicaDrizzleSpatulaMorning";

for (const name of NAMES) {
  Deno.test(`ptth_${name} tells its usage and version on standard output, and its mistakes not`, async (t) => {
    await using folder = await TempFolder.create();
    const cwd = folder.path;
    await t.step("--help", async () => {
      for (const flag of ["--help", "-h"]) {
        const { code, stdout, stderr } = await run(name, { cwd, args: [flag] });
        assertEquals([code, stderr], [0, ""]);
        assertMatch(stdout, new RegExp(`^ptth_${name}: .*\\n`));
        assertStringIncludes(stdout, `Usage: ptth_${name} `);
        assertStringIncludes(stdout, "--log-level");
      }
    });
    await t.step("--version", async () => {
      const { code, stdout, stderr } = await run(name, { cwd, args: ["--version"] });
      assertEquals([code, stdout, stderr], [0, `ptth_${name} ${project.version}\n`, ""]);
    });
    await t.step("an unknown option names the nearest one", async () => {
      const ended = await run(name, { cwd, args: ["--log-levle", "debug"] });
      assertRefused(ended, `ptth_${name}`, /Unknown option "--log-levle"\n.*"--log-level"/);
    });
    await t.step("a wrong value", async () => {
      const ended = await run(name, { cwd, args: ["--log-level", "loud"] });
      assertRefused(ended, `ptth_${name}`, /"--log-level"/);
    });
  });
}

Deno.test("ptth_relay: a mistake in its file is one line with the place, and never quotes the file", async (t) => {
  await using folder = await TempFolder.create();
  const cwd = folder.path;
  const servers = `[[servers]]\nname = "a"\ntripcode = "${toTripcode(KEY)}"\n`;
  const files: readonly (readonly [string, string, RegExp])[] = [
    ["broken TOML", `port = 4000\nhost = = "SECRET"\n`, /: \.\/ptth_relay\.toml:2:8: /],
    ["an unknown key", `prot = 4000\n`, /: \.\/ptth_relay\.toml:1:1: .*"prot".*\nhint: .*"port"/],
    ["a wrong type", `port = "SECRET"\n`, /: \.\/ptth_relay\.toml:1:\d+: .*"port"/],
    ["a key given twice", `port = 1\nport = 2\n`, /: \.\/ptth_relay\.toml:2:\d+: /],
    ["two servers of a name", `${servers}${servers}`, /: \.\/ptth_relay\.toml:5:\d+: /],
    ["a bad tripcode", servers.replace('="\n', '"\n'), /: \.\/ptth_relay\.toml:3:\d+: /],
  ];
  for (const [what, text, message] of files) {
    await t.step(what, async () => {
      await folder.write("ptth_relay.toml", text);
      const ended = await run("relay", { cwd });
      assertRefused(ended, "ptth_relay", message);
      assertEquals(ended.stderr.includes("SECRET"), false);
    });
  }
  await t.step("no file at all", async () => {
    await Deno.remove(folder.at("ptth_relay.toml"));
    const ended = await run("relay", { cwd });
    assertRefused(ended, "ptth_relay", /"\.\/ptth_relay\.toml" nor "\.\/config\/ptth_relay\.toml"/);
    const named = await run("relay", { cwd, args: ["--config", "other.toml"] });
    assertRefused(named, "ptth_relay", /"other\.toml"/);
  });
  await t.step("an unknown command, and a key as an argument, which is not repeated", async () => {
    assertRefused(
      await run("relay", { cwd, args: ["hash-api-kye"] }),
      "ptth_relay",
      /hash-api-key/,
    );
    const ended = await run("relay", { cwd, args: ["hash-api-key", "SECRET"] });
    assertRefused(ended, "ptth_relay", /takes no argument/);
    assertEquals(ended.stderr.includes("SECRET"), false);
  });
});

function toServerFile(key: string): string {
  return `name = "home"\napi_key = "${key}"\nrelay_url = "http://127.0.0.1:1"\n`;
}

Deno.test({
  name: "ptth_server: refuses a file that others can read, and a weak key, without printing it",
  ignore: Deno.build.os === "windows",
}, async (t) => {
  await using folder = await TempFolder.create();
  const cwd = folder.path;
  await t.step("no file", async () => {
    assertRefused(
      await run("server", { cwd }),
      "ptth_server",
      /ptth_server\.toml.*\nhint: .*--generate-key/,
    );
  });
  await t.step("modes", async () => {
    const path = await folder.write("ptth_server.toml", toServerFile(KEY));
    for (const mode of [0o644, 0o640, 0o604]) {
      await Deno.chmod(path, mode);
      const ended = await run("server", { cwd });
      assertRefused(ended, "ptth_server", /others than its owner can read it\nhint: .*chmod 600/);
      assertEquals(ended.stderr.includes(KEY), false);
    }
    await Deno.chmod(path, 0o400);
    const { code, stderr } = await run("server", { cwd, args: ["--print-tripcode"] });
    assertEquals([code, stderr], [0, ""]);
    await Deno.remove(path);
  });
  await t.step("weak keys", async () => {
    for (const key of ["secretpassword", "correcthorsebatterystaple", "aaaaaaaaaaaaaaaaaaaaaaaa"]) {
      const path = await folder.write("ptth_server.toml", toServerFile(key));
      await Deno.chmod(path, 0o600);
      const ended = await run("server", { cwd });
      assertRefused(ended, "ptth_server", /api_key.*\nhint: /);
      assertEquals(ended.stderr.includes(key), false);
    }
  });
  await t.step("a key on the command line, which is not repeated", async () => {
    const ended = await run("server", { cwd, args: ["--api-key", "SECRET"] });
    assertRefused(ended, "ptth_server", /"--api-key"\nhint: .*configuration file/);
    assertEquals(ended.stderr.includes("SECRET"), false);
  });
});

Deno.test("ptth_file_server: a root that is none is one line and a hint", async () => {
  await using folder = await TempFolder.create();
  const path = await folder.write("file", "");
  for (const root of ["missing", path]) {
    const ended = await run("file_server", { cwd: folder.path, args: ["--port", "0", root] });
    assertRefused(ended, "ptth_file_server", /Cannot .*\n/);
  }
});
