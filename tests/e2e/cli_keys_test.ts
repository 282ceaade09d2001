/** Keys and tripcodes by the programs, as processes. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { toTripcode } from "../../lib/auth/tripcode.ts";
import { ChildProgram } from "../support/child_program.ts";
import { startProgram, toDenoArgs } from "../support/programs.ts";
import { TempFolder } from "../support/temp_folder.ts";

const KEY = "OpticalKangarooVintageHarmonicaDrizzleSpatulaMorning";

async function hash(input: string): Promise<readonly [number, string, string]> {
  await using folder = await TempFolder.create();
  await using relay = startProgram("relay", {
    cwd: folder.path,
    args: ["hash-api-key"],
    hasInput: true,
  });
  await relay.type(input);
  return [await relay.untilEnd(), relay.stdout, relay.stderr];
}

Deno.test("hash-api-key prints the tripcode of a key from a pipe, white space after it aside", async () => {
  for (const end of ["", "\n", " \r\n\n"]) {
    assertEquals(await hash(KEY + end), [0, `${toTripcode(KEY)}\n`, ""]);
  }
});

Deno.test("hash-api-key refuses a weak key, or none, without printing it", async () => {
  for (const key of ["secretpassword", ""]) {
    const [code, stdout, stderr] = await hash(`${key}\n`);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, /^ptth_relay: Cannot use this key: [^\n]+\nhint: [^\n]+\n$/);
    assertEquals(stderr.includes("secretpassword"), false);
  }
});

const hasScript = await canRun("script");
if (!hasScript) {
  const text = "SKIPPED: THE HIDDEN INPUT OF KEYS WAS NOT TESTED: there is no program `script`\n";
  await Deno.stderr.write(new TextEncoder().encode(text));
}

Deno.test({
  name: "hash-api-key on a terminal shows nothing of what is typed",
  ignore: !hasScript,
}, async () => {
  await using folder = await TempFolder.create();
  const command = [Deno.execPath(), ...toDenoArgs([], "relay.ts"), "hash-api-key"];
  // It gives the command a terminal, and copies what appears there: first the terminal's name.
  await using terminal = ChildProgram.start("script", {
    args: ["--quiet", "--return", "--command", `tty; ${command.map(quote).join(" ")}`, "/dev/null"],
    cwd: folder.path,
    hasInput: true,
  });
  const [tty = ""] = await terminal.untilStdout(/\/dev\/\S+/);
  await terminal.untilStdout(/Key: /);
  // The prompt comes a moment before the echo goes off, and nobody types that fast.
  for (let i = 0; i < 1000 && await hasEcho(tty); i++);
  await terminal.type(`${KEY}\r`);
  assertEquals(await terminal.untilEnd(), 0, terminal.stdout);
  assertStringIncludes(terminal.stdout, toTripcode(KEY));
  for (const part of [KEY, KEY.slice(0, 6), KEY.slice(-6)]) {
    assertEquals(terminal.stdout.includes(part), false);
  }
});

Deno.test("--generate-key writes a private file that the server accepts, and overwrites none", async () => {
  await using folder = await TempFolder.create();
  const options = { cwd: folder.path, permissions: [`--allow-write=${folder.path}`] };
  const args = ["--generate-key", "--name", "attic", "--relay-url", "http://127.0.0.1:1/"];
  await using first = startProgram("server", { ...options, args });
  assertEquals(await first.untilEnd(), 0, first.stderr);
  const path = folder.at("ptth_server.toml");
  const text = await Deno.readTextFile(path);
  if (Deno.build.os !== "windows") assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  const key = /^api_key = "(.*)"$/m.exec(text)?.[1] ?? "";
  assertMatch(key, /^([A-Z][a-z-]+){7}$/);
  assertEquals(first.stdout.includes(key), false);
  const lines = `name = "attic"\ntripcode = "${toTripcode(key)}"\n`;
  assertStringIncludes(first.stdout, lines);

  await using second = startProgram("server", { ...options, args });
  assertEquals(await second.untilEnd(), 2);
  assertMatch(second.stderr, /the file is there already\nhint: /);
  assertEquals(await Deno.readTextFile(path), text);

  await using printed = startProgram("server", { cwd: folder.path, args: ["--print-tripcode"] });
  assertEquals([await printed.untilEnd(), printed.stdout, printed.stderr], [0, lines, ""]);
});

Deno.test("--generate-key says in one line that it may not write", async () => {
  await using folder = await TempFolder.create();
  await using program = startProgram("server", { cwd: folder.path, args: ["--generate-key"] });
  assertEquals(await program.untilEnd(), 2);
  assertMatch(program.stderr, /^ptth_server: [^\n]+\n(hint: [^\n]+\n)?$/);
  assertEquals(await folder.list(), []);
});

async function hasEcho(tty: string): Promise<boolean> {
  const { stdout } = await new Deno.Command("stty", { args: ["-a", "-F", tty] }).output();
  return / echo /.test(new TextDecoder().decode(stdout));
}

async function canRun(program: string): Promise<boolean> {
  if (Deno.build.os !== "linux") return false;
  try {
    const command = new Deno.Command(program, { args: ["--version"], stdout: "null" });
    return (await command.output()).success;
  } catch {
    return false; // It is not installed.
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
