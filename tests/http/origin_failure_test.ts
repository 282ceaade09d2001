/** Visitors that leave an origin, and origins that are unreachable or not to be trusted. */

import { assert, assertEquals } from "@std/assert";
import type { Readable } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { HttpAnswer } from "../../lib/http/message.ts";
import { ChildProgram } from "../support/child_program.ts";
import { createFakeRequest, readAnswer } from "../support/fake_request.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import {
  answering,
  closed,
  createUpload,
  openOrigin,
  openStream,
  untilSteady,
} from "../support/origins.ts";
import { toDenoArgs } from "../support/programs.ts";
import { RawServer } from "../support/raw_server.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { readCa, readTlsOptions } from "../support/tls_files.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function failureOf({ status, headers }: HttpAnswer): [status: number, token: string | undefined] {
  return [status, headers.at(-1)?.replace("ptth_server; error=", "")];
}

Deno.test("visitor who is gone before the origin is asked has it not asked", async () => {
  const { log, lines } = createMemoryLog();
  await using server = await RawServer.listen(answering(OK));
  using origin = openOrigin(server.port, { log });
  const request = createUpload("/", openStream("x"));
  request.finish("cut");
  await origin.answer(request);
  assert(request.body?.destroyed);
  await Promise.all(server.connections.map((connection) => connection.closed));
  for (const { received } of server.connections) assertEquals(received, "");
  assertEquals(lines, []);
});

Deno.test("visitor who leaves while the origin is being connected to ends that", async () => {
  const { log, lines } = createMemoryLog();
  const clock = new ManualClock();
  const accepted = Promise.withResolvers<void>();
  await using server = await RawServer.listen(() => accepted.resolve());
  // Nobody here speaks TLS.
  using origin = openOrigin(`https://127.0.0.1:${server.port}/`, { clock, log });
  const request = createUpload("/", openStream("x"));
  const answer = origin.answer(request);
  await accepted.promise;
  request.finish("cut");
  await answer;
  await server.connections[0]?.closed;
  assertEquals([request.body?.destroyed, clock.pendingCount, lines.length], [true, 0, 0]);
});

for (const part of ["before its answer", "within the body", "before its body is read"] as const) {
  Deno.test(`visitor who leaves ${part} has the origin's connection closed at once`, async () => {
    const { log, lines } = createMemoryLog();
    const asked = Promise.withResolvers<void>();
    await using server = await RawServer.listen(async (connection) => {
      await connection.readThrough("part");
      if (part !== "before its answer") connection.send("HTTP/1.1 200 OK\r\n\r\npart");
      asked.resolve();
    });
    using origin = openOrigin(server.port, { log });
    const request = createUpload("/", openStream("part"));
    const answer = origin.answer(request);
    await asked.promise;
    let body: Readable | null = null;
    if (part !== "before its answer") {
      body = (await answer).body as Readable;
      if (part === "within the body") await new Promise((resolve) => body?.once("data", resolve));
    }
    request.finish("cut");
    await answer;
    await server.connections[0]?.closed;
    assert(request.body?.destroyed);
    if (body !== null) {
      await closed(body);
      assertEquals(body.readableEnded, false);
    }
    assertEquals(lines, []);
  });
}

Deno.test("visitor whose engine gives the answer up has the origin's connection closed at once", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok");
  });
  using origin = openOrigin(server.port);
  const { body } = await origin.answer(createFakeRequest("/"));
  (body as Readable).destroy();
  await server.connections[0]?.closed;
});

Deno.test("visitor who leaves after the answer ended leaves the next one's connection alone", async () => {
  await using server = await RawServer.listen(answering(OK));
  using origin = openOrigin(server.port);
  const first = createFakeRequest("/");
  await readAnswer(await origin.answer(first));
  const second = origin.answer(createFakeRequest("/"));
  first.finish("cut");
  assertEquals(await readAnswer(await second), "ok");
  assertEquals(server.connections.length, 1);
});

Deno.test("origin that cannot be reached in time is given up, TLS included: 504", async () => {
  const clock = new ManualClock();
  const accepted = Promise.withResolvers<void>();
  await using server = await RawServer.listen(() => accepted.resolve());
  const options = { clock, connectTimeoutMs: 5000, silenceTimeoutMs: 0 };
  using origin = openOrigin(`https://127.0.0.1:${server.port}/`, options);
  const answer = origin.answer(createFakeRequest("/"));
  await accepted.promise;
  clock.advance(4999);
  await untilSteady(() => 0);
  assertEquals(clock.pendingCount, 1);
  clock.advance(1);
  assertEquals(failureOf(await answer), [504, "connection_timeout"]);
  await server.connections[0]?.closed;
  assertEquals(clock.pendingCount, 0);
});

Deno.test("origin may be connected to for ever where there is no limit", async () => {
  const clock = new ManualClock();
  const accepted = Promise.withResolvers<void>();
  await using server = await RawServer.listen(() => accepted.resolve());
  const options = { clock, connectTimeoutMs: 0 };
  using origin = openOrigin(`https://127.0.0.1:${server.port}/`, options);
  const request = createFakeRequest("/");
  const answer = origin.answer(request);
  clock.advance(1e12);
  await accepted.promise;
  clock.advance(1e12);
  await untilSteady(() => 0);
  assertEquals([server.connections.length, server.connections[0]?.socket.destroyed], [1, false]);
  request.finish("cut");
  await answer;
  await server.connections[0]?.closed;
});

Deno.test("origin that does not run is a 502 that does not say where it would be", async () => {
  const { log, lines } = createMemoryLog();
  const server = await RawServer.listen(() => {});
  await server[Symbol.asyncDispose]();
  using origin = openOrigin(server.port, { log });
  for (const body of [null, openStream("x")]) {
    const answer = await origin.answer({ ...createFakeRequest("/", { method: "POST" }), body });
    assertEquals(failureOf(answer), [502, "connection_refused"]);
    const shown = JSON.stringify(answer.headers) + await readAnswer(answer);
    assertEquals([shown.includes("127.0.0.1"), shown.includes(String(server.port))], [
      false,
      false,
    ]);
  }
  const url = `http://127.0.0.1:${server.port}/`;
  // The same trouble is not told with every request.
  assertEquals(lines.length, 1);
  assertEquals(
    lines[0],
    `WARN Origin failed origin=${url} reason="Cannot reach origin \\"${url}\\": the connection was refused"`,
  );
});

for (
  const [what, certificate, host, options, expected] of [
    ["is trusted", "localhost", "localhost", { certificates: [readCa()] }, 200],
    ["is trusted, by address", "localhost", "127.0.0.1", { certificates: [readCa()] }, 200],
    ["is of an unknown authority", "localhost", "localhost", {}, "tls_certificate_error"],
    [
      "is for another name",
      "relay",
      "localhost",
      { certificates: [readCa()] },
      "tls_certificate_error",
    ],
    [
      "is for another address",
      "relay",
      "127.0.0.1",
      { certificates: [readCa()] },
      "tls_certificate_error",
    ],
    [
      "is not valid now",
      "expired",
      "localhost",
      { certificates: [readCa()] },
      "tls_certificate_error",
    ],
    ["is unknown, and need not be", "localhost", "localhost", { isInsecure: true }, 200],
    ["is for another name, and may be", "relay", "127.0.0.1", { isInsecure: true }, 200],
  ] as const
) {
  Deno.test(`origin's certificate ${what}: ${expected}`, async () => {
    await using server = await RawServer.listen(answering(OK), readTlsOptions(certificate));
    using origin = openOrigin(`https://${host}:${server.port}/`, options);
    for (let i = 0; i < 2; i++) {
      const answer = await origin.answer(createFakeRequest("/"));
      const text = await readAnswer(answer);
      if (expected === 200) assertEquals([answer.status, text], [200, "ok"]);
      else assertEquals(failureOf(answer), [502, expected]);
    }
    if (expected === 200) assertEquals(server.connections.length, 1);
    else for (const { received } of server.connections) assertEquals(received, "");
  });
}

Deno.test("origin is told which name is asked for, and no address (RFC 6066 §3)", async () => {
  for (const [host, name] of [["localhost", "localhost"], ["127.0.0.1", "none"]] as const) {
    const names: string[] = [];
    await using server = await RawServer.listen((connection) => {
      const { servername } = connection.socket as TLSSocket & {
        servername?: string | false | null;
      };
      names.push(servername || "none");
      return answering(OK)(connection);
    }, readTlsOptions("localhost"));
    using origin = openOrigin(`https://${host}:${server.port}/`, { certificates: [readCa()] });
    assertEquals(await readAnswer(await origin.answer(createFakeRequest("/"))), "ok");
    assertEquals(names, [name]);
  }
});

Deno.test("origin that speaks no TLS is a 502", async () => {
  await using server = await RawServer.listen((connection) => connection.send(OK));
  using origin = openOrigin(`https://127.0.0.1:${server.port}/`, { isInsecure: true });
  const answer = await origin.answer(createFakeRequest("/"));
  assertEquals(failureOf(answer), [502, "tls_protocol_error"]);
  await server.connections[0]?.closed;
});

Deno.test("origin on a Unix socket is asked as any; one that is not there, or has no address, is a 502", async () => {
  await using folder = await TempFolder.create();
  const [path, other] = [folder.at("app.sock"), folder.at("other.sock")];
  // The right to such sockets is not among those of the tests; nor are other names.
  const permissions = [`--allow-net=unix:${path},unix:${other},name.invalid`];
  permissions.push(`--allow-read=${folder.path}`, `--allow-write=${folder.path}`);
  const urls = [`unix:${path}`, `unix:${path}`, `unix:${other}`, "http://name.invalid/"];
  const args = [
    ...toDenoArgs(permissions, "tests/support/ask_origin.ts"),
    `serve=${path}`,
    ...urls,
  ];
  await using program = ChildProgram.start(Deno.execPath(), { args, cwd: folder.path });
  assertEquals(await program.untilEnd(), 0, program.stderr);
  const answers: unknown[] = program.stdout.trim().split("\n").map((line) => JSON.parse(line));
  const head = "GET /x HTTP/1.1\r\nHost: localhost\r\nVia: 1.1 ptth_server\r\n";
  const ok = [200, `${head}\r\n`, null];
  assertEquals(answers, [
    ok,
    ok,
    [502, "The application is not running\n", "ptth_server; error=connection_refused"],
    [502, "The application cannot be found\n", "ptth_server; error=dns_error"],
  ]);
});
