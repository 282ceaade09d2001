/**
 * The main job with compiled programs. It needs DENO_COMPILE_CLI and DENORT_BIN, which name a Deno
 * and the runtime that it puts into binaries: `deno task test` must not download one.
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import project from "../../deno.json" with { type: "json" };
import { ChildProgram } from "../support/child_program.ts";
import { TempFolder } from "../support/temp_folder.ts";

const compiler = Deno.env.get("DENO_COMPILE_CLI");
const canCompile = compiler !== undefined && Deno.env.has("DENORT_BIN");
if (!canCompile) {
  await warn("THE COMPILED PROGRAMS WERE NOT TESTED: DENO_COMPILE_CLI and DENORT_BIN are not set");
}

Deno.test({
  name: "the compiled programs start, list a folder, serve a file and stop",
  ignore: !canCompile,
}, async (t) => {
  await using folder = await TempFolder.create();
  const path = await compileAll(folder);
  await folder.write("public/hello.txt", "Hello through the relay");

  await t.step("each prints its version", async () => {
    for (const name of ["ptth_relay", "ptth_server", "ptth_file_server"]) {
      await using program = ChildProgram.start(path(name), {
        args: ["--version"],
        cwd: folder.path,
      });
      assertEquals(await program.untilEnd(), 0);
      assertEquals(program.stdout, `${name} ${project.version}\n`);
    }
  });

  await t.step("a wrong configuration ends the relay with 2", async () => {
    const config = await folder.write("wrong.toml", 'prot = 4000\nhost = "127.0.0.1"\n');
    await using relay = ChildProgram.start(path("ptth_relay"), {
      args: ["--config", config],
      cwd: folder.path,
    });
    assertEquals(await relay.untilEnd(), 2);
    assertStringIncludes(relay.stderr, `${config}:1:1: `);
    assertStringIncludes(relay.stderr, '"prot"');
  });

  await t.step(
    "the server writes its configuration; a listing and a file pass through relay and server",
    async () => {
      const tripcode = await generateKey(path("ptth_server"), folder.path);
      await folder.write(
        "ptth_relay.toml",
        `host = "127.0.0.1"\nport = 0\nadmin_port = false\n[[servers]]\nname = "smoke"\n` +
          `tripcode = "${tripcode}"\n`,
      );
      await using programs = await startBoth(path, folder.path);
      const files = new URL("servers/smoke/files/", programs.relayUrl).href;
      assertStringIncludes(await get(files), "hello.txt");
      assertEquals(await get(`${files}hello.txt`), "Hello through the relay");
      const answer = await fetch(new URL("servers/other/", programs.relayUrl));
      assertEquals([answer.status, await answer.text() !== ""], [404, true]);
      await stopBoth(programs);
    },
  );

  await t.step("the file server alone lists the folder, and stops with 0", async () => {
    await using server = ChildProgram.start(path("ptth_file_server"), {
      args: ["--port", "0", "public"],
      cwd: folder.path,
    });
    const [, url = ""] = await server.untilStderr(/ on (http:\S+)/);
    assertStringIncludes(await get(url), "hello.txt");
    assertEquals(await server.stop(), 0, server.stderr);
  });
});

/** Compiles for this computer; the path of each program by its name. */
async function compileAll(folder: TempFolder): Promise<(name: string) => string> {
  const out = folder.at("dist");
  await using compiler = ChildProgram.start("deno", {
    args: ["task", "--quiet", "compile", "--host-only", "--out", out],
    cwd: fromFileUrl(new URL("../..", import.meta.url)),
  });
  assertEquals(await compiler.untilEnd(), 0, compiler.stderr);
  const suffix = Deno.build.os === "windows" ? ".exe" : "";
  return (name) => `${out}/${Deno.build.target}/${name}${suffix}`;
}

/** Has the server write its configuration file; the tripcode of the key in it. */
async function generateKey(server: string, cwd: string): Promise<string> {
  await using program = ChildProgram.start(server, {
    args: ["--generate-key", "--name", "smoke"],
    cwd,
  });
  assertEquals(await program.untilEnd(), 0, program.stderr);
  assertMatch(program.stdout, /^tripcode = "[A-Za-z0-9+\/]{43}="$/m);
  return /tripcode = "([^"]*)"/.exec(program.stdout)?.[1] ?? "";
}

interface Both extends AsyncDisposable {
  readonly relay: ChildProgram;
  readonly server: ChildProgram;
  readonly relayUrl: string;
}

async function startBoth(path: (name: string) => string, cwd: string): Promise<Both> {
  await using started = new AsyncDisposableStack();
  const relay = started.use(ChildProgram.start(path("ptth_relay"), { cwd }));
  const [, relayUrl = ""] = await relay.untilStderr(/Listening for visitors on (http:\S+)/);
  const server = started.use(ChildProgram.start(path("ptth_server"), {
    args: ["--relay-url", relayUrl, "--file-server-root", "public"],
    cwd,
  }));
  await server.untilStderr(/Serving ".*public" as "smoke"/);
  const all = started.move();
  return { relay, server, relayUrl, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

async function stopBoth({ relay, server }: Both): Promise<void> {
  assertEquals(await server.stop(), 0, server.stderr);
  assertEquals(await relay.stop(), 0, relay.stderr);
}

async function warn(text: string): Promise<void> {
  await Deno.stderr.write(new TextEncoder().encode(`SKIPPED: ${text}\n`));
}

async function get(url: string): Promise<string> {
  const response = await fetch(url);
  const text = await response.text();
  assertEquals(response.status, 200, text);
  return text;
}
