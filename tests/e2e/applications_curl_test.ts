/** curl as a visitor of an application behind relay and server: big bodies, and the rarer of HTTP. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { ChildProgram } from "../support/child_program.ts";
import { hasProgram, NO_PROXY, runProgram } from "../support/outside_program.ts";
import { type SampleOrigin, startSampleOrigin } from "../support/sample_origin.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { startTunnelPrograms, type TunnelPrograms } from "../support/tunnel_programs.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;

const ignore = !await hasProgram("curl");

interface World extends AsyncDisposable {
  readonly origin: SampleOrigin;
  readonly tunnel: TunnelPrograms;
  readonly folder: TempFolder;
  /** Runs curl in the folder, with the URL of a path last; its standard output. */
  curl(path: string, ...args: readonly string[]): Promise<string>;
}

async function setUp(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await TempFolder.create());
  const origin = stack.use(await startSampleOrigin());
  const tunnel = stack.use(await startTunnelPrograms({ origins: [{ url: origin.url }] }));
  const moved = stack.move();
  return {
    origin,
    tunnel,
    folder,
    curl: async (path, ...args) => {
      const command = ["curl", "-sS", "--fail", ...args, tunnel.url + path];
      const { code, stdout, stderr } = await runProgram(command, { cwd: folder.path });
      assertEquals(code, 0, `${command.join(" ")}: ${stderr}`);
      return stdout;
    },
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

async function digestFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await Deno.open(path);
  for await (const chunk of file.readable) hash.update(chunk);
  return hash.digest("hex");
}

/** As an upload whose standard error is watched. */
function startUpload({ tunnel, folder }: World, path: string): ChildProgram {
  return ChildProgram.start("curl", {
    args: ["-v", "-sS", "--expect100-timeout", "60", "-T", "file", tunnel.url + path],
    cwd: folder.path,
    env: NO_PROXY,
  });
}

Deno.test({ name: "curl: 1 GiB down and up again is the same", ignore }, async () => {
  await using world = await setUp();
  await world.curl(`/bytes?${GIB}`, "-o", "big");
  const digest = await digestFile(world.folder.at("big"));
  assertEquals(await world.curl("/digest", "-T", "big"), `${digest} ${GIB} ${GIB}`);
  for (const [program, bound] of [["relay", 250], ["server", 900]] as const) {
    const peak = await world.tunnel.readPeakMib(program);
    assert(peak < bound, `the ${program} took ${peak} MiB`);
  }
  await world.tunnel.end();
});

Deno.test({ name: "curl: bodies whose length nobody knows", ignore }, async (t) => {
  await using world = await setUp();
  await world.curl(`/bytes?${128 * MIB}`, "-o", "file");
  const digest = await digestFile(world.folder.at("file"));

  await t.step("up, from a pipe", async () => {
    const command = `cat file | curl -sS --fail -T - ${world.tunnel.url}/digest`;
    const { stdout } = await runProgram(["sh", "-c", command], { cwd: world.folder.path });
    assertEquals(stdout, `${digest} ${128 * MIB} chunked`);
  });

  await t.step("up and down at once", async () => {
    const head = await world.curl("/echo", "-T", "file", "-o", "echo", "-D", "-");
    assertMatch(head, /^transfer-encoding: chunked\r$/im);
    assertEquals(await digestFile(world.folder.at("echo")), digest);
  });

  await world.tunnel.end();
});

Deno.test({ name: "curl: bodies that wait to be asked for", ignore }, async (t) => {
  await using world = await setUp();
  await world.folder.write("file", new Uint8Array(20 * MIB));
  const digest = await digestFile(world.folder.at("file"));
  const expected = `${digest} ${20 * MIB} ${20 * MIB}`;

  await t.step("the origin's 100 comes through", async () => {
    await using upload = startUpload(world, "/held");
    await world.origin.program.untilStdout(/holds a body\n/);
    await world.origin.say("go");
    assertEquals(await upload.untilEnd(), 0);
    assertStringIncludes(upload.stderr, "< HTTP/1.1 100 Continue\r\n");
    assertEquals(upload.stdout, expected);
  });

  await t.step("an origin that says no 100 is sent the body all the same", async () => {
    await using upload = startUpload(world, "/held");
    await upload.untilStderr(/< HTTP\/1\.1 100 Continue\r\n/);
    await world.origin.say("go");
    assertEquals(await upload.untilEnd(), 0);
    assertEquals(upload.stdout, expected);
  });

  await t.step("a refusal comes at once, and nothing of the body is sent", async () => {
    const command = ["curl", "-sS", "--expect100-timeout", "60", "-T", "file", "-w"];
    const { stdout } = await runProgram(
      [...command, " %{http_code} %{size_upload}", `${world.tunnel.url}/refuse`],
      { cwd: world.folder.path },
    );
    assertEquals(stdout, "too much 413 0");
  });

  await world.tunnel.end();
});

Deno.test({ name: "curl: methods, ranges, heads and HTTP/1.0", ignore }, async (t) => {
  await using world = await setUp();
  const { curl, folder, tunnel } = world;
  await curl(`/bytes?${MIB}`, "-o", "file");
  const file = await Deno.readFile(folder.at("file"));

  await t.step("PROPFIND with a body, a query and fields that are repeated", async () => {
    const args = ["-X", "PROPFIND", "-d", "<propfind/>", "-H", "Depth: 1"];
    const text = await curl("/request?a=%2f&a=%C3%A4", ...args, "-H", "X-A: 1", "-H", "X-A: 2");
    const { method, url, rawHeaders, body } = JSON.parse(text);
    assertEquals([method, url, body], ["PROPFIND", "/request?a=%2f&a=%C3%A4", "<propfind/>"]);
    assertStringIncludes(rawHeaders.join("\n"), "Depth\n1\nX-A\n1\nX-A\n2\n");
  });

  await t.step("HEAD", async () => {
    assertMatch(await curl(`/bytes?${GIB}`, "-I"), new RegExp(`^Content-Length: ${GIB}\r$`, "m"));
  });

  await t.step("a range", async () => {
    await curl(`/bytes?${MIB}`, "-r", "300000-500000", "-o", "part");
    assertEquals(await Deno.readFile(folder.at("part")), file.slice(300_000, 500_001));
  });

  await t.step("HTTP/1.0: an answer with a length, one without, and an upload", async () => {
    await curl(`/bytes?${MIB}`, "--http1.0", "-o", "again");
    assertEquals(await Deno.readFile(folder.at("again")), file);
    const args = ["--http1.0", "-T", "file", "-o", "echo", "-D", "-"];
    const head = await curl("/echo", ...args);
    assertEquals(/^(?:transfer-encoding|content-length):/im.test(head), false, head);
    assertEquals(await Deno.readFile(folder.at("echo")), file);
    const digest = await digestFile(folder.at("file"));
    assertEquals(await curl("/digest", "--http1.0", "-T", "file"), `${digest} ${MIB} ${MIB}`);
  });

  await tunnel.end();
});

Deno.test(
  { name: "curl: 10,000 answers on four connections, each with its cookies", ignore },
  async () => {
    await using world = await setUp();
    const ends = [2500, 5000, 7500, 10_000];
    await Promise.all(ends.map(async (end) => {
      const numbers = Array.from({ length: 2500 }, (_, at) => end - 2499 + at);
      const connects = await world.curl(
        `/cookies?[${numbers[0]}-${end}]`,
        ...["-D", `heads ${end}`, "-o", "/dev/null", "-w", "%{num_connects} "],
      );
      assertEquals(connects, `1 ${"0 ".repeat(2499)}`);
      const heads = await Deno.readTextFile(world.folder.at(`heads ${end}`));
      assertEquals(
        [...heads.matchAll(/^Set-Cookie: (.*)\r$/gim)].map(([, cookie]) => cookie),
        numbers.flatMap((number) => [`a=${number}; Path=/servers/home/`, `b=${number}; HttpOnly`]),
      );
      assertEquals(
        [...heads.matchAll(/^HTTP\/1\.1 (.*)\r$/gm)].map(([, status]) => status),
        numbers.map(() => "200 OK"),
      );
    }));
    await world.tunnel.end();
  },
);
