/** Requests of our client, byte for byte, and such that cannot be sent. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { createServer } from "node:http";
import { Readable } from "node:stream";
import type { ClientRequest } from "../../lib/client/client_exchange.ts";
import type { RawHeaders } from "../../lib/http/message.ts";
import { fromLatin1, patternOf, piecesOf } from "../support/bytes.ts";
import { answering, closed, openStream, until } from "../support/origins.ts";
import {
  ask,
  failureOf,
  openPool,
  recordWrites,
  textOf,
  toClientRequest,
} from "../support/pooled_client.ts";
import { RawServer } from "../support/raw_server.ts";
import { turn } from "../support/turn.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LENGTH_3 = ["Host", "h", "Content-Length", "3"];
const CHUNKED = ["Host", "h", "Transfer-Encoding", "chunked"];
const CHUNKED_HEAD = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

/** A chunked request with a body of these chunks. */
function chunkedOf(...chunks: readonly string[]): Partial<ClientRequest> {
  return {
    method: "PUT",
    headers: CHUNKED,
    body: Readable.from(chunks.map((text) => Buffer.from(text))),
  };
}

const requests: readonly (readonly [what: string, () => Partial<ClientRequest>, wire: string])[] = [
  [
    "fields in order and case, and raw bytes",
    () => ({
      method: "PATCH",
      target: "/a%2fB/../%zz|\\\xe9?q=\xff&{}",
      headers: ["x-B", "\xff\xe9\t!", "hOST", "h", "X-b", "", "x-B", "2"],
    }),
    "PATCH /a%2fB/../%zz|\\\xe9?q=\xff&{} HTTP/1.1\r\nx-B: \xff\xe9\t!\r\nhOST: h\r\nX-b: \r\nx-B: 2\r\n\r\n",
  ],
  [
    "an odd method, and no fields",
    () => ({ method: "m-Search!", target: "*", headers: [] }),
    "m-Search! * HTTP/1.1\r\n\r\n",
  ],
  [
    "bytes",
    () => ({ method: "PUT", headers: LENGTH_3, body: fromLatin1("a\xffc") }),
    "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na\xffc",
  ],
  [
    "no bytes",
    () => ({ method: "PUT", headers: ["Content-Length", "0"], body: new Uint8Array() }),
    "PUT / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
  ],
  [
    "a stream with its length",
    () => ({
      method: "PUT",
      headers: LENGTH_3,
      body: Readable.from(["a", "", "bc"].map((text) => Buffer.from(text))),
      length: 3,
    }),
    "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
  ],
  [
    "an empty stream with its length",
    () => ({ headers: [], body: Readable.from([]), length: 0 }),
    "GET / HTTP/1.1\r\n\r\n",
  ],
  [
    "a stream in chunks",
    () => chunkedOf("a", "b".repeat(26)),
    `${CHUNKED_HEAD}1\r\na\r\n1a\r\n${"b".repeat(26)}\r\n0\r\n\r\n`,
  ],
  [
    "a stream in chunks, none of them empty",
    () => chunkedOf("", "a", "", "b", ""),
    `${CHUNKED_HEAD}1\r\na\r\n1\r\nb\r\n0\r\n\r\n`,
  ],
  ["an empty stream in chunks", () => chunkedOf(), `${CHUNKED_HEAD}0\r\n\r\n`],
  [
    "fields behind chunks, but those that may not be there",
    () => ({
      ...chunkedOf("a"),
      trailers: () => [
        "X-Sum",
        "1",
        "x-sum",
        "\xe9",
        "Content-Length",
        "5",
        "X:",
        "bad",
        "A",
        "b\r\nC: d",
        "Host",
        "x",
      ],
    }),
    `${CHUNKED_HEAD}1\r\na\r\n0\r\nX-Sum: 1\r\nx-sum: \xe9\r\n\r\n`,
  ],
];

for (const [what, toRequest, wire] of requests) {
  Deno.test(`request is sent with ${what}, and nothing behind it`, async () => {
    await using server = await RawServer.listen(async (connection) => {
      assertEquals(await connection.readThrough(wire), wire);
      connection.send(OK);
    });
    using pool = openPool(server.port);
    const exchange = await pool.send(toClientRequest(toRequest()));
    const answer = await exchange.answer;
    assertEquals([answer.status, await textOf(answer.body)], [200, "ok"]);
    assertEquals([exchange.isSent, exchange.isWaitingForPeer], [true, false]);
    assertEquals(server.connections[0]?.received, "");
  });
}

for (
  const [what, toRequest, writes] of [
    ["bytes", { headers: LENGTH_3, body: fromLatin1("abc") }, [3]],
    ["a stream", { headers: LENGTH_3, body: Readable.from([fromLatin1("abc")]), length: 3 }, [3]],
    ["chunks", { headers: CHUNKED, body: Readable.from([fromLatin1("abc")]) }, [13]],
    ["64 KiB", { headers: [], body: new Uint8Array(65_536) }, [65_536]],
    ["more", { headers: [], body: new Uint8Array(65_537) }, [65_537]],
    ["a large chunk", { headers: CHUNKED, body: Readable.from([new Uint8Array(65_536)]) }, [
      65_550,
    ]],
    ["much of a stream", {
      headers: [],
      body: Readable.from([new Uint8Array(65_537)]),
      length: 65_537,
    }, [65_537]],
  ] as const
) {
  Deno.test(`request's head and ${what} are written by ${writes.length} calls`, async () => {
    await using server = await RawServer.listen(answering(OK));
    const recorder = recordWrites(server.port);
    using pool = openPool(server.port, recorder);
    await textOf((await ask(pool, toRequest)).body);
    const [head = "", ...rest] = recorder.writes;
    assertEquals([head.length - head.indexOf("\r\n\r\n") - 4, ...rest.map((text) => text.length)], [
      ...writes,
    ]);
  });
}

Deno.test("request's head waits for its body, but not for long", async () => {
  const body = openStream();
  const head = Promise.withResolvers<void>();
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    assertEquals(connection.received, "");
    head.resolve();
    await connection.readThrough("3\r\nabc\r\n0\r\n\r\n");
    connection.send(OK);
  });
  const recorder = recordWrites(server.port);
  using pool = openPool(server.port, recorder);
  const sent: boolean[] = [];
  const exchange = await pool.send(
    toClientRequest({ headers: CHUNKED, body, onSent: () => sent.push(true) }),
  );
  assertEquals(recorder.writes, []);
  await head.promise;
  assertEquals([recorder.writes.length, sent, exchange.isSent], [1, [], false]);
  body.push("abc");
  body.push(null);
  const answer = await exchange.answer;
  assertEquals([answer.status, sent, exchange.isSent], [200, [true], true]);
});

for (const isOwned of [true, false]) {
  for (const length of [2_000_000, null]) {
    Deno.test(`request's ${length ?? "chunked"} bytes come whole, and ${isOwned ? "their memory is freed" : "are still there"}`, async () => {
      const bytes = patternOf(2_000_000);
      const server = createServer(async (incoming, outgoing) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of incoming) chunks.push(chunk);
        outgoing.end(Buffer.concat(chunks).equals(bytes) ? "whole" : "not whole");
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
      const address = server.address();
      assert(typeof address === "object" && address !== null);
      const pool = openPool(address.port);
      const chunks = piecesOf(bytes, 60_001);
      const body = Object.assign(Readable.from(chunks), { ownsChunks: isOwned });
      const framing = length === null ? CHUNKED : ["Host", "h", "Content-Length", String(length)];
      const answer = await ask(pool, { method: "PUT", headers: framing, body, length });
      assertEquals(await textOf(answer.body), "whole");
      for (const chunk of chunks) assertEquals(chunk.length === 0, isOwned);
      pool.close();
      await new Promise((resolve) => server.close(resolve));
    });
  }
}

const malformed: Readonly<Record<string, Partial<ClientRequest>>> = {
  "an empty method": { method: "" },
  "a method with space": { method: "GET /" },
  "a method with a line's end": { method: "GET\r\n" },
  "a method beyond ASCII": { method: "G\xcbT" },
  "CONNECT, whose answers are none": { method: "CONNECT" },
  "an empty target": { target: "" },
  "a target with space": { target: "/a b" },
  "a target with lines": { target: "/ HTTP/1.1\r\nX: 1\r\n\r\n" },
  "a target with NUL": { target: "/\0" },
  "a target with DEL": { target: "/\x7f" },
  "a target beyond Latin-1": { target: "/\u0100" },
  "a field with lines": { headers: ["X", "a\r\nY: b"] },
  "a field with LF": { headers: ["X", "a\nb"] },
  "a field with NUL": { headers: ["Host", "h", "X", "\0"] },
  "a field beyond Latin-1": { headers: ["X", "\u0100"] },
  "a field without a name": { headers: ["", "a"] },
  "a name with space": { headers: ["X ", "a"] },
  "a name with a colon": { headers: ["X:", "a"] },
};

for (const [what, changes] of Object.entries(malformed)) {
  Deno.test(`request with ${what} is not sent, and its connection stays`, async () => {
    await using server = await RawServer.listen(answering(OK));
    using pool = openPool(server.port);
    const body = openStream("x");
    await assertRejects(
      () => pool.send(toClientRequest({ ...changes, body })),
      TypeError,
      "Cannot send a request",
    );
    await closed(body);
    assertEquals(server.connections.length, 0);
    await textOf((await ask(pool)).body);
    await assertRejects(() => pool.send(toClientRequest(changes)), TypeError, "malformed");
    await textOf((await ask(pool)).body);
    assertEquals([server.connections.length, server.connections[0]?.received], [1, ""]);
  });
}

for (
  const [what, headers, length, chunks, reason] of [
    ["shorter than its length", LENGTH_3, 3, ["ab"], "it is shorter than its 3 bytes"],
    ["longer than its length", LENGTH_3, 3, ["ab", "cd"], "it is longer than its 3 bytes"],
    ["longer than its length at once", LENGTH_3, 3, ["abcd"], "it is longer than its 3 bytes"],
    ["broken off", LENGTH_3, 3, ["ab", new Error("disk failed")], "disk failed"],
    ["broken off in chunks", CHUNKED, null, ["ab", new Error("disk failed")], "disk failed"],
    ["broken off at once", CHUNKED, null, [new Error("disk failed")], "disk failed"],
    ["given up", CHUNKED, null, ["ab", null], "it ended early"],
  ] as const
) {
  Deno.test(`request whose body is ${what} never looks whole`, async () => {
    let received = "";
    await using server = await RawServer.listen(async (connection) => {
      await connection.closed;
      received = connection.received.slice(connection.received.indexOf("\r\n\r\n") + 4);
    });
    using pool = openPool(server.port);
    const body = openStream();
    const exchange = await pool.send(
      toClientRequest({ headers: headers as RawHeaders, body, length }),
    );
    for (const chunk of chunks) {
      if (typeof chunk === "string") body.push(chunk);
      else body.destroy(chunk ?? undefined);
      await turn();
    }
    if (!body.destroyed) body.push(null);
    const error = await assertRejects(() => exchange.answer, Error);
    assertEquals([error.name, error.message], [
      "UnreachableError",
      `Cannot send a body: ${reason}`,
    ]);
    await server.connections[0]?.closed;
    await until(() => server.connections[0]?.socket.closed ?? true);
    assertEquals(
      [body.destroyed, exchange.isSent, /0\r\n\r\n/.test(received), received.length < 8],
      [true, false, false, true],
      received,
    );
  });
}

for (const error of [undefined, new Error("disk failed")]) {
  Deno.test(`request whose body has failed before is not sent${error === undefined ? "" : ", and says why"}`, async () => {
    await using server = await RawServer.listen(() => {});
    using pool = openPool(server.port);
    const body = openStream("ab");
    body.on("error", () => {});
    body.destroy(error);
    await closed(body);
    assertEquals(await failureOf(pool, { headers: CHUNKED, body }), [
      "body",
      `Cannot send a body: ${error?.message ?? "it ended early"}`,
    ]);
    await Promise.all(server.connections.map((connection) => connection.closed));
    for (const { received } of server.connections) assertEquals(received, "");
  });
}

Deno.test("request whose body fails while it is being connected is not sent", async () => {
  await using server = await RawServer.listen(() => {});
  const recorder = recordWrites(server.port);
  const body = openStream("ab");
  using pool = openPool(server.port, {
    open: async (signal) => {
      body.destroy(new Error("disk failed"));
      return await recorder.open(signal);
    },
  });
  assertEquals(await failureOf(pool, { headers: CHUNKED, body }), [
    "body",
    "Cannot send a body: disk failed",
  ]);
  await server.connections[0]?.closed;
  assertEquals(server.connections[0]?.received, "");
});
