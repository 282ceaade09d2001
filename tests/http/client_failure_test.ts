/** Peers that close, reset and half-close, and callers that give up: what becomes of an exchange. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { once } from "node:events";
import { UnreachableError } from "../../lib/client/unreachable_error.ts";
import { fromLatin1 } from "../support/bytes.ts";
import { answering, closed, openStream, until } from "../support/origins.ts";
import {
  ask,
  failureOf,
  openPool,
  PEER,
  recordWrites,
  textOf,
  toClientRequest,
} from "../support/pooled_client.ts";
import { RawServer, type ServerConnection } from "../support/raw_server.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED = ["Host", "h", "Transfer-Encoding", "chunked"];
const CLOSED =
  `Cannot complete a request to ${PEER}: the connection was closed before the answer was complete`;

type Ending = "ends" | "closes" | "resets";
const ENDINGS = ["ends", "closes", "resets"] as const;

function leave({ socket }: ServerConnection, how: Ending): void {
  if (how === "ends") socket.end();
  else if (how === "closes") socket.destroy();
  else socket.resetAndDestroy();
}

for (const how of ENDINGS) {
  for (const body of ["no body", "bytes", "a stream"] as const) {
    Deno.test(`peer that ${how} before it answers, to a request with ${body}, has it cut`, async () => {
      await using server = await RawServer.listen(
        async (connection) => {
          await connection.readHead();
          leave(connection, how);
        },
        undefined,
        { allowHalfOpen: true },
      );
      using pool = openPool(server.port);
      const sent = body === "no body"
        ? null
        : body === "bytes"
        ? fromLatin1("abc")
        : openStream("abc");
      const failure = await failureOf(pool, { headers: CHUNKED, body: sent });
      assertEquals(failure, ["cut", CLOSED]);
      if (body === "a stream") {
        assert(!(sent === null || sent instanceof Uint8Array) && sent.destroyed);
      }
      server.connections[0]?.socket.end();
      await server.connections[0]?.closed;
      assertEquals(server.connections.length, 1);
    });
  }

  for (const part of ["HTTP/1.1 103 E\r\n\r\n", "HTTP/1.1 200 OK\r\nConte"]) {
    Deno.test(`peer that ${how} behind ${JSON.stringify(part)} has the exchange cut`, async () => {
      await using server = await RawServer.listen(async (connection) => {
        await connection.readHead();
        connection.socket.write(part, () => leave(connection, how));
      });
      using pool = openPool(server.port);
      assertEquals(await failureOf(pool), ["cut", CLOSED]);
      await server.connections[0]?.closed;
    });
  }

  for (
    const [what, answer] of [
      ["a length", OK.slice(0, -1)],
      ["a length, before a byte", OK.slice(0, -2)],
      ["chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n"],
      ["chunks, within one", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\no"],
      [
        "chunks, within the trailer",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n0\r\nX: 1\r\n",
      ],
      ["no end of its own", "HTTP/1.1 200 OK\r\n\r\no"],
    ] as const
  ) {
    for (const isLate of [false, true]) {
      // Only this one ends by the connection's end.
      const isWhole = what === "no end of its own" && how !== "resets";
      Deno.test(`peer that ${how} within an answer with ${what} ${isWhole ? "has it end" : "never has it look whole"}${isLate ? ", to a late reader" : ""}`, async () => {
        const headed = Promise.withResolvers<void>();
        await using server = await RawServer.listen(async (connection) => {
          await connection.readHead();
          connection.send(answer);
          await headed.promise;
          leave(connection, how);
        });
        using pool = openPool(server.port);
        const { body } = await ask(pool);
        let hasEnded = false;
        const errors: Error[] = [];
        body.on("end", () => hasEnded = true).on("error", (error) => errors.push(error));
        headed.resolve();
        if (isLate) {
          await server.connections[0]?.closed;
          await until(() => isWhole ? body.isWhole : body.destroyed);
        }
        body.resume();
        await closed(body);
        assertEquals([hasEnded, body.readableEnded], [isWhole, isWhole]);
        if (isWhole) return assertEquals(errors, []);
        const [error] = errors;
        assert(error instanceof UnreachableError);
        assertEquals([errors.length, error.kind, error.message], [1, "cut", CLOSED]);
      });
    }
  }

  Deno.test(`peer that ${how} behind an answer leaves that whole`, async () => {
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      connection.socket.write(OK, () => leave(connection, how));
    });
    using pool = openPool(server.port);
    for (let i = 1; i < 4; i++) {
      const { body } = await ask(pool);
      // Also to a reader who is late.
      await server.connections.at(-1)?.closed;
      assertEquals(await textOf(body), "ok");
      assertEquals(server.connections.length, i);
    }
  });
}

Deno.test("peer that closes while a body is being sent has it cut, and the body ended", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readThrough("a\r\n");
    connection.socket.end();
  });
  using pool = openPool(server.port);
  const body = openStream("a");
  assertEquals(await failureOf(pool, { headers: CHUNKED, body }), ["cut", CLOSED]);
  await closed(body);
});

for (
  const [what, answer, reason] of [
    ["no HTTP", "SSH-2.0-OpenSSH_9.9\r\n", "it is no HTTP/1.1"],
    [
      "two lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "its Content-Length is malformed",
    ],
    [
      "101",
      "HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n",
      "it switches protocols, and nobody asked for that",
    ],
  ] as const
) {
  for (const isReused of [false, true]) {
    Deno.test(`peer that answers with ${what} is named so${isReused ? ", on a kept connection" : ""}, and left`, async () => {
      await using server = await RawServer.listen(async (connection) => {
        await connection.readHead();
        if (isReused) {
          connection.send(OK);
          await connection.readHead();
        }
        connection.send(answer);
        await connection.closed;
      });
      using pool = openPool(server.port);
      if (isReused) await textOf((await ask(pool)).body);
      assertEquals(await failureOf(pool), [
        "protocol",
        `Cannot use the answer of ${PEER}: ${reason}`,
      ]);
      await server.connections[0]?.closed;
      assertEquals(server.connections.length, 1);
    });
  }
}

Deno.test("peer that breaks the framing of a body has that fail", async () => {
  for (
    const [chunks, reason] of [["zz\r\n", "a chunk's size is malformed"], [
      "1\r\nab\r\n0\r\n\r\n",
      "a chunk is longer than it says",
    ]]
  ) {
    await using server = await RawServer.listen(
      answering(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}`),
    );
    using pool = openPool(server.port);
    const answer = await ask(pool);
    const error = await assertRejects(() => textOf(answer.body), UnreachableError);
    assertEquals([error.kind, error.message], [
      "protocol",
      `Cannot use the answer of ${PEER}: ${reason}`,
    ]);
    await server.connections[0]?.closed;
  }
});

Deno.test("caller who has given up before has nothing opened, and its body ended", async () => {
  await using server = await RawServer.listen(answering(OK));
  using pool = openPool(server.port);
  await textOf((await ask(pool)).body);
  const body = openStream("x");
  assertEquals(await failureOf(pool, { body, signal: AbortSignal.abort() }), [
    "aborted",
    `Gave up a request to ${PEER}`,
  ]);
  await closed(body);
  // The kept connection is as it was.
  await textOf((await ask(pool)).body);
  assertEquals([server.connections.length, server.connections[0]?.received], [1, ""]);
});

Deno.test("caller who gives up while it is being connected has nothing sent, and its body ended", async () => {
  await using server = await RawServer.listen(answering(OK));
  const abort = new AbortController();
  const recorder = recordWrites(server.port);
  using pool = openPool(server.port, {
    open: async (signal) => {
      const socket = await recorder.open(signal);
      abort.abort();
      assertEquals(signal.aborted, true);
      return socket;
    },
  });
  const body = openStream("x");
  assertMatch((await failureOf(pool, { body, signal: abort.signal })).join(), /^aborted,Gave up/);
  await Promise.all([closed(body), server.connections[0]?.closed]);
  assertEquals([recorder.writes, server.connections[0]?.received], [[], ""]);
});

Deno.test("opener that fails is heard, and the body ended", async () => {
  const fault = new UnreachableError("refused", "Cannot reach it");
  using pool = openPool(1, { open: () => Promise.reject(fault) });
  const body = openStream("x");
  assertEquals(await failureOf(pool, { body }), ["refused", "Cannot reach it"]);
  await closed(body);
});

Deno.test("opener that gives a connection which has closed since is no exchange that hangs", async () => {
  await using server = await RawServer.listen(({ socket }) => void socket.end());
  const recorder = recordWrites(server.port);
  using pool = openPool(server.port, {
    open: async (signal) => {
      const socket = await recorder.open(signal);
      socket.resume();
      if (!socket.closed) await once(socket, "close");
      return socket;
    },
  });
  assertEquals(await failureOf(pool), ["cut", CLOSED]);
});

for (
  const part of ["before its answer", "within its answer", "before its answer is read"] as const
) {
  Deno.test(`caller who gives up ${part} has the connection closed at once`, async () => {
    const asked = Promise.withResolvers<void>();
    await using server = await RawServer.listen(async (connection) => {
      await connection.readThrough("part");
      if (part !== "before its answer") connection.send("HTTP/1.1 200 OK\r\n\r\npart");
      asked.resolve();
    });
    using pool = openPool(server.port);
    const abort = new AbortController();
    const body = openStream("part");
    const exchange = await pool.send(
      toClientRequest({ headers: CHUNKED, body, signal: abort.signal }),
    );
    await asked.promise;
    if (part === "before its answer") {
      abort.abort();
      const error = await assertRejects(() => exchange.answer, UnreachableError);
      assertEquals(error.kind, "aborted");
    } else {
      const answer = await exchange.answer;
      if (part === "within its answer") await once(answer.body, "data");
      const errors: Error[] = [];
      answer.body.on("error", (error) => errors.push(error));
      abort.abort();
      await until(() => errors.length > 0);
      const [error] = errors;
      assert(error instanceof UnreachableError);
      assertEquals([error.kind, answer.body.readableEnded], ["aborted", false]);
    }
    await Promise.all([server.connections[0]?.closed, closed(body)]);
  });
}

Deno.test("caller who gives up after the end leaves the answer and the connection alone", async () => {
  await using server = await RawServer.listen(answering(OK));
  using pool = openPool(server.port);
  const abort = new AbortController();
  let listeners = 0;
  const { signal } = abort;
  const [add, remove] = [
    signal.addEventListener.bind(signal),
    signal.removeEventListener.bind(signal),
  ];
  signal.addEventListener = (...all: Parameters<typeof add>) => (listeners++, add(...all));
  signal.removeEventListener = (...all: Parameters<typeof remove>) => (listeners--, remove(...all));
  const first = await ask(pool, { signal });
  await until(() => first.body.isWhole);
  assertEquals(listeners, 0);
  const second = await pool.send(toClientRequest());
  abort.abort();
  assertEquals(await textOf(first.body), "ok");
  assertEquals(await textOf((await second.answer).body), "ok");
  assertEquals(server.connections.length, 1);
});

Deno.test("caller who cuts an exchange has it fail for that reason", async () => {
  await using server = await RawServer.listen(async (connection, index) => {
    await connection.readHead();
    if (index === 1) connection.send(OK.slice(0, -1));
  });
  using pool = openPool(server.port);
  const fault = new UnreachableError("silent", "It fell silent");
  const exchange = await pool.send(toClientRequest());
  exchange.cut(fault);
  assertEquals(await assertRejects(() => exchange.answer), fault);
  assertEquals(exchange.isWaitingForPeer, false);
  await server.connections[0]?.closed;
  const other = await pool.send(toClientRequest());
  const answer = await other.answer;
  other.cut(fault);
  assertEquals(await assertRejects(() => textOf(answer.body)), fault);
  await server.connections[1]?.closed;
});

Deno.test("exchange that fails while nobody waits for it ends nothing else", async () => {
  await using server = await RawServer.listen(({ socket }) => void socket.destroy());
  using pool = openPool(server.port);
  const exchange = await pool.send(toClientRequest());
  await server.connections[0]?.closed;
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  await assertRejects(() => exchange.answer, UnreachableError);
});
