/** The options of ptth_file_server that no other program has, as a process. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import type { ChildProgram } from "../support/child_program.ts";
import { startProgram } from "../support/programs.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { readCa } from "../support/tls_files.ts";
import { fieldOf, visit } from "../support/visit.ts";

const isUnix = Deno.build.os !== "windows";
const fixture = (name: string): string =>
  fromFileUrl(new URL(`../fixtures/tls/${name}`, import.meta.url));

async function hashPassword(password: string): Promise<string> {
  await using folder = await TempFolder.create();
  const args = ["hash-password"];
  await using program = startProgram("file_server", { cwd: folder.path, args, hasInput: true });
  await program.type(password);
  assertEquals(await program.untilEnd(), 0, program.stderr);
  assertEquals(program.stderr, "");
  return program.stdout.trimEnd();
}

async function start(folder: TempFolder, ...args: string[]): Promise<ChildProgram> {
  await folder.write("public/hello.txt", "hello");
  return startProgram("file_server", {
    cwd: folder.path,
    args: ["--port", "0", ...args, "public"],
  });
}

async function portOf(program: ChildProgram): Promise<number> {
  const [, port] = await program.untilStderr(/Serving .* on .*https?:\/\/127\.0\.0\.1:(\d+)\//);
  return Number(port);
}

const authorization = (text: string): string[] => [`Authorization: Basic ${btoa(text)}`];

Deno.test({
  name: "--auth-file, --base-path and --access-log=combined work together",
  ignore: !isUnix,
}, async () => {
  await using folder = await TempFolder.create();
  await folder.write("public/users", `alice:${await hashPassword("secret\n")}\n`);
  await Deno.chmod(folder.at("public/users"), 0o600);
  const options = ["--auth-file=public/users", "--base-path=/shared", "--access-log=combined"];
  await using program = await start(folder, ...options);
  const port = await portOf(program);
  const host = `127.0.0.1:${port}`;

  const stranger = await visit(port, "/shared/hello.txt", { host });
  assertEquals(stranger.status, 401);
  assertEquals(fieldOf(stranger, "www-authenticate"), 'Basic realm="Files", charset="UTF-8"');
  const wrong = { host, headers: authorization("alice:wrong") };
  assertEquals((await visit(port, "/shared/hello.txt", wrong)).status, 401);
  const right = { host, headers: [...authorization("alice:secret"), 'User-Agent: a"b'] };
  const answer = await visit(port, "/shared/hello.txt", right);
  assertEquals([answer.status, answer.body], [200, "hello"]);
  assertStringIncludes(fieldOf(answer, "cache-control") ?? "", "private");
  assertEquals(fieldOf(await visit(port, "/shared", right), "location"), "./shared/");
  assertEquals((await visit(port, "/hello.txt", right)).status, 404);
  // The file of the users is in the folder, and stays a secret.
  assertEquals((await visit(port, "/shared/users", right)).status, 404);

  assertEquals(await program.stop(), 0, program.stderr);
  const time = "\\[\\d\\d/[A-Z][a-z]{2}/\\d{4}:\\d\\d:\\d\\d:\\d\\d \\+0000\\]";
  const lines = program.stdout.trimEnd().split("\n");
  assertEquals(lines.length, 6);
  assertMatch(
    lines[0] ?? "",
    new RegExp(`^127\\.0\\.0\\.1 - - ${time} "GET /shared/hello\\.txt HTTP/1\\.1" 401 13 "-" "-"$`),
  );
  assertMatch(lines[1] ?? "", / - - \[.* 401 /);
  assertMatch(lines[2] ?? "", / - alice \[.* 200 5 "-" "a\\"b"$/);
  assertEquals(`${program.stdout}${program.stderr}`.includes("secret"), false);
});

Deno.test({
  name: "--auth-file: SIGHUP takes new users, and keeps the old where the file is bad",
  ignore: !isUnix,
}, async () => {
  await using folder = await TempFolder.create();
  const users = await folder.write("users", `alice:${await hashPassword("one")}\n`);
  await Deno.chmod(users, 0o600);
  await using program = await start(folder, "--auth-file=users");
  const port = await portOf(program);
  const statusOf = async (login: string): Promise<number> =>
    (await visit(port, "/hello.txt", { host: `127.0.0.1:${port}`, headers: authorization(login) }))
      .status;
  assertEquals(await statusOf("alice:one"), 200);
  await Deno.writeTextFile(users, "nonsense");
  program.signal("SIGHUP");
  await program.untilStderr(/ERROR Certificate and users stay as they were reason=.*users:1/);
  assertEquals(await statusOf("alice:one"), 200);
  await Deno.writeTextFile(users, `bob:${await hashPassword("two")}\n`);
  program.signal("SIGHUP");
  await program.untilStderr(/Certificate and users were read again/);
  assertEquals([await statusOf("alice:one"), await statusOf("bob:two")], [401, 200]);
});

Deno.test("--tls-cert and --tls-key serve https, and SIGHUP shows a new certificate", async () => {
  await using folder = await TempFolder.create();
  const cert = await folder.write("cert.pem", await Deno.readFile(fixture("localhost.pem")));
  const key = await folder.write("cert.key", await Deno.readFile(fixture("localhost.key")));
  const options = [`--tls-cert=${cert}`, `--tls-key=${key}`, "--access-log=json"];
  await using program = await start(folder, ...options);
  const port = await portOf(program);
  assertStringIncludes(program.stderr, ` on https://127.0.0.1:${port}/\n`);
  using client = Deno.createHttpClient({ caCerts: [readCa()] });
  const response = await fetch(`https://127.0.0.1:${port}/hello.txt`, { client });
  assertEquals([response.status, await response.text()], [200, "hello"]);
  const [line = ""] = await program.untilStdout(/.*\n/);
  const { remote, status, bytes, user, delivery } = JSON.parse(line);
  assertEquals([remote, status, bytes, user, delivery], ["127.0.0.1", 200, 5, null, "delivered"]);
  if (!isUnix) return;
  await Deno.copyFile(fixture("expired.pem"), cert);
  await Deno.copyFile(fixture("expired.key"), key);
  program.signal("SIGHUP");
  await program.untilStderr(/The certificate has expired.*[^]*read again/);
  using fresh = Deno.createHttpClient({ caCerts: [readCa()] });
  const failure = await fetch(`https://127.0.0.1:${port}/hello.txt`, { client: fresh })
    .then((answer) => answer.body?.cancel(), (error) => String(error.cause ?? error));
  assertMatch(String(failure), /[Ee]xpired/);
  assertEquals(await program.stop(), 0, program.stderr);
});

Deno.test("faulty users, certificates and commands end it with 2, one line and a hint, and no secret", async () => {
  await using folder = await TempFolder.create();
  await Deno.chmod(await folder.write("open", "alice:x"), 0o644);
  await Deno.chmod(await folder.write("bad", "alice:SECRET"), 0o600);
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--auth-file=none"], /: none: Cannot read the users: there is no such file\n/],
    ...(isUnix
      ? [[["--auth-file=open"], /: open: .* can read it\nhint: Run chmod 600 open\n/] as const]
      : []),
    [["--auth-file=bad"], /: bad:1: Cannot use the users: the hash is of another form\nhint: /],
    [["--tls-cert=a"], /: Cannot use option "--tls-cert" alone\nhint: Give --tls-key too\n/],
    [
      [`--tls-cert=${fixture("relay.pem")}`, `--tls-key=${fixture("localhost.key")}`],
      /localhost\.key: Cannot use the key: it is not that of /,
    ],
    [["hash-password", "SECRET"], /The command "hash-password" stands alone\nhint: /],
  ];
  for (const [args, message] of cases) {
    await using program = startProgram("file_server", { cwd: folder.path, args });
    assertEquals([await program.untilEnd(), program.stdout], [2, ""], program.stderr);
    assertMatch(program.stderr, message);
    assertEquals(program.stderr.includes("SECRET"), false);
  }
});

Deno.test("hash-password refuses an empty password", async () => {
  await using folder = await TempFolder.create();
  const args = ["hash-password"];
  await using program = startProgram("file_server", { cwd: folder.path, args, hasInput: true });
  await program.type("\n");
  assertEquals([await program.untilEnd(), program.stdout], [2, ""]);
});

Deno.test({
  name: "--qr and --open show the address and open it; a failure is a warning",
  ignore: Deno.build.os !== "linux",
}, async () => {
  await using folder = await TempFolder.create();
  await folder.write("public/hello.txt", "hello");
  await Deno.chmod(
    await folder.write("xdg-open", '#!/bin/sh\necho "$@" > opened\nexit 3\n'),
    0o755,
  );
  const opener = folder.at("xdg-open");
  await using program = startProgram("file_server", {
    cwd: folder.path,
    args: ["--port=0", "--host=0.0.0.0", "--base-path=x", "--qr", "--open", "public"],
    permissions: [`--allow-run=${opener},xdg-open`],
    env: { PATH: `${folder.path}:${Deno.env.get("PATH")}` },
  });
  await program.untilStderr(/WARN {2}The browser could not be opened command=xdg-open code=3\n/);
  const port = await portOf(program);
  assertEquals(await Deno.readTextFile(folder.at("opened")), `http://127.0.0.1:${port}/x/\n`);
  assertMatch(program.stderr, /^[▀▄█ ]{20,}$/m);
  assertStringIncludes(
    program.stderr,
    "WARN  Everybody who can reach this port can read the folder\n",
  );
  assert(!program.stderr.includes("\x1b"), "no colours in a pipe");
  assertEquals(program.stdout, "");
});
