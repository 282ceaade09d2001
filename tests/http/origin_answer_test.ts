/** What visitors get of an origin's answers, and what becomes of its connections. */

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";
import { MAX_ANSWER_FIELDS } from "../../lib/base/limits.ts";
import { patternOf } from "../support/bytes.ts";
import { createFakeRequest, readAnswer } from "../support/fake_request.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { answering, closed, openOrigin } from "../support/origins.ts";
import { RawServer, type ServerConnection } from "../support/raw_server.ts";
import { turn } from "../support/turn.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const PLACE = {
  path: "/app/",
  headers: [
    "Host",
    "relay.test",
    "X-Forwarded-Host",
    "relay.test",
    "X-Forwarded-Prefix",
    "/servers/me",
  ],
};

/** Sends `answer` to one request, and ends the connection. */
function answeringOnce(answer: string): (connection: ServerConnection) => Promise<void> {
  return async (connection) => {
    await connection.readHead();
    connection.send(answer);
    connection.socket.end();
  };
}

Deno.test("origin's every status from 200 to 599 comes as it is", async () => {
  let status = 200;
  await using server = await RawServer.listen(async (connection) => {
    for (;;) {
      await connection.readHead();
      const body = [204, 304].includes(status) ? "" : "Content-Length: 2\r\n\r\nok";
      connection.send(`HTTP/1.1 ${status} Any reason\r\n${body || "\r\n"}`);
    }
  });
  using origin = openOrigin(server.port);
  for (; status < 600; status++) {
    const answer = await origin.answer(createFakeRequest("/"));
    const body = [204, 304].includes(status) ? "" : "ok";
    assertEquals([answer.status, await readAnswer(answer)], [status, body]);
    await turn();
  }
  assertEquals(server.connections.length, 1);
});

for (
  const [what, method, head, headers] of [
    ["HEAD with a length", "HEAD", "200 OK\r\nContent-Length: 500", ["Content-Length", "500"]],
    ["HEAD, chunked", "HEAD", "200 OK\r\nTransfer-Encoding: chunked", []],
    ["204", "GET", "204 No Content\r\nX: 1", ["X", "1"]],
    ["304 with a length", "GET", "304 Not Modified\r\nContent-Length: 5", ["Content-Length", "5"]],
  ] as const
) {
  Deno.test(`origin's answer has no body: ${what}; its connection is kept (RFC 9110 §6.4.1)`, async () => {
    await using server = await RawServer.listen(answering(`HTTP/1.1 ${head}\r\n\r\n`));
    using origin = openOrigin(server.port);
    for (let i = 0; i < 3; i++) {
      const answer = await origin.answer(createFakeRequest("/", { method }));
      assertEquals([answer.headers, answer.body], [[...headers], null]);
      await turn();
    }
    assertEquals(server.connections.length, 1);
  });
}

Deno.test("origin's fields come raw and in order, less those of its connection, moved to where visitors see it", async () => {
  await using server = await RawServer.listen(answering(
    "HTTP/1.1 302 Found\r\nset-cookie: a=1; Path=/\r\nX-B: \xff\xe9\r\nConnection: X-Hop\r\nX-Hop: 1\r\n" +
      "Set-Cookie: b=2; path=/x; Domain=relay.test\r\nKeep-Alive: timeout=5\r\nLocation: /login\r\n" +
      "set-cookie: c=3\r\nx-b: \r\nProxy-Authenticate: x\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n",
  ));
  using origin = openOrigin(server.port, PLACE);
  const answer = await origin.answer(createFakeRequest("/app/x", PLACE));
  assertEquals(answer.headers, [
    ...["set-cookie", "a=1; Path=/app/", "X-B", "\xff\xe9"],
    ...["Set-Cookie", "b=2; path=/app/x; Domain=relay.test", "Location", "/app/login"],
    ...["set-cookie", "c=3", "x-b", "", "Content-Length", "0"],
  ]);
  await readAnswer(answer);
});

Deno.test("origin's fields come all, as many as there may be", async () => {
  const fields = "a: b\r\n".repeat(MAX_ANSWER_FIELDS - 1);
  await using server = await RawServer.listen(
    answering(`HTTP/1.1 200 OK\r\n${fields}Content-Length: 0\r\n\r\n`),
  );
  using origin = openOrigin(server.port);
  const answer = await origin.answer(createFakeRequest("/"));
  assertEquals([answer.status, answer.headers.length], [200, 2 * MAX_ANSWER_FIELDS]);
  await readAnswer(answer);
});

for (
  const [what, options, location, moved] of [
    ["its own address", {}, "http://127.0.0.1:PORT/x", "/app/x"],
    ["another name of this computer", {}, "http://localhost:PORT/x", "/app/x"],
    ["the IPv6 address of this computer", {}, "https://[::1]:PORT/x", "/app/x"],
    [
      "the name that it gets as Host",
      { host: { authority: "app.internal" } },
      "http://app.internal/x",
      "/app/x",
    ],
    ["X-Forwarded-Host", {}, "https://public.test/x", "https://public.test/app/x"],
    ["Host", {}, "http://relay.test/x", "http://relay.test/app/x"],
    ["the path that visitors have", {}, "/servers/me/app/x", "/servers/me/app/x"],
    ["its path, kept", { stripsPath: false }, "/app/x", "/app/x"],
    [
      "its own address, its path kept",
      { stripsPath: false },
      "http://127.0.0.1:PORT/app/x",
      "/app/x",
    ],
    ["elsewhere", {}, "http://127.0.0.1:1/x", "http://127.0.0.1:1/x"],
  ] as const
) {
  Deno.test(`origin that redirects to ${what} leads visitors there`, async () => {
    const port: { value?: number } = {};
    const toPort = (text: string): string => text.replace("PORT", String(port.value));
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      connection.send(
        `HTTP/1.1 302 F\r\nLocation: ${toPort(location)}\r\nContent-Length: 0\r\n\r\n`,
      );
    });
    port.value = server.port;
    using origin = openOrigin(server.port, { path: "/app/", ...options });
    const headers = [
      ...["Host", "relay.test", "X-Forwarded-Host", "Public.test"],
      ...["X-Forwarded-Prefix", "/servers/me"],
    ];
    const answer = await origin.answer(createFakeRequest("/app/", { headers }));
    assertEquals(answer.headers.slice(0, 2), ["Location", toPort(moved)]);
    await readAnswer(answer);
  });
}

Deno.test("origin's interim answers come in order, moved too, and 100 does not (RFC 9110 §15.2)", async () => {
  await using server = await RawServer.listen(answering(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n" +
      "Connection: X-Hop\r\nX-Hop: 1\r\nlink: </\xe9>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" +
      `HTTP/1.1 199 Odd\r\nX: 1\r\n\r\n${OK}`,
  ));
  using origin = openOrigin(server.port, PLACE);
  for (let i = 0; i < 2; i++) {
    const request = createFakeRequest("/app/x", PLACE);
    const answer = await origin.answer(request);
    assertEquals(request.informed, [
      { status: 103, headers: ["Link", "</app/a.css>; rel=preload", "link", "</app/\xe9>"] },
      { status: 102, headers: [] },
      { status: 199, headers: ["X", "1"] },
    ]);
    assertEquals([answer.status, await readAnswer(answer)], [200, "ok"]);
  }
  assertEquals(server.connections.length, 1);
});

Deno.test("origin's fields behind the body come along, and are announced (RFC 9110 §6.5)", async () => {
  await using server = await RawServer.listen(answering(
    "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: Chunked\r\n\r\n" +
      "1;ext=1\r\na\r\n2\r\nbc\r\n0\r\nX-Sum: 1\r\nx-sum: \xe9\r\n\r\n",
  ));
  using origin = openOrigin(server.port);
  for (let i = 0; i < 2; i++) {
    const answer = await origin.answer(createFakeRequest("/"));
    assertEquals(answer.headers, ["Trailer", "X-Sum"]);
    assertEquals(await readAnswer(answer), "abc");
    assertEquals(answer.trailers?.(), ["X-Sum", "1", "x-sum", "\xe9"]);
  }
  assertEquals(server.connections.length, 1);
});

for (
  const [what, head, isChunked] of [
    ["with its length", "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", false],
    ["in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true],
    ["until it closes", "HTTP/1.1 200 OK\r\n\r\n", false],
    ["as HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\n", false],
  ] as const
) {
  Deno.test(`origin's body comes whole ${what}, also to a visitor who begins late`, async () => {
    const bytes = patternOf(3_000_000);
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      const { socket } = connection;
      socket.write(head);
      if (isChunked) socket.write(`${bytes.length.toString(16)}\r\n`);
      socket.write(bytes);
      if (isChunked) socket.write("\r\n0\r\n\r\n");
      socket.end();
    });
    using origin = openOrigin(server.port);
    const answer = await origin.answer(createFakeRequest("/"));
    for (let i = 0; i < 100; i++) await turn();
    assert(Buffer.from(await readAnswer(answer), "latin1").equals(bytes));
  });
}

for (
  const [what, answer] of [
    ["by its length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab"],
    ["by its length, before a byte", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"],
    ["within a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"],
    ["between chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"],
    [
      "within the trailer",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: 1\r\n",
    ],
    ["by a bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nzz\r\n"],
    [
      "by a chunk that is too long",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    ],
  ] as const
) {
  for (const isLate of [false, true]) {
    Deno.test(`origin's body that is cut ${what} never looks whole${isLate ? ", to a late reader too" : ""}`, async () => {
      await using server = await RawServer.listen(answeringOnce(answer));
      using origin = openOrigin(server.port);
      const { status, body } = await origin.answer(createFakeRequest("/"));
      assertEquals(status, 200);
      if (isLate) await server.connections[0]?.closed;
      let hasEnded = false;
      (body as Readable).on("end", () => hasEnded = true);
      (body as Readable).resume();
      await closed(body as Readable);
      assertEquals([hasEnded, (body as Readable).readableEnded], [false, false]);
    });
  }
}

for (
  const [what, answer, token] of [
    ["garbage", "SSH-2.0-x\r\n\r\n", "http_protocol_error"],
    ["HTTP/2", "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n", "http_protocol_error"],
    ["status 600", "HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n", "http_protocol_error"],
    ["status 999", "HTTP/1.1 999 X\r\nContent-Length: 0\r\n\r\n", "http_protocol_error"],
    ["status 099", "HTTP/1.1 099 X\r\n\r\n", "http_protocol_error"],
    [
      "two lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "http_protocol_error",
    ],
    [
      "length and chunks",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
      "http_protocol_error",
    ],
    [
      "a coding nobody asked for",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
      "http_protocol_error",
    ],
    [
      "a bad field",
      "HTTP/1.1 200 OK\r\nX y: 1\r\nContent-Length: 0\r\n\r\n",
      "http_protocol_error",
    ],
    [
      "too many fields",
      `HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(MAX_ANSWER_FIELDS + 1)}\r\n`,
      "http_protocol_error",
    ],
    [
      "a head past the limit",
      `HTTP/1.1 200 OK\r\nX: ${"a".repeat(70_000)}\r\n\r\n`,
      "http_protocol_error",
    ],
    [
      "101 that nobody asked for",
      "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
      "http_protocol_error",
    ],
    ["nothing", "", "connection_terminated"],
    ["half a head", "HTTP/1.1 200 OK\r\nX: ", "connection_terminated"],
    ["only 103", "HTTP/1.1 103 Early Hints\r\n\r\n", "connection_terminated"],
  ] as const
) {
  Deno.test(`origin that answers ${what} gets its visitor 502, and is logged`, async () => {
    const { log, lines } = createMemoryLog();
    await using server = await RawServer.listen(answeringOnce(answer));
    using origin = openOrigin(server.port, { log });
    const { status, headers } = await origin.answer(createFakeRequest("/"));
    assertEquals([status, headers.slice(-2)], [502, [
      "Proxy-Status",
      `ptth_server; error=${token}`,
    ]]);
    assertEquals([lines.length, lines[0]?.startsWith("WARN Origin failed")], [1, true], lines[0]);
    await server.connections[0]?.closed;
  });
}
