/** Exchanges of our client: both ways at once, held back, given up, and broken off. */

import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { UnreachableError } from "../../lib/client/unreachable_error.ts";
import {
  answering,
  closed,
  EndlessBody,
  openStream,
  until,
  untilSteady,
} from "../support/origins.ts";
import { ask, failureOf, openPool, textOf, toClientRequest } from "../support/pooled_client.ts";
import { RawServer } from "../support/raw_server.ts";
import { turn } from "../support/turn.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED = ["Host", "h", "Transfer-Encoding", "chunked"];

for (const length of [1e12, null]) {
  Deno.test(`early answer is read to its end; then body and connection end (${length ?? "chunked"})`, async () => {
    const rest = Promise.withResolvers<void>();
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      connection.send("HTTP/1.1 413 No\r\nContent-Length: 7\r\n\r\nnot");
      await rest.promise;
      connection.send(" so ");
      await connection.closed;
    });
    using pool = openPool(server.port);
    const body = new EndlessBody();
    const exchange = await pool.send(toClientRequest({ headers: CHUNKED, body, length }));
    const answer = await exchange.answer;
    const before = body.produced;
    await until(() => body.produced > before);
    assertEquals([answer.status, body.destroyed, exchange.isSent], [413, false, false]);
    rest.resolve();
    assertEquals(await textOf(answer.body), "not so ");
    await Promise.all([closed(body), server.connections[0]?.closed]);
  });
}

for (const kind of ["bytes", "a stream"] as const) {
  Deno.test(`early answer to a body that the peer does not read, ${kind}, closes the connection`, async () => {
    const bytes = new Uint8Array(50_000_000);
    await using server = await RawServer.listen(({ socket }) => {
      socket.pause();
      socket.write(OK);
    });
    using pool = openPool(server.port);
    const body = kind === "bytes" ? bytes : Readable.from([bytes]);
    const exchange = await pool.send(toClientRequest({ body, length: bytes.length }));
    assertEquals(await textOf((await exchange.answer).body), "ok");
    assertEquals(exchange.isSent, true);
    server.connections[0]?.socket.resume();
    await server.connections[0]?.closed;
    if (body instanceof Readable) await closed(body);
  });
}

Deno.test("body that goes on after its length, and after the answer, is given up", async () => {
  const heads: string[] = [];
  await using server = await RawServer.listen(answering(OK, heads));
  using pool = openPool(server.port);
  const body = openStream("ab");
  const exchange = await pool.send(toClientRequest({ body, length: 2 }));
  assertEquals(await textOf((await exchange.answer).body), "ok");
  assertEquals(body.destroyed, false);
  body.push("c");
  await closed(body);
  await textOf((await ask(pool)).body);
  assertEquals([server.connections.length, heads[1]?.slice(0, 7)], [1, "abGET /"]);
});

Deno.test("answer before the end of a body that then ends closes the connection only then", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    await connection.readThrough("0\r\n\r\n");
    connection.send("k");
    await connection.readHead();
    connection.send(OK);
  });
  using pool = openPool(server.port);
  const body = openStream();
  const answer = await ask(pool, { headers: CHUNKED, body });
  body.push("abc");
  body.push(null);
  assertEquals(await textOf(answer.body), "ok");
  assertEquals(await textOf((await ask(pool)).body), "ok");
  assertEquals(server.connections.length, 1);
});

Deno.test("both ways at once", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const word of ["one", "two", "three"]) {
      await connection.readThrough(`${word}\r\n`);
      connection.send(`${(word.length + 1).toString(16)}\r\n${word}!\r\n`);
    }
    await connection.readThrough("0\r\nX-In: 1\r\n\r\n");
    connection.send("0\r\nX-Out: 2\r\n\r\n");
  });
  using pool = openPool(server.port);
  const body = openStream();
  const answer = await ask(pool, { headers: CHUNKED, body, trailers: () => ["X-In", "1"] });
  let got = "";
  answer.body.on("data", (chunk: Uint8Array) => got += Buffer.from(chunk));
  for (const word of ["one", "two", "three"]) {
    body.push(word);
    await until(() => got.endsWith(`${word}!`));
  }
  assertEquals(answer.body.trailers, []);
  body.push(null);
  await closed(answer.body);
  assertEquals([got, answer.body.trailers, answer.body.isWhole], [
    "one!two!three!",
    ["X-Out", "2"],
    true,
  ]);
});

for (const kind of ["a stream", "bytes"] as const) {
  Deno.test(`body that is held back, ${kind}, is sent when it is asked for (RFC 9110 §10.1.1)`, async () => {
    const body = kind === "bytes" ? Buffer.from("body") : openStream("body");
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      for (let i = 0; i < 20; i++) await turn();
      assertEquals(connection.received, "");
      connection.send("HTTP/1.1 103 E\r\nA: 1\r\n\r\nHTTP/1.1 100 C\r\nB: 2\r\n\r\n");
      await connection.readThrough("body");
      connection.send(OK);
    });
    using pool = openPool(server.port);
    const interims: unknown[] = [];
    const exchange = await pool.send(toClientRequest({
      headers: ["Expect", "100-continue", "Content-Length", "4"],
      body,
      length: 4,
      holdsBody: true,
      onInterim: (status, headers) => {
        interims.push([status, headers, exchange.isSent, exchange.isWaitingForPeer]);
        if (status === 103) return;
        exchange.sendBody();
        exchange.sendBody();
      },
    }));
    assertEquals(exchange.isSent, false);
    if (body instanceof Readable) body.push(null);
    assertEquals(await textOf((await exchange.answer).body), "ok");
    exchange.sendBody();
    assertEquals(interims[0], [103, ["A", "1"], false, false]);
    assertEquals(server.connections[0]?.received, "");
  });
}

for (const status of [200, 417]) {
  Deno.test(`body that is held back is never sent after an answer of ${status}, nor another request`, async () => {
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      connection.send(OK.replace("200", String(status)));
      await connection.closed;
    });
    using pool = openPool(server.port);
    const body = openStream("body");
    const exchange = await pool.send(toClientRequest({ body, length: 4, holdsBody: true }));
    assertEquals(await textOf((await exchange.answer).body), "ok");
    exchange.sendBody();
    // CVE-2024-24791: the peer may wait for the body still.
    await Promise.all([server.connections[0]?.closed, closed(body)]);
    assertEquals([server.connections[0]?.received, exchange.isSent], ["", false]);
  });
}

Deno.test("body that is held back and fails ends the exchange", async () => {
  const body = openStream("body");
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    body.destroy(new Error("disk failed"));
  });
  using pool = openPool(server.port);
  assertEquals(await failureOf(pool, { body, holdsBody: true }), [
    "body",
    "Cannot send a body: disk failed",
  ]);
  await server.connections[0]?.closed;
});

Deno.test("body that fails within the answer fails that", async () => {
  const body = openStream("a");
  await using server = await RawServer.listen(async (connection) => {
    await connection.readThrough("a\r\n");
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab");
  });
  using pool = openPool(server.port);
  const answer = await ask(pool, { headers: CHUNKED, body });
  answer.body.once("data", () => body.destroy(new Error("disk failed")));
  const error = await assertRejects(() => textOf(answer.body), UnreachableError);
  assertEquals([error.kind, answer.body.isWhole], ["body", false]);
  await server.connections[0]?.closed;
});

Deno.test("body is not read faster than the peer takes it", async () => {
  for (const length of [1e12, null]) {
    await using server = await RawServer.listen(({ socket }) => void socket.pause());
    using pool = openPool(server.port);
    const body = new EndlessBody();
    const abort = new AbortController();
    const exchange = await pool.send(
      toClientRequest({ headers: CHUNKED, body, length, signal: abort.signal }),
    );
    await until(() => body.produced > 0);
    assertLess(await untilSteady(() => body.produced), 20_000_000);
    assertEquals(exchange.isWaitingForPeer, true);
    abort.abort();
    await assertRejects(() => exchange.answer, UnreachableError);
    await closed(body);
    // A paused socket would not notice the end.
    server.connections[0]?.socket.resume();
    await server.connections[0]?.closed;
  }
});

Deno.test("exchange knows whom it waits for: whoever sends it, the peer, or whoever reads", async () => {
  const body = openStream("x");
  await using server = await RawServer.listen(() => {});
  using pool = openPool(server.port);
  const exchange = await pool.send(toClientRequest({ headers: CHUNKED, body }));
  await until(() => server.connections[0]?.received.endsWith("x\r\n") ?? false);
  assertEquals(exchange.isWaitingForPeer, false);
  const before = exchange.progress;
  body.push(null);
  await until(() => exchange.isSent);
  assertEquals([exchange.isWaitingForPeer, exchange.progress - before], [true, 5]);
  const [connection] = server.connections;
  connection?.send("HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  const answer = await exchange.answer;
  assertEquals(exchange.isWaitingForPeer, false);
  const headed = exchange.progress;
  connection?.send("a");
  await until(() => exchange.progress - headed === 1);
  assertEquals(exchange.isWaitingForPeer, false);

  // Read by an iterator, which takes its time.
  const chunks = answer.body[Symbol.asyncIterator]();
  await chunks.next();
  const next = chunks.next();
  await until(() => exchange.isWaitingForPeer);
  connection?.send("b");
  await next;
  connection?.send("c");
  await until(() => answer.body.readableLength === 1);
  assertEquals(exchange.isWaitingForPeer, false);
  answer.body.removeAllListeners("readable");

  // Read by a listener, and held back.
  answer.body.on("data", () => {});
  await until(() => exchange.isWaitingForPeer);
  answer.body.pause();
  assertEquals(exchange.isWaitingForPeer, false);
  answer.body.resume();
  assertEquals(exchange.isWaitingForPeer, true);
  connection?.send("d");
  await until(() => answer.body.readableLength === 0);
  assertEquals(answer.body.isWanting, true);
  connection?.send("e");
  await until(() => answer.body.isWhole);
  assertEquals([exchange.isWaitingForPeer, answer.body.isWanting], [false, false]);
});

Deno.test("exchange that is given up waits for nobody, and may fail while nobody listens", async () => {
  await using server = await RawServer.listen(answering(OK.slice(0, -1)));
  using pool = openPool(server.port);
  const exchange = await pool.send(toClientRequest());
  const { body } = await exchange.answer;
  body.resume();
  await until(() => exchange.isWaitingForPeer);
  exchange.cut(new UnreachableError("silent", "It fell silent"));
  assertEquals([exchange.isWaitingForPeer, body.isWanting], [false, false]);
  await server.connections[0]?.closed;
  await untilSteady(() => 0);
});

Deno.test("64 exchanges at once, each with a body of its own", async () => {
  await using server = await RawServer.listen(async (connection) => {
    for (;;) {
      await connection.readHead();
      const sent = await connection.readThrough("0\r\n\r\n");
      connection.send(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${sent}`);
    }
  });
  using pool = openPool(server.port);
  for (let round = 0; round < 3; round++) {
    const texts = Array.from({ length: 64 }, (_, i) => `${i}.`.repeat(1000 + i));
    const answers = texts.map(async (text) => {
      const body = Readable.from(
        [text.slice(0, 500), text.slice(500)].map((part) => Buffer.from(part)),
      );
      return await textOf((await ask(pool, { method: "POST", headers: CHUNKED, body })).body);
    });
    assertEquals(await Promise.all(answers), texts);
  }
  assertEquals(server.connections.length, 64);
});
