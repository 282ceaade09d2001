/** Answers of our client: held back, given up, and left unread. */

import { assertEquals, assertLess } from "@std/assert";
import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";
import { answering, closed, openStream, until, untilSteady } from "../support/origins.ts";
import { ask, openPool, toClientRequest } from "../support/pooled_client.ts";
import { RawServer, type ServerConnection } from "../support/raw_server.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED = ["Host", "h", "Transfer-Encoding", "chunked"];

for (
  const framing of [
    "Content-Length: 1000000000000",
    "Transfer-Encoding: chunked",
    "X: until it closes",
  ]
) {
  Deno.test(`answer is not read faster than its reader takes it (${framing})`, async () => {
    let written = 0;
    const piece = framing.startsWith("T")
      ? Buffer.concat([Buffer.from("10000\r\n"), new Uint8Array(65_536), Buffer.from("\r\n")])
      : new Uint8Array(65_536);
    const fill = ({ socket }: ServerConnection): void => {
      while (written < 200_000_000 && socket.write(piece)) written += 65_536;
    };
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      connection.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`);
      connection.socket.on("drain", () => fill(connection));
      fill(connection);
    });
    using pool = openPool(server.port);
    const exchange = await pool.send(toClientRequest());
    const { body } = await exchange.answer;
    // Nobody has begun to read.
    assertLess(await untilSteady(() => written), 20_000_000);
    assertLess(body.readableLength, 300_000);
    assertEquals(exchange.isWaitingForPeer, false);
    for (let read = 0; read < 30_000_000;) read += await nextLength(body);
    const before = written;
    body.pause();
    assertLess(await untilSteady(() => written) - before, 20_000_000);
    assertLess(body.readableLength, 300_000);
    assertEquals([exchange.isWaitingForPeer, body.isWanting], [false, false]);
    body.destroy();
    await server.connections[0]?.closed;
  });
}

Deno.test("answer that has come whole can be taken at once, unless somebody reads it", async () => {
  for (
    const answer of [
      OK,
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
    ]
  ) {
    await using server = await RawServer.listen(answering(answer));
    using pool = openPool(server.port);
    const { body } = await (await pool.send(toClientRequest())).answer;
    await until(() => body.isWhole);
    assertEquals(Buffer.from(body.takeWhole(2) ?? []).toString(), "ok");
    const long = (await (await pool.send(toClientRequest())).answer).body;
    await until(() => long.isWhole);
    assertEquals(long.takeWhole(1), undefined);
    const read = (await (await pool.send(toClientRequest())).answer).body;
    await until(() => read.isWhole);
    const chunks: Uint8Array[] = [];
    for await (const chunk of read) chunks.push(chunk);
    assertEquals([Buffer.concat(chunks).toString(), read.takeWhole(2)], ["ok", undefined]);
  }
  await using server = await RawServer.listen(answering(OK.slice(0, -1)));
  using pool = openPool(server.port);
  const { body } = await (await pool.send(toClientRequest())).answer;
  assertEquals(body.takeWhole(2), undefined);
  body.destroy();
});

function nextLength(body: Readable): Promise<number> {
  return new Promise((resolve) => {
    body.once("data", (chunk: Uint8Array) => {
      body.pause();
      resolve(chunk.length);
    });
    body.resume();
  });
}

Deno.test("answer that is given up closes the connection at once", async () => {
  for (
    const when of ["before it is read", "while it is read", "when it has come, unread"] as const
  ) {
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      connection.send(when.endsWith("unread") ? `${OK}` : OK.slice(0, -1));
    });
    using pool = openPool(server.port);
    const body = openStream("x");
    const answer = await ask(pool, { headers: CHUNKED, body });
    if (when === "while it is read") await nextLength(answer.body);
    const errors: Error[] = [];
    answer.body.on("error", (error) => errors.push(error));
    answer.body.destroy();
    await Promise.all([server.connections[0]?.closed, closed(answer.body), closed(body)]);
    assertEquals([errors, answer.body.readableEnded], [[], false]);
  }
});

Deno.test("answer that has come whole and is given up leaves its connection to the next request", async () => {
  await using server = await RawServer.listen(answering(OK));
  using pool = openPool(server.port);
  for (let i = 0; i < 3; i++) {
    const answer = await ask(pool);
    await until(() => answer.body.isWhole);
    answer.body.destroy();
    await closed(answer.body);
  }
  assertEquals(server.connections.length, 1);
});
