/** Connections to an origin: kept, closed under a request, and poisoned. */

import { assertEquals, assertRejects } from "@std/assert";
import { createFakeRequest, readAnswer } from "../support/fake_request.ts";
import {
  answering,
  createUpload,
  openOrigin,
  openStream,
  until,
  untilSteady,
} from "../support/origins.ts";
import { RawServer, type ServerConnection } from "../support/raw_server.ts";
import { turn } from "../support/turn.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

for (
  const [what, method, answer, late] of [
    ["behind its answer", "GET", `${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL`, ""],
    ["a while after its answer", "GET", OK, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"],
    [
      "as the body of a HEAD",
      "HEAD",
      "HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL",
    ],
  ] as const
) {
  Deno.test(`origin that sends more than it may ${what} answers nobody else with it`, async () => {
    const idle = Promise.withResolvers<void>();
    await using server = await RawServer.listen(async (connection, index) => {
      await connection.readHead();
      connection.send(index === 0 ? answer : OK);
      await idle.promise;
      if (index === 0) connection.send(late);
      await connection.readHead();
      connection.send(OK);
    });
    using origin = openOrigin(server.port);
    await readAnswer(await origin.answer(createFakeRequest("/", { method })));
    await turn();
    idle.resolve();
    await untilSteady(() => server.connections[0]?.socket.bytesWritten ?? 0);
    assertEquals(await readAnswer(await origin.answer(createFakeRequest("/"))), "ok");
    assertEquals(server.connections.length, 2);
  });
}

Deno.test("origin's connection is kept for the next request, unless one of them says otherwise", async () => {
  for (
    const [answer, count] of [[OK, 1], [OK.replace("\r\n", "\r\nConnection: close\r\n"), 3], [
      OK.replace("1.1", "1.0"),
      3,
    ]] as const
  ) {
    await using server = await RawServer.listen(answering(answer));
    using origin = openOrigin(server.port);
    for (let i = 0; i < 3; i++) {
      assertEquals(await readAnswer(await origin.answer(createFakeRequest("/"))), "ok");
    }
    assertEquals(server.connections.length, count);
    origin.close();
    await Promise.all(server.connections.map((connection) => connection.closed));
  }
});

Deno.test("origin's connection that it closes while nobody uses it is let go", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send(OK);
    connection.socket.end();
  });
  using origin = openOrigin(server.port);
  for (let i = 1; i < 4; i++) {
    const answer = await origin.answer(createUpload("/", openStream(), { bodyLength: 0 }));
    assertEquals(await readAnswer(answer), "ok");
    await server.connections.at(-1)?.closed;
    await until(() => server.connections.length === i);
  }
});

/** Answers the first request of a connection, and cuts it at every other one. */
function serveStale(heads: string[]): (connection: ServerConnection) => Promise<void> {
  return async (connection) => {
    heads.push(await connection.readHead());
    connection.send(OK);
    heads.push(await connection.readHead());
    connection.socket.destroy();
  };
}

for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE"]) {
  const isRepeated = method === "GET" || method === "HEAD";
  Deno.test(`origin that closes a kept connection under a ${method} ${isRepeated ? "gets it again, once" : "never gets it again"}`, async () => {
    const heads: string[] = [];
    await using server = await RawServer.listen(serveStale(heads));
    using origin = openOrigin(server.port);
    await readAnswer(await origin.answer(createFakeRequest("/")));
    const { status, headers } = await origin.answer(createFakeRequest("/", { method }));
    assertEquals([status, heads.length], isRepeated ? [200, 3] : [502, 2]);
    if (!isRepeated) assertEquals(headers.at(-1), "ptth_server; error=connection_terminated");
  });
}

Deno.test("origin never gets a request again that had a body, was new, or whose answer had begun", async () => {
  const heads: string[] = [];
  await using stale = await RawServer.listen(serveStale(heads));
  using origin = openOrigin(stale.port);
  await readAnswer(await origin.answer(createFakeRequest("/")));
  const upload = createUpload("/", openStream("x"), { method: "GET" });
  assertEquals((await origin.answer(upload)).status, 502);
  assertEquals(heads.length, 2);

  await using cutting = await RawServer.listen(({ socket }) => void socket.destroy());
  using other = openOrigin(cutting.port);
  assertEquals((await other.answer(createFakeRequest("/"))).status, 502);
  assertEquals(cutting.connections.length, 1);

  await using half = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send(OK);
    await connection.readHead();
    connection.send(OK.slice(0, -1));
    connection.socket.end();
  });
  using third = openOrigin(half.port);
  await readAnswer(await third.answer(createFakeRequest("/")));
  const answer = await third.answer(createFakeRequest("/"));
  await assertRejects(() => readAnswer(answer));
  assertEquals(half.connections.length, 1);
});

Deno.test("origin that starts anew while several connections are kept is asked on a new one", async () => {
  const first = Promise.withResolvers<void>();
  await using server = await RawServer.listen(async (connection, index) => {
    await connection.readHead();
    if (index === 1) first.resolve();
    await first.promise;
    connection.send(OK);
    await connection.readHead();
    for (const { socket } of server.connections) socket.destroy();
  });
  using origin = openOrigin(server.port);
  const answers = [0, 1].map(() => origin.answer(createFakeRequest("/")));
  for (const answer of answers) await readAnswer(await answer);
  assertEquals((await origin.answer(createFakeRequest("/"))).status, 200);
  assertEquals(server.connections.length, 3);
});
