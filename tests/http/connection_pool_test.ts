/** Connections that are kept, and such that are not: closed, expired, poisoned. */

import { assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import {
  EARLY_CLOSE_MEMORY_MS,
  EARLY_CLOSE_MS,
  MAX_IDLE_CONNECTIONS,
} from "../../lib/base/limits.ts";
import { toAbortError, UnreachableError } from "../../lib/client/unreachable_error.ts";
import type { RawHeaders } from "../../lib/http/message.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { answering, until } from "../support/origins.ts";
import {
  ask,
  failureOf,
  openPool,
  PEER,
  recordWrites,
  textOf,
  toClientRequest,
} from "../support/pooled_client.ts";
import { turn } from "../support/turn.ts";
import { RawServer } from "../support/raw_server.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function withField(field: string, version = "1.1"): string {
  return OK.replace("HTTP/1.1 200 OK", `HTTP/${version} 200 OK\r\n${field}`);
}

for (
  const [what, answer, headers, isKept] of [
    ["HTTP/1.1", OK, [], true],
    [
      "chunks",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
      [],
      true,
    ],
    ["interim answers", `HTTP/1.1 103 E\r\n\r\n${OK}`, [], true],
    [
      "Connection: keep-alive",
      withField("Connection: keep-alive"),
      ["Connection", "keep-alive"],
      true,
    ],
    ["Connection: close", withField("Connection: Close"), [], false],
    ["a request with Connection: close", OK, ["Connection", "TE, Close"], false],
    ["HTTP/1.0", withField("X: y", "1.0"), [], false],
    ["HTTP/1.0 and Connection: keep-alive", withField("Connection: Keep-Alive", "1.0"), [], true],
    ["Keep-Alive: timeout=1", withField("Keep-Alive: timeout=1"), [], false],
    ["Keep-Alive: timeout=0", withField("keep-alive: max=5, timeout=0"), [], false],
    ["Keep-Alive: timeout=2", withField("Keep-Alive: timeout=2, max=5"), [], true],
  ] as const
) {
  Deno.test(`connection is ${isKept ? "kept" : "closed"} after ${what} (RFC 9112 §9.3)`, async () => {
    await using server = await RawServer.listen(answering(answer));
    using pool = openPool(server.port);
    for (let i = 0; i < 3; i++) {
      const { body } = await ask(pool, { headers: headers as RawHeaders });
      assertEquals(await textOf(body), "ok");
      if (!isKept) await server.connections[i]?.closed;
    }
    assertEquals(server.connections.length, isKept ? 1 : 3);
  });
}

for (const size of [100_000, 1_000_000]) {
  Deno.test(`connection is kept whose ${size} bytes their reader has held back`, async () => {
    await using server = await RawServer.listen(async (connection) => {
      for (;;) {
        await connection.readHead();
        connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${"a".repeat(size)}`);
      }
    });
    using pool = openPool(server.port);
    for (let i = 0; i < 3; i++) {
      const { body } = await ask(pool);
      if (size < 200_000) await until(() => body.isWhole);
      let length = 0;
      for await (const chunk of body) {
        length += chunk.length;
        for (let turns = 0; turns < 3; turns++) await turn();
      }
      assertEquals(length, size);
    }
    assertEquals(server.connections.length, 1);
  });
}

Deno.test("connection that was used last is used next", async () => {
  const asked: number[] = [];
  await using server = await RawServer.listen(async (connection, index) => {
    for (;;) {
      await connection.readHead();
      asked.push(index);
      connection.send(OK);
    }
  });
  using pool = openPool(server.port);
  const bodies = await Promise.all([0, 1, 2].map(async () => (await ask(pool)).body));
  await until(() => bodies.every((body) => body.isWhole));
  asked.length = 0;
  for (let i = 0; i < 3; i++) await textOf((await ask(pool)).body);
  assertEquals(new Set(asked).size, 1);
  assertEquals(server.connections.length, 3);
});

Deno.test("idle connections are closed after a while, by one timer for all", async () => {
  const clock = new ManualClock();
  await using server = await RawServer.listen(answering(OK));
  using pool = openPool(server.port, { clock, idleMs: 4000 });
  const pending = await Promise.all([0, 1, 2].map(() => pool.send(toClientRequest())));
  assertEquals(clock.pendingCount, 0);
  for (const exchange of pending) await textOf((await exchange.answer).body);
  assertEquals(clock.pendingCount, 1);
  clock.advance(3000);
  await textOf((await ask(pool)).body);
  clock.advance(1000);
  await until(() => server.connections.filter(({ socket }) => socket.closed).length === 2);
  clock.advance(2999);
  await textOf((await ask(pool)).body);
  assertEquals([server.connections.length, clock.pendingCount], [3, 1]);
  // Noticed a quarter later at the most.
  clock.advance(5000);
  await Promise.all(server.connections.map((connection) => connection.closed));
  await until(() => clock.pendingCount === 0);
});

Deno.test("idle connection is not used past its time, though it is not closed yet", async () => {
  const clock = new ManualClock();
  await using server = await RawServer.listen(answering(withField("Keep-Alive: timeout=3")));
  using pool = openPool(server.port, { clock, idleMs: 4000 });
  for (const [ms, count] of [[0, 1], [1999, 1], [2000, 2], [1900, 2], [2001, 3]] as const) {
    clock.advance(ms);
    await textOf((await ask(pool)).body);
    assertEquals(server.connections.length, count);
  }
  await Promise.all(server.connections.slice(0, 2).map((connection) => connection.closed));
});

Deno.test("idle connections are not kept where none may be", async () => {
  const clock = new ManualClock();
  await using server = await RawServer.listen(answering(OK));
  using pool = openPool(server.port, { clock, idleMs: 0 });
  for (let i = 0; i < 2; i++) {
    assertEquals(await textOf((await ask(pool)).body), "ok");
    await server.connections[i]?.closed;
  }
  assertEquals([server.connections.length, clock.pendingCount], [2, 0]);
});

Deno.test("idle connections are kept up to a bound", async () => {
  const all = Promise.withResolvers<void>();
  const count = MAX_IDLE_CONNECTIONS + 3;
  await using server = await RawServer.listen(async (connection, index) => {
    await connection.readHead();
    if (index === count - 1) all.resolve();
    await all.promise;
    connection.send(OK);
  });
  using pool = openPool(server.port);
  const isWhole = async (): Promise<string> => await textOf((await ask(pool)).body);
  await Promise.all(Array.from({ length: count }, isWhole));
  await until(() => server.connections.filter(({ socket }) => socket.closed).length === 3);
  pool.closeIdle();
  await Promise.all(server.connections.map((connection) => connection.closed));
});

Deno.test("pool's closeIdle() ends idle connections, and leaves the others alone", async () => {
  const clock = new ManualClock();
  const asked = Promise.withResolvers<void>();
  const rest = Promise.withResolvers<void>();
  await using server = await RawServer.listen(async (connection, index) => {
    for (;;) {
      await connection.readHead();
      if (index === 0) {
        asked.resolve();
        await rest.promise;
      }
      connection.send(OK);
    }
  });
  using pool = openPool(server.port, { clock });
  const busy = await pool.send(toClientRequest());
  await asked.promise;
  await textOf((await ask(pool)).body);
  pool.closeIdle();
  await server.connections[1]?.closed;
  assertEquals([server.connections[0]?.socket.destroyed, clock.pendingCount], [false, 0]);
  rest.resolve();
  assertEquals(await textOf((await busy.answer).body), "ok");
  await textOf((await ask(pool)).body);
  assertEquals([server.connections.length, clock.pendingCount], [2, 1]);
  pool.closeIdle();
  await Promise.all(server.connections.map((connection) => connection.closed));
  assertEquals(clock.pendingCount, 0);
});

Deno.test("pool's close() ends all: what is idle, asked, answered or being opened, and what comes later", async () => {
  const clock = new ManualClock();
  await using server = await RawServer.listen(async (connection, index) => {
    await connection.readHead();
    if (index === 0) connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhalf");
    if (index === 2) connection.send(OK);
    await connection.closed;
  });
  const { open } = recordWrites(server.port);
  let openings = 0;
  using pool = openPool(server.port, {
    clock,
    open: (signal) => {
      if (++openings !== 3) return open(signal);
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(toAbortError(signal.reason, "it")))
      );
    },
  });
  const { body } = await ask(pool);
  const asked = failureOf(pool);
  const beingOpened = failureOf(pool);
  await textOf((await ask(pool)).body);
  assertEquals([server.connections.length, clock.pendingCount], [3, 1]);
  pool.close();
  for (const failed of [asked, beingOpened, failureOf(pool)]) {
    assertEquals((await failed)[0], "aborted");
  }
  await assertRejects(() => textOf(body), UnreachableError, "Gave up");
  await Promise.all(server.connections.map((connection) => connection.closed));
  assertEquals([server.connections.length, clock.pendingCount], [3, 0]);
});

Deno.test("pool's close() ends a connection that is opened all the same", async () => {
  await using server = await RawServer.listen(answering(OK));
  const recorder = recordWrites(server.port);
  using pool = openPool(server.port, {
    open: async (signal) => {
      const socket = await recorder.open(signal);
      pool.close();
      assertEquals(signal.aborted, true);
      return socket;
    },
  });
  assertEquals(await failureOf(pool), ["aborted", `Gave up a request to ${PEER}`]);
  await server.connections[0]?.closed;
  assertEquals(recorder.writes, []);
});

for (
  const [what, method, answer, late] of [
    ["behind its answer", "GET", `${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL`, ""],
    ["a while after its answer", "GET", OK, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL"],
    ["as a single byte", "GET", OK, "\n"],
    ["as the body of a HEAD", "HEAD", OK.replace("h: 2", "h: 42"), ""],
    ["as the body of a 204", "GET", "HTTP/1.1 204 N\r\nContent-Length: 2\r\n\r\nok", ""],
  ] as const
) {
  Deno.test(`connection on which more comes than was asked for is closed: ${what}`, async () => {
    const idle = Promise.withResolvers<void>();
    await using server = await RawServer.listen(async (connection, index) => {
      await connection.readHead();
      connection.send(index === 0 ? answer : OK);
      await idle.promise;
      if (index === 0) connection.send(late);
    });
    using pool = openPool(server.port);
    const { body } = await ask(pool, { method });
    assertEquals(await textOf(body), answer.startsWith(OK) ? "ok" : "");
    idle.resolve();
    await server.connections[0]?.closed;
    assertEquals(await textOf((await ask(pool)).body), "ok");
    assertEquals(server.connections.length, 2);
  });
}

for (const how of ["ends", "closes", "resets"] as const) {
  Deno.test(`idle connection that the peer ${how} is let go`, async () => {
    const clock = new ManualClock();
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      connection.send(OK);
    });
    using pool = openPool(server.port, { clock });
    for (let i = 0; i < 3; i++) {
      assertEquals(await textOf((await ask(pool)).body), "ok");
      assertEquals(clock.pendingCount, 1);
      clock.advance(EARLY_CLOSE_MS);
      const { socket, closed } = server.connections[i] ?? {};
      if (how === "ends") socket?.end();
      else if (how === "closes") socket?.destroy();
      else socket?.resetAndDestroy();
      await closed;
      await until(() => clock.pendingCount === 0);
      assertEquals(server.connections.length, i + 1);
    }
  });
}

Deno.test("peer that closes after an answer without a word is asked on new connections", async () => {
  const clock = new ManualClock();
  let isKind = false;
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    if (isKind) connection.send(OK);
    else connection.socket.end(OK);
  });
  using pool = openPool(server.port, { clock });
  // As an answer's POST, which must not go out twice, one right behind the other.
  const post = { method: "POST", headers: ["Content-Length", "2"], length: 2 } as const;
  for (let i = 0; i < 3; i++) {
    const { body } = await ask(pool, { ...post, body: Readable.from([Buffer.from("ab")]) });
    await until(() => body.isWhole);
    assertEquals(body.takeWhole(2)?.length, 2);
    assertEquals(server.connections.length, i + 1);
  }
  await until(() => server.connections.every(({ socket }) => socket.destroyed));
  isKind = true;
  assertEquals(await textOf((await ask(pool)).body), "ok");
  assertEquals(clock.pendingCount, 0, "none is kept");
  clock.advance(EARLY_CLOSE_MEMORY_MS);
  assertEquals(await textOf((await ask(pool)).body), "ok");
  assertEquals(clock.pendingCount, 1, "one is kept again");
});

Deno.test("connection is read that the opener has left paused", async () => {
  await using server = await RawServer.listen(answering(OK));
  const recorder = recordWrites(server.port);
  using pool = openPool(server.port, {
    open: async (signal) => (await recorder.open(signal)).pause(),
  });
  for (let i = 0; i < 2; i++) assertEquals(await textOf((await ask(pool)).body), "ok");
  assertEquals(server.connections.length, 1);
});
