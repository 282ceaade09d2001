/** Bodies on their way to an origin, and answers that do not wait for them. */

import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { EXPECT_WAIT_MS } from "../../lib/base/limits.ts";
import { patternOf, piecesOf } from "../support/bytes.ts";
import { readAnswer } from "../support/fake_request.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import {
  closed,
  createUpload,
  EndlessBody,
  openOrigin,
  openStream,
  until,
  untilSteady,
} from "../support/origins.ts";
import { RawServer, type ServerConnection } from "../support/raw_server.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const EXPECT = { headers: ["Host", "h", "Expect", "100-Continue"] };

/** A body that notes whether anybody has begun to read it. */
class NotedBody extends Readable {
  isRead = false;
  override _read(): void {
    this.isRead = true;
    this.push("body");
    this.push(null);
  }
}

for (
  const [what, chunks, bodyLength, wire] of [
    ["with its length", ["a", "bc"], 3, "Content-Length: 3|abc"],
    ["chunked", ["a", "bc"], null, "Transfer-Encoding: chunked|1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"],
    ["empty, with its length", [], 0, "Content-Length: 0|"],
    ["empty, chunked", [], null, "Transfer-Encoding: chunked|0\r\n\r\n"],
  ] as const
) {
  Deno.test(`origin gets a body ${what} (RFC 9112 §6)`, async () => {
    await using server = await RawServer.listen(async (connection) => {
      const expected = wire.replace("|", "\r\n\r\n");
      await connection.readThrough(`1.1 ptth_server\r\n${expected}`);
      connection.send(OK);
    });
    using origin = openOrigin(server.port);
    const body = Readable.from(chunks.map((text) => Buffer.from(text)));
    const answer = await origin.answer(createUpload("/", body, { bodyLength }));
    assertEquals(await readAnswer(answer), "ok");
    assertEquals(server.connections[0]?.received, "");
  });
}

Deno.test("origin gets the fields behind a chunked body, and no others (RFC 9110 §6.5)", async () => {
  await using server = await RawServer.listen(async (connection) => {
    assertStringIncludes(await connection.readHead(), "\r\nTrailer: X-Sum\r\n");
    assertEquals(
      await connection.readThrough("\r\n\r\n"),
      "1\r\na\r\n0\r\nX-Sum: 1\r\nx-sum: \xe9\r\n\r\n",
    );
    connection.send(OK);
  });
  using origin = openOrigin(server.port);
  const trailers = ["X-Sum", "1", "x-sum", "\xe9", "Content-Length", "5", "X:", "bad", "Host", "x"];
  const headers = ["Host", "h", "Trailer", "X-Sum", "TE", "trailers"];
  const body = Readable.from([Buffer.from("a")]);
  const answer = await origin.answer(createUpload("/", body, { headers, trailers }));
  assertEquals([answer.status, await readAnswer(answer)], [200, "ok"]);
});

Deno.test("origin does not hear of fields behind a body that has none (RFC 9112 §7.1.2)", async () => {
  await using server = await RawServer.listen(async (connection) => {
    assertEquals((await connection.readThrough("\r\n\r\nabc")).includes("Trailer"), false);
    connection.send(OK);
  });
  using origin = openOrigin(server.port);
  const options = { headers: ["Trailer", "X"], trailers: ["X", "1"], bodyLength: 3 };
  const answer = await origin.answer(createUpload("/", openStream("abc", ""), options));
  assertEquals(answer.status, 200);
});

for (const bodyLength of [5_000_000, null]) {
  Deno.test(`origin gets ${bodyLength ?? "chunked"} bytes, sends them back, and all is as it was`, async () => {
    const bytes = patternOf(5_000_000);
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
      const { received } = connection;
      if (received !== "") connection.send(`${received.length.toString(16)}\r\n${received}\r\n`);
      connection.socket.removeAllListeners("data");
      connection.socket.on("data", (chunk: Uint8Array) => {
        connection.send(`${chunk.length.toString(16)}\r\n`);
        connection.socket.write(chunk);
        connection.send("\r\n");
        if (Buffer.from(chunk).toString("latin1").endsWith("\r\n0\r\n\r\n")) {
          connection.send("0\r\n\r\n");
        }
      });
    });
    using origin = openOrigin(server.port);
    const body = Readable.from(piecesOf(bytes, 70_001), { objectMode: false });
    const answer = await origin.answer(createUpload("/", body, { bodyLength }));
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of answer.body as Readable) {
      chunks.push(chunk);
      length += chunk.length;
      if (bodyLength !== null && length >= bodyLength) break;
    }
    const text = Buffer.concat(chunks).toString("latin1");
    const sent = bodyLength === null ? dechunk(text) : text;
    assert(Buffer.from(sent, "latin1").equals(bytes));
  });
}

function dechunk(text: string): string {
  let body = "";
  for (let at = 0;;) {
    const end = text.indexOf("\r\n", at);
    const length = parseInt(text.slice(at, end), 16);
    if (length === 0) return body;
    body += text.slice(end + 2, end + 2 + length);
    at = end + 2 + length + 2;
  }
}

for (
  const [what, chunks, bodyLength, error] of [
    ["breaks off", ["ab"], 3, new Error("lost")],
    ["breaks off, chunked", ["ab"], null, new Error("lost")],
    ["is given up", ["ab"], null, undefined],
    ["is shorter than its length", ["ab"], 3, null],
    ["is longer than its length", ["ab", "cd"], 3, null],
  ] as const
) {
  Deno.test(`origin never gets a body to its end that ${what}; the visitor gets 502`, async () => {
    let rest = "";
    const { log, lines } = createMemoryLog();
    const body = openStream();
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      for (const chunk of chunks) body.push(chunk);
      if (error === null) body.push(null);
      else {
        await connection.readThrough("ab");
        body.destroy(error);
      }
      await connection.closed;
      rest = connection.received;
    });
    using origin = openOrigin(server.port, { log });
    const answer = await origin.answer(createUpload("/", body, { bodyLength }));
    assertEquals([answer.status, answer.headers.at(-1)], [
      502,
      "ptth_server; error=connection_terminated",
    ]);
    await server.connections[0]?.closed;
    assertEquals([rest.includes("0\r\n\r\n"), rest.length < 3], [false, true], rest);
    // It is not the origin that failed.
    assertEquals(lines, []);
  });
}

Deno.test("origin that has a body destroyed before it is asked is not asked", async () => {
  await using server = await RawServer.listen(() => {});
  using origin = openOrigin(server.port);
  const body = openStream("ab");
  body.destroy();
  assertEquals((await origin.answer(createUpload("/", body))).status, 502);
  for (const connection of server.connections) await connection.closed;
});

Deno.test("origin that wants a body says so, and only then is it read (RFC 9110 §10.1.1)", async () => {
  const clock = new ManualClock();
  const body = new NotedBody();
  await using server = await RawServer.listen(async (connection) => {
    assertMatch(
      await connection.readHead(),
      /\r\nExpect: 100-Continue\r\n[^]*Content-Length: 4\r\n/,
    );
    assertEquals(body.isRead, false);
    connection.send(
      "HTTP/1.1 103 Early Hints\r\nX-A: 1\r\n\r\nHTTP/1.1 100 Continue\r\nX-B: 1\r\n\r\n",
    );
    await connection.readThrough("body");
    connection.send(OK);
    await connection.readHead();
    connection.send(OK);
  });
  using origin = openOrigin(server.port, { clock });
  const request = createUpload("/", body, { ...EXPECT, bodyLength: 4 });
  assertEquals(await readAnswer(await origin.answer(request)), "ok");
  assertEquals(request.informed, [{ status: 103, headers: ["X-A", "1"] }]);
  // That of the kept connection.
  assertEquals(clock.pendingCount, 1);
  await readAnswer(
    await origin.answer(createUpload("/", openStream(), { method: "GET", bodyLength: 0 })),
  );
  assertEquals(server.connections.length, 1);
});

Deno.test("origin that does not know Expect gets the body after a while", async () => {
  const clock = new ManualClock();
  const body = new NotedBody();
  const asked = Promise.withResolvers<void>();
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    asked.resolve();
    await connection.readThrough("4\r\nbody\r\n0\r\n\r\n");
    connection.send("HTTP/1.1 100 Continue\r\n\r\n");
    connection.send(OK);
  });
  using origin = openOrigin(server.port, { clock });
  const answer = origin.answer(createUpload("/", body, EXPECT));
  await asked.promise;
  clock.advance(EXPECT_WAIT_MS - 1);
  await untilSteady(() => 0);
  assertEquals(body.isRead, false);
  clock.advance(1);
  assertEquals(await readAnswer(await answer), "ok");
  assertEquals([body.isRead, clock.pendingCount], [true, 1]);
});

for (const status of [200, 401, 417]) {
  Deno.test(`origin that answers ${status} at once never gets the body, nor another request`, async () => {
    const clock = new ManualClock();
    const body = new NotedBody();
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      connection.send(OK.replace("200", String(status)));
      await connection.closed;
    });
    using origin = openOrigin(server.port, { clock });
    const answer = await origin.answer(createUpload("/", body, { ...EXPECT, bodyLength: 4 }));
    clock.advance(EXPECT_WAIT_MS);
    assertEquals([answer.status, await readAnswer(answer)], [status, "ok"]);
    // CVE-2024-24791: the origin may wait for a body still.
    await server.connections[0]?.closed;
    assertEquals([body.isRead, body.destroyed, clock.pendingCount], [false, true, 0]);
    assertEquals(server.connections[0]?.received, "");
  });
}

Deno.test("visitor who leaves while the origin has not asked for the body ends it all", async () => {
  const clock = new ManualClock();
  const body = new NotedBody();
  const request = createUpload("/", body, EXPECT);
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    request.finish("cut");
  });
  using origin = openOrigin(server.port, { clock });
  await origin.answer(request);
  await server.connections[0]?.closed;
  assertEquals([body.isRead, body.destroyed, clock.pendingCount], [false, true, 0]);
});

Deno.test("origin that answers early has its answer taken whole, and the rest of the body is given up", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readThrough("first");
    connection.send("HTTP/1.1 413 No\r\nContent-Length: 7\r\n\r\nnot so ");
    await connection.closed;
  });
  using origin = openOrigin(server.port);
  const body = openStream("first");
  const answer = await origin.answer(createUpload("/", body, { bodyLength: 1e9 }));
  assertEquals(answer.status, 413);
  assertEquals(await readAnswer(answer), "not so ");
  await Promise.all([server.connections[0]?.closed, closed(body)]);
});

Deno.test("origin and visitor talk at the same time", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const word of ["one", "two", "three"]) {
      await connection.readThrough(`${word}\r\n`);
      connection.send(`${(word.length + 1).toString(16)}\r\n${word}!\r\n`);
    }
    await connection.readThrough("0\r\n\r\n");
    connection.send("0\r\n\r\n");
  });
  using origin = openOrigin(server.port);
  const body = openStream();
  const answer = await origin.answer(createUpload("/", body));
  let got = "";
  (answer.body as Readable).on("data", (chunk: Uint8Array) => got += Buffer.from(chunk));
  for (const word of ["one", "two", "three"]) {
    body.push(word);
    await until(() => got.endsWith(`${word}!`));
  }
  body.push(null);
  await closed(answer.body as Readable);
  assertEquals(got, "one!two!three!");
});

Deno.test("origin that does not read holds the visitor back", async () => {
  await using server = await RawServer.listen(({ socket }) => void socket.pause());
  using origin = openOrigin(server.port);
  const body = new EndlessBody();
  const request = createUpload("/", body, { bodyLength: 1e12 });
  const answer = origin.answer(request);
  await until(() => body.produced > 0);
  assertLess(await untilSteady(() => body.produced), 20_000_000);
  request.finish("cut");
  await answer;
  // A paused socket would not notice the end.
  server.connections[0]?.socket.resume();
  await server.connections[0]?.closed;
});

Deno.test("visitor who does not read holds the origin back", async () => {
  let written = 0;
  const fill = ({ socket }: ServerConnection): void => {
    while (written < 200_000_000 && socket.write(new Uint8Array(65536))) written += 65536;
  };
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
    connection.socket.on("drain", () => fill(connection));
    fill(connection);
  });
  using origin = openOrigin(server.port);
  const answer = await origin.answer(createUpload("/", openStream()));
  const body = answer.body as Readable;
  body.once("data", () => body.pause());
  await until(() => written > 0);
  assertLess(await untilSteady(() => written), 20_000_000);
  assertLess(body.readableLength, 1_000_000);
  body.destroy();
  await server.connections[0]?.closed;
});
