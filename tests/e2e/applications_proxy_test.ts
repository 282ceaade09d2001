/**
 * Applications behind other people's reverse proxies, relay and server. Those of docs/recipes are in
 * front of the relay, by TLS, for visitors and server alike.
 */

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { toUneven } from "../support/bytes.ts";
import { ChildProgram } from "../support/child_program.ts";
import { EchoClient } from "../support/echo_client.ts";
import { gitIn } from "../support/git.ts";
import { hasGitOrigin, startGitOrigin } from "../support/git_origin.ts";
import { hasProgram, NO_PROXY, runProgram } from "../support/outside_program.ts";
import {
  hasReverseProxy,
  type ReverseProxyName,
  startReverseProxy,
} from "../support/reverse_proxy.ts";
import { type SampleOrigin, startSampleOrigin } from "../support/sample_origin.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { CA_FILE, readCa } from "../support/tls_files.ts";
import { PREFIX, startTunnelPrograms, type TunnelPrograms } from "../support/tunnel_programs.ts";

const MIB = 1024 * 1024;
const RECIPES: readonly ReverseProxyName[] = ["nginx recipe", "Caddy recipe", "Apache recipe"];

const hasOthers = await hasProgram("curl") && await hasGitOrigin();

interface World extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly origin: SampleOrigin;
  readonly tunnel: TunnelPrograms;
  /** Runs curl in the folder; its standard output. */
  curl(url: string, ...args: readonly string[]): Promise<string>;
  /** curl that shows what comes as it comes. */
  watch(url: string): ChildProgram;
}

async function setUp(name: ReverseProxyName): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await TempFolder.create());
  const origin = stack.use(await startSampleOrigin());
  const { port } = stack.use(await startGitOrigin("/tree.git"));
  const tunnel = stack.use(
    await startTunnelPrograms({
      origins: [{ url: origin.url }, { path: "/git/", url: `http://127.0.0.1:${port}/` }],
      startFront: (relayPort) => startReverseProxy(name, relayPort),
    }),
  );
  const moved = stack.move();
  const flags = ["-sS", "-N", "--fail", "--cacert", CA_FILE];
  return {
    ...{ folder, origin, tunnel },
    curl: async (url, ...args) => {
      const command = ["curl", ...flags, ...args, url];
      const { code, stdout, stderr } = await runProgram(command, { cwd: folder.path });
      assertEquals(code, 0, stderr);
      return stdout;
    },
    watch: (url) =>
      ChildProgram.start("curl", { args: [...flags, url], cwd: folder.path, env: NO_PROXY }),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

async function checkSocket(url: string): Promise<void> {
  const options = { ca: readCa(), perMessageDeflate: false };
  await using client = await EchoClient.open(`${url.replace(/^http/, "ws")}/echo`, options);
  assertEquals(await client.ask("hello"), "hello");
  const bytes = toUneven(8 * MIB);
  client.socket.send(bytes);
  assertEquals(Buffer.compare((await client.next()).data, bytes), 0);
  client.socket.send("/close 4567 that was all");
  assertEquals(await client.closed, [4567, "that was all"]);
}

async function checkHalves({ origin, watch }: World, url: string): Promise<void> {
  await using visitor = watch(`${url}/halves`);
  await visitor.untilStdout(/^first\n$/);
  await origin.say("go on");
  assertEquals(await visitor.untilEnd(), 0);
  assertEquals(visitor.stdout, "first\n second\n");
}

/** `lastWord`: what the origin has to say before it is seen that the visitor has left. */
async function checkEvents(
  { origin, watch }: World,
  { url, lastWord }: { readonly url: string; readonly lastWord: string | undefined },
): Promise<void> {
  await using visitor = watch(`${url}/events`);
  await origin.program.untilStdout(/events after 0\n/);
  for (const word of ["first", "second"]) {
    await origin.say(word);
    await visitor.untilStdout(new RegExp(`data: ${word}\n\n$`));
  }
  visitor.signal("SIGTERM");
  await visitor.untilEnd();
  if (lastWord !== undefined) await origin.say(lastWord);
  await origin.program.untilStdout(/events after 0 are over\n/);
}

async function checkBodies(
  { folder, curl }: World,
  { url, bytes }: { readonly url: string; readonly bytes: number },
): Promise<void> {
  await curl(`${url}/bytes?${bytes}`, "-o", "file");
  const { stdout } = await runProgram(["sha256sum", "file"], { cwd: folder.path });
  const [digest] = stdout.split(" ");
  assertEquals(await curl(`${url}/digest`, "-T", "file"), `${digest} ${bytes} ${bytes}`);
  const chunked = await curl(`${url}/digest`, "-T", "file", "-H", "Transfer-Encoding: chunked");
  assertEquals(chunked, `${digest} ${bytes} chunked`);
}

async function checkProvenance({ curl }: World, url: string): Promise<void> {
  const forged = ["X-Forwarded-For: 192.0.2.66", "X-Real-IP: 192.0.2.66"];
  const text = await curl(`${url}/request`, ...forged.flatMap((field) => ["-H", field]));
  const lines: readonly string[] = JSON.parse(text).rawHeaders;
  const valueOf = (name: string): string | undefined =>
    lines[lines.findIndex((line, at) => at % 2 === 0 && line.toLowerCase() === name) + 1];
  const { host } = new URL(url);
  assertEquals(
    ["for", "proto", "host", "prefix"].map((what) => valueOf(`x-forwarded-${what}`)),
    ["127.0.0.1, 127.0.0.1", "https", host, PREFIX],
  );
  assertEquals(valueOf("host"), host);
  assertEquals(text.includes("192.0.2.66"), false);
}

async function checkGit({ folder }: World, url: string): Promise<void> {
  const git = gitIn(folder.path);
  const repository = `${url}/git/tree.git`;
  await git("init", "-q", "-b", "main", "first");
  await folder.write("first/table.bin", toUneven(4 * MIB));
  const first = gitIn(folder.at("first"));
  await first("add", ".");
  await first("commit", "-qm", "a table");
  await first("-c", "http.postBuffer=65536", "push", "-q", repository, "main");
  await git("clone", "-q", repository, "second");
  const second = gitIn(folder.at("second"));
  assertEquals(await second("rev-parse", "HEAD"), await first("rev-parse", "HEAD"));
  assertEquals(await second("ls-files"), "table.bin");
}

for (const name of RECIPES) {
  const ignore = !await hasReverseProxy(name) || !hasOthers;
  Deno.test({ name: `applications behind ${name}`, ignore }, async (t) => {
    await using world = await setUp(name);
    const { url } = world.tunnel;
    // Apache sees that a visitor has left only when it cannot send.
    const lastWord = name === "Apache recipe" ? "much" : undefined;
    assert(url.startsWith("https://"));
    await t.step("WebSocket: texts, 8 MiB, and the code of a close", () => checkSocket(url));
    await t.step(
      "a half of an answer comes before the other is made",
      () => checkHalves(world, url),
    );
    await t.step(
      "each event comes before the next is made; a visitor that leaves ends them",
      () => checkEvents(world, { url, lastWord }),
    );
    await t.step(
      "100 MiB down, and up with a length and in chunks",
      () => checkBodies(world, { url, bytes: 100 * MIB }),
    );
    await t.step(
      "the origin sees the visitor's address, and what it is reached by",
      () => checkProvenance(world, url),
    );
    await t.step("git pushes 4 MiB, and clones them", () => checkGit(world, url));
    await t.step("nothing is left", () => world.tunnel.end());
  });
}

Deno.test({
  name:
    "applications of a server behind nginx as installed, which holds bodies and knows no upgrade",
  ignore: !await hasReverseProxy("nginx as installed") || !hasOthers,
}, async (t) => {
  await using world = await setUp("nginx as installed");
  const url = `http://127.0.0.1:${world.tunnel.port}${PREFIX}`;
  await t.step("WebSocket: texts, 8 MiB, and the code of a close", () => checkSocket(url));
  await t.step(
    "each event comes before the next is made; a visitor that leaves ends them",
    () => checkEvents(world, { url, lastWord: undefined }),
  );
  await t.step(
    "10 MiB down, and up with a length and in chunks",
    () => checkBodies(world, { url, bytes: 10 * MIB }),
  );
  await t.step("git pushes 4 MiB, and clones them", () => checkGit(world, url));
  await t.step("nothing is left", () => world.tunnel.end(/A proxy on the way to the relay holds/));
});
