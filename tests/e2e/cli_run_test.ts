/** The programs at work, as processes: from configuration files to a visitor's file, and their end. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { toTripcode } from "../../lib/auth/tripcode.ts";
import { ChildProgram } from "../support/child_program.ts";
import { startProgram, toDenoArgs } from "../support/programs.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { toRequestText, visit } from "../support/visit.ts";

const KEY = "OpticalKangarooVintageHarmonicaDrizzleSpatulaMorning";
const MIB = 1024 * 1024;
const isUnix = Deno.build.os !== "windows";

function toRelayFile(names: readonly string[], port = 0): string {
  const servers = names.map((name) =>
    `[[servers]]\nname = "${name}"\ntripcode = "${toTripcode(KEY)}"\n`
  );
  return `host = "127.0.0.1"\nport = ${port}\nadmin_port = false\n${servers.join("")}`;
}

/** A relay that has read its file, and its port. */
async function startRelay(
  folder: TempFolder,
): Promise<{ readonly relay: ChildProgram; readonly port: number }> {
  const relay = startProgram("relay", { cwd: folder.path });
  const [, port] = await relay.untilStderr(
    /Listening for visitors on http:\/\/127\.0\.0\.1:(\d+)\//,
  );
  return { relay, port: Number(port) };
}

/** A server that is connected, with the folder `public` of its own. */
async function startServer(
  folder: TempFolder,
  { name, port }: { readonly name: string; readonly port: number },
): Promise<ChildProgram> {
  const path = await folder.write(
    `${name}/ptth_server.toml`,
    `name = "${name}"\napi_key = "${KEY}"\nrelay_url = "http://127.0.0.1:${port}"\n` +
      `file_server_root = "public"\n`,
  );
  if (isUnix) await Deno.chmod(path, 0o600);
  await Deno.mkdir(folder.at(`${name}/public`), { recursive: true });
  const server = startProgram("server", { cwd: folder.at(name) });
  await server.untilStderr(/ Connected /);
  return server;
}

/** A visitor that has the head of an answer that is far from its end. */
async function stopReadingAfterHead(port: number, target: string): Promise<RawConnection> {
  const connection = await RawConnection.open(port);
  await connection.send(toRequestText(target));
  assertMatch(await connection.readThrough("\r\n\r\n"), /^HTTP\/1\.1 200 /);
  connection.socket.pause();
  return connection;
}

async function writeZeros(folder: TempFolder, name: string): Promise<void> {
  await Deno.truncate(await folder.write(name, ""), 128 * MIB);
}

/** All lines are the program's own, and whole: no stack trace, no control characters. */
function assertCleanLog({ stderr }: ChildProgram): void {
  // deno-lint-ignore no-control-regex
  assertEquals(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/.test(stderr), false, JSON.stringify(stderr));
  for (const line of stderr.trimEnd().split("\n")) {
    assertMatch(line, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO |WARN |ERROR) /);
  }
  assertEquals(stderr.includes(KEY), false);
}

Deno.test(
  { name: "programs: the main job, from configuration files to the end", ignore: !isUnix },
  async (t) => {
    await using folder = await TempFolder.create();
    await folder.write("ptth_relay.toml", toRelayFile(["home"]));
    await folder.write("home/public/hello.txt", "Hello through the relay");
    const { relay, port } = await startRelay(folder);
    await using _relay = relay;
    await using server = await startServer(folder, { name: "home", port });

    await t.step("a visitor gets a file, and nothing of the configuration", async () => {
      const { status, body } = await visit(port, "/servers/home/files/hello.txt");
      assertEquals([status, body], [200, "Hello through the relay"]);
      assertEquals((await visit(port, "/servers/home/files/../ptth_server.toml")).status, 404);
    });

    await t.step("what peers send never reaches a log raw", async () => {
      const names = ["%1b%5b2J", "%0d%0aINFO%20forged", "\x9b2J", "a\x07b"];
      for (const name of names) {
        await using peer = await RawConnection.open(port);
        await peer.send(
          toRequestText(`/servers/${name}/${name}`, { headers: ["Connection: close"] }),
        );
        await peer.readToEnd();
        await using poll = await RawConnection.open(port);
        await poll.send(
          toRequestText(`/7ZSFUKGV/http_listen/${name}`, {
            headers: ["X-ApiKey: \x9b2J", "Connection: close"],
          }),
        );
        await poll.readToEnd();
      }
      await visit(port, "/servers/home/files/%1b%5b2J%9b%0a");
    });

    await t.step("a changed file lets another server in while the relay runs", async () => {
      await folder.write("second/public/hello.txt", "Hello from the second");
      await folder.write("ptth_relay.toml", toRelayFile(["home", "second"]));
      await relay.untilStderr(/Configuration reloaded servers=2/);
      await using second = await startServer(folder, { name: "second", port });
      const { body } = await visit(port, "/servers/second/files/hello.txt");
      assertEquals(body, "Hello from the second");
      assertEquals(await second.stop(), 0, second.stderr);
      assertCleanLog(second);
    });

    await t.step("a broken file is one line in the log, and changes nothing", async () => {
      await folder.write("ptth_relay.toml", `${toRelayFile([])}prot = 1\n`);
      await relay.untilStderr(/The new configuration is not used .*ptth_relay\.toml:4:1/);
      // Asked again, it does not complain again; the next good file shows that it has read it.
      relay.signal("SIGHUP");
      assertEquals((await visit(port, "/servers/home/files/hello.txt")).status, 200);
      await folder.write("ptth_relay.toml", toRelayFile(["home", "third", "fourth"]));
      relay.signal("SIGHUP");
      await relay.untilStderr(/Configuration reloaded servers=3/);
      assertEquals(relay.stderr.match(/The new configuration is not used/g)?.length, 1);
      assertEquals((await visit(port, "/servers/home/files/hello.txt")).status, 200);
    });

    await t.step("SIGTERM ends both with 0", async () => {
      assertEquals(await server.stop(), 0, server.stderr);
      assertEquals(await relay.stop(), 0, relay.stderr);
      for (const program of [server, relay]) {
        assertStringIncludes(program.stderr, "Stopped\n");
        assertEquals(program.stdout, "");
        assertCleanLog(program);
      }
    });
  },
);

Deno.test({
  name: "ptth_relay and ptth_server: a second SIGINT ends them at once",
  ignore: !isUnix,
}, async () => {
  await using folder = await TempFolder.create();
  await folder.write("ptth_relay.toml", toRelayFile(["home"]));
  await writeZeros(folder, "home/public/big");
  const { relay, port } = await startRelay(folder);
  await using _relay = relay;
  await using server = await startServer(folder, { name: "home", port });
  await using _visitor = await stopReadingAfterHead(port, "/servers/home/files/big");
  for (const program of [server, relay]) {
    program.signal("SIGINT");
    await program.untilStderr(/Stopping: exchanges in flight may end; once more stops at once/);
    program.signal("SIGINT");
    assertEquals(await program.untilEnd(), 1);
    assertEquals(program.stderr.includes("Stopped"), false);
  }
});

Deno.test({
  name: "ptth_file_server: serves its folder, logs no controls, and ends with 0",
  ignore: !isUnix,
}, async () => {
  await using folder = await TempFolder.create();
  await folder.write("public/hello.txt", "hello");
  await using program = startProgram("file_server", {
    cwd: folder.path,
    args: ["--port", "0", "--log-level", "debug", "public"],
  });
  const [, port] = await program.untilStderr(/ on http:\/\/127\.0\.0\.1:(\d+)\//);
  const local = { host: `127.0.0.1:${port}` };
  assertEquals((await visit(Number(port), "/hello.txt", local)).body, "hello");
  for (const path of ["/%1b%5b2J", "/..%5c%0aforged", "/\x9b2J"]) {
    const { status } = await visit(Number(port), path, local);
    assert(status === 400 || status === 404, `${path} is ${status}`);
  }
  // DNS rebinding: a stranger's name that leads here.
  assertEquals((await visit(Number(port), "/hello.txt", { host: "evil.test" })).status, 421);
  assertEquals(await program.stop(), 0, program.stderr);
  assertStringIncludes(program.stderr, "Stopped\n");
  assertCleanLog(program);
});

for (const name of ["relay", "file_server"] as const) {
  Deno.test(`ptth_${name}: a port that is taken is one clear line, and status 1`, async () => {
    await using folder = await TempFolder.create();
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = taken.addr as Deno.NetAddr;
    await folder.write("ptth_relay.toml", toRelayFile(["home"], port));
    const args = name === "relay" ? [] : ["--port", String(port)];
    await using program = startProgram(name, { cwd: folder.path, args });
    assertEquals(await program.untilEnd(), 1);
    const line =
      `ptth_${name}: Cannot listen on http://127.0.0.1:${port}/: another program uses this port`;
    assertEquals(program.stderr, `${line}\n`);
    assertEquals(program.stdout, "");
  });
}

Deno.test({
  name: "--auto-gen-key writes a file where there is none, runs, and keeps it",
  ignore: !isUnix,
}, async () => {
  await using folder = await TempFolder.create();
  // Nobody listens there: the server waits for its relay.
  const args = ["--auto-gen-key", "--name", "attic", "--relay-url", "http://127.0.0.1:1"];
  const options = { cwd: folder.path, permissions: [`--allow-write=${folder.path}`], args };
  const texts: string[] = [];
  for (let i = 0; i < 2; i++) {
    await using server = startProgram("server", options);
    await server.untilStderr(/No connection to the relay/);
    texts.push(await Deno.readTextFile(folder.at("ptth_server.toml")));
    assertEquals(await server.stop(), 0, server.stderr);
    assertCleanLog(server);
    assertEquals(server.stdout.includes("tripcode = "), i === 0);
  }
  assertEquals(texts[0], texts[1]);
  assertEquals(((await Deno.stat(folder.at("ptth_server.toml"))).mode ?? 0) & 0o777, 0o600);
});

Deno.test({
  name: "demo: prints a URL that serves the folder, ends with 0, and leaves nothing behind",
  ignore: !isUnix,
}, async () => {
  await using folder = await TempFolder.create();
  await folder.write("hello.txt", "hello from the demo");
  const { tasks } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  const permissions = String(tasks.demo.command).match(/--allow-\S+/g) ?? [];
  await using demo = ChildProgram.start(Deno.execPath(), {
    args: [...toDenoArgs(permissions, "scripts/demo.ts"), folder.path],
    cwd: folder.path,
  });
  const [, url = ""] = await demo.untilStdout(/curl (http:\/\/\S+)/);
  const { port, pathname } = new URL(url);
  assertStringIncludes((await visit(Number(port), pathname)).body, "hello.txt");
  assertEquals((await visit(Number(port), `${pathname}hello.txt`)).body, "hello from the demo");
  demo.signal("SIGINT");
  assertEquals(await demo.untilEnd(), 0, demo.stderr);
  assertEquals(demo.stderr, "");
  assertEquals(await folder.list(), ["hello.txt"]);
});
