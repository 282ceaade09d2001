import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { setImmediate } from "node:timers";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { MAX_HEADER_COUNT, MAX_TARGET_BYTES } from "../../lib/base/limits.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { Listener, type ListenerLimits } from "../../lib/http/listener.ts";
import type { Delivery, Handler, HttpRequest } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { exchangeBytes, RawConnection } from "../support/raw_connection.ts";

/** A listener on a free port, closed at the end of the scope. */
async function listen(
  handler: Handler,
  limits: Partial<ListenerLimits> = {},
  clock: Clock = systemClock,
): Promise<{ port: number; listener: Listener } & AsyncDisposable> {
  const listener = new Listener({ handler, limits, log: silentLogger, clock });
  const { port } = await listener.start({ host: "127.0.0.1", port: 0 });
  return {
    port,
    listener,
    [Symbol.asyncDispose]: () => listener.close(AbortSignal.abort()),
  };
}

const hello: Handler = () => textAnswer(200, "hello");

const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n";

async function readText(request: HttpRequest): Promise<string> {
  let text = "";
  for await (const chunk of request.body ?? []) text += Buffer.from(chunk).toString("latin1");
  return text;
}

Deno.test("Listener hands over raw method, target and headers, and sends raw headers", async () => {
  const seen: HttpRequest[] = [];
  await using server = await listen((request) => {
    seen.push(request);
    return {
      status: 200,
      headers: ["Set-Cookie", "a=1", "Set-Cookie", "b=2", "X-Bin", "\xff\xe9\x80"],
      body: new TextEncoder().encode("body"),
    };
  });
  const answer = await exchangeBytes(
    server.port,
    "GET /a/../%2e|b?x=1 HTTP/1.1\r\nHost: h\r\nX-Dup: 1\r\nx-dup: \xe9\r\nConnection: close\r\n\r\n",
  );
  assertEquals(seen[0]?.method, "GET");
  assertEquals(seen[0]?.target, "/a/../%2e|b?x=1");
  assertEquals(seen[0]?.headers.slice(2, 6), ["X-Dup", "1", "x-dup", "\xe9"]);
  assertEquals(seen[0]?.remoteAddress, "127.0.0.1");
  assertEquals(seen[0]?.body, null);
  assertStringIncludes(answer, "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Bin: \xff\xe9\x80\r\n");
  assertMatch(answer, /\r\nDate: .* GMT\r\n/);
  assertStringIncludes(answer, "Content-Length: 4\r\n");
  assert(answer.endsWith("\r\n\r\nbody"));
});

const refusals: readonly (readonly [string, string, number])[] = [
  ["no Host on HTTP/1.1 (RFC 9112 §3.2)", "GET / HTTP/1.1\r\n\r\n", 400],
  ["two Hosts (RFC 9112 §3.2)", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
  ["a Host with a space", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400],
  ["a Host with a path", "GET / HTTP/1.1\r\nHost: x/servers/secret/?\r\n\r\n", 400],
  ["a Host with a user", "GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", 400],
  ["bare LF (RFC 9112 §2.2)", "GET / HTTP/1.1\nHost: a\n\n", 400],
  ["space before the colon (RFC 9112 §5.1)", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400],
  ["obs-fold (RFC 9112 §5.2)", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n b\r\n\r\n", 400],
  [
    "Content-Length with Transfer-Encoding (RFC 9112 §6.1)",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  [
    "two lengths (RFC 9112 §6.3)",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    400,
  ],
  ["raw bytes in the target", "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  [
    "Transfer-Encoding on HTTP/1.0 (RFC 9112 §6.1)",
    "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  [
    "a transfer coding but chunked (RFC 9112 §6.1)",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    501,
  ],
  ["a Host that no name can be", `GET / HTTP/1.1\r\nHost: ${"a".repeat(262)}\r\n\r\n`, 400],
  ["CONNECT", "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n", 405],
  ["TRACE (RFC 9110 §9.3.8)", "TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405],
  ["an unknown method (RFC 9110 §9.1)", "FOO / HTTP/1.1\r\nHost: a\r\n\r\n", 501],
  ["HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
  [
    "an unknown expectation (RFC 9110 §10.1.1)",
    "GET / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n",
    417,
  ],
  [
    "an unknown expectation behind one that is known",
    "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nExpect: wonders\r\n\r\n",
    417,
  ],
  [
    "a target over the limit (RFC 9110 §15.5.15)",
    `GET /${"a".repeat(MAX_TARGET_BYTES)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    414,
  ],
  [
    "a target over the head's limit",
    `GET /${"a".repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`,
    414,
  ],
  [
    "too many header fields (RFC 6585 §5)",
    `GET / HTTP/1.1\r\nHost: a\r\n${"X: 1\r\n".repeat(MAX_HEADER_COUNT)}\r\n`,
    431,
  ],
  [
    "a head over the limit (RFC 6585 §5)",
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${"a".repeat(20_000)}\r\n\r\n`,
    431,
  ],
];

for (const [what, bytes, status] of refusals) {
  Deno.test(`Listener refuses ${what} with ${status}, closes, and serves others`, async () => {
    const targets: string[] = [];
    await using server = await listen((request) => {
      targets.push(request.target);
      return textAnswer(200, "hello");
    });
    const answer = await exchangeBytes(server.port, bytes);
    assert(answer.startsWith(`HTTP/1.1 ${status} `), answer);
    assertEquals(answer.split("HTTP/1.1 ").length, 2, "one answer");
    const next = await exchangeBytes(
      server.port,
      "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    assert(next.startsWith("HTTP/1.1 200 "));
    assertEquals(targets, ["/next"]);
  });
}

Deno.test("Listener takes what is just inside the limits", async () => {
  await using server = await listen(hello);
  const fields = "X: 1\r\n".repeat(MAX_HEADER_COUNT - 2);
  const answer = await exchangeBytes(
    server.port,
    `GET /${
      "a".repeat(MAX_TARGET_BYTES - 1)
    } HTTP/1.1\r\nHost: a\r\n${fields}Connection: close\r\n\r\n`,
  );
  assert(answer.startsWith("HTTP/1.1 200 "), answer);
});

Deno.test("Listener serves HTTP/1.0 without Host", async () => {
  await using server = await listen(hello);
  const answer = await exchangeBytes(server.port, "GET / HTTP/1.0\r\n\r\n");
  assert(answer.startsWith("HTTP/1.1 200 "), answer);
});

Deno.test("Listener serves a request that offers h2c as plain HTTP/1.1", async () => {
  await using server = await listen(hello);
  await using connection = await RawConnection.open(server.port);
  await connection.send(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" +
      "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
  );
  assert((await connection.readThrough("hello\n")).startsWith("HTTP/1.1 200 "));
});

Deno.test("Listener sends no body for HEAD, 204 and 304, and the next answer is in step", async () => {
  const bodies: Readable[] = [];
  await using server = await listen((request) => {
    if (request.target === "/next") return textAnswer(200, "next");
    const body = Readable.from([new Uint8Array(5)]);
    bodies.push(body);
    const status = Number(request.target.slice(1));
    return { status, headers: status === 200 ? ["Content-Length", "5"] : [], body };
  });
  await using connection = await RawConnection.open(server.port);
  for (const [method, status] of [["HEAD", 200], ["GET", 204], ["GET", 304]] as const) {
    await connection.send(`${method} /${status} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const head = await connection.readThrough("\r\n\r\n");
    assert(head.startsWith(`HTTP/1.1 ${status} `), head);
    assertEquals(head.includes("Content-Length: 5"), status === 200);
    await connection.send("GET /next HTTP/1.1\r\nHost: a\r\n\r\n");
    assert((await connection.readThrough("next\n")).startsWith("HTTP/1.1 200 "));
  }
  assertEquals(bodies.map((body) => body.destroyed), [true, true, true]);
});

Deno.test("Listener frames answers itself, whatever their fields say", async () => {
  const fields = ["Connection", "X-A", "Transfer-Encoding", "gzip", "Keep-Alive", "timeout=5"];
  await using server = await listen(({ target }) => ({
    status: Number(target.slice(1)),
    headers: [...fields, "X-A", "1", "Date", "Thu, 01 Jan 1970 00:00:00 GMT"],
    body: target === "/204" ? null : Buffer.from("hello"),
  }));
  const ask = (status: number): Promise<string> =>
    exchangeBytes(
      server.port,
      `GET /${status} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
  const rest = "X-A: 1\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
  assertEquals(
    await ask(200),
    `HTTP/1.1 200 OK\r\n${rest}Content-Length: 5\r\nConnection: close\r\n\r\nhello`,
  );
  assertEquals(await ask(204), `HTTP/1.1 204 No Content\r\n${rest}Connection: close\r\n\r\n`);
});

Deno.test("Listener sends no Content-Length with 204 (RFC 9110 §8.6), and keeps that of a 304", async () => {
  await using server = await listen(({ target }) => ({
    status: Number(target.slice(1)),
    headers: ["Content-Length", "5"],
    body: null,
  }));
  for (const status of [204, 304]) {
    const answer = await exchangeBytes(
      server.port,
      `GET /${status} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    assertEquals(answer.includes("Content-Length: 5\r\n"), status === 304, answer);
  }
});

for (
  const [what, headers, body] of [
    ["bytes that are not as many as announced", ["Content-Length", "6"], Buffer.from("hello")],
    ["no body where one is announced", ["Content-Length", "6"], null],
    ["two lengths", ["Content-Length", "5", "Content-Length", "5"], Buffer.from("hello")],
    ["a length that is none", ["Content-Length", "x"], Buffer.from("hello")],
    ["a field with a line's end", ["X", "a\r\nSet-Cookie: b=1"], Buffer.from("hello")],
    ["a name with a colon", ["X: a", "b"], Buffer.from("hello")],
  ] as const
) {
  Deno.test(`Listener cuts the connection rather than send ${what}`, async () => {
    await using server = await listen(() => ({ status: 200, headers, body }));
    const answer = await exchangeBytes(server.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assertEquals(answer, "");
  });
}

Deno.test("Listener keeps a connection of HTTP/1.0 that asks for it, where the length is known", async () => {
  await using server = await listen(({ target }) => ({
    status: 200,
    headers: [],
    body: target === "/stream" ? Readable.from([Buffer.from("abc")]) : Buffer.from("hello"),
  }));
  await using connection = await RawConnection.open(server.port);
  for (let i = 0; i < 2; i++) {
    await connection.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assertStringIncludes(await connection.readThrough("hello"), "Connection: keep-alive\r\n");
  }
  await connection.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const last = await connection.readToEnd();
  assertStringIncludes(last, "Connection: close\r\n");
  assert(last.endsWith("\r\n\r\nabc"), last);
});

Deno.test("Listener sends big chunks, small ones and the head between them whole", async () => {
  const sizes = [1, 8192, 8193, 65_536, 65_537, 300_000, 3];
  const chunks = sizes.map((size) => Buffer.alloc(size, "0123456789abcdef"));
  await using server = await listen(({ target }) => ({
    status: 200,
    headers: target === "/length" ? ["Content-Length", String(Buffer.concat(chunks).length)] : [],
    body: target === "/bytes" ? Buffer.concat(chunks) : Readable.from(chunks),
  }));
  for (const target of ["/length", "/chunked", "/bytes"]) {
    const answer = await exchangeBytes(
      server.port,
      `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    let rest = answer.slice(answer.indexOf("\r\n\r\n") + 4);
    let body = target === "/chunked" ? "" : rest;
    while (target === "/chunked" && rest !== "") {
      const lineEnd = rest.indexOf("\r\n");
      const size = parseInt(rest.slice(0, lineEnd), 16);
      body += rest.slice(lineEnd + 2, lineEnd + 2 + size);
      assertEquals(rest.slice(lineEnd + 2 + size, lineEnd + 4 + size), "\r\n");
      rest = rest.slice(lineEnd + 4 + size);
    }
    assert(body === Buffer.concat(chunks).toString("latin1"), `${target}: ${body.length} bytes`);
  }
});

Deno.test("Listener sends a body without a length chunked, and until close on HTTP/1.0", async () => {
  await using server = await listen(() => ({
    status: 200,
    headers: [],
    body: Readable.from([new Uint8Array([97]), new Uint8Array([98])]),
  }));
  const modern = await exchangeBytes(
    server.port,
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  );
  assertStringIncludes(modern, "Transfer-Encoding: chunked\r\n");
  assert(modern.endsWith("\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n"), modern);
  const old = await exchangeBytes(server.port, "GET / HTTP/1.0\r\n\r\n");
  assert(!old.toLowerCase().includes("transfer-encoding"), old);
  assert(old.endsWith("\r\n\r\nab"), old);
});

for (const [what, chunks] of [["shorter", ["abc"]], ["longer", ["abcd", "efgh"]]] as const) {
  Deno.test(`Listener cuts the connection when a body is ${what} than its length`, async () => {
    const deliveries: Promise<Delivery>[] = [];
    await using server = await listen((request) => {
      deliveries.push(request.finished);
      return {
        status: 200,
        headers: ["Content-Length", "6"],
        body: Readable.from(chunks.map((chunk) => Buffer.from(chunk))),
      };
    });
    const answer = await exchangeBytes(server.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const body = answer.slice(answer.indexOf("\r\n\r\n") + 4);
    assert(body.length < 6, "a cut answer must not look complete");
    assertEquals(await Promise.all(deliveries), ["cut"]);
  });
}

Deno.test("Listener cuts a chunked answer whose body fails, without the last chunk", async () => {
  await using server = await listen(() => {
    const body = new Readable({ read: () => {} });
    body.push("abc");
    body.once("resume", () => setTimeout(() => body.destroy(new Error("disk failed")), 1));
    return { status: 200, headers: [], body };
  });
  const answer = await exchangeBytes(server.port, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assert(!answer.includes("\r\n0\r\n"), answer);
});

Deno.test("Listener leaves trailers and Trailer out on HTTP/1.0 (RFC 9112 §7.1.2)", async () => {
  await using server = await listen(() => ({
    status: 200,
    headers: ["Trailer", "X-Sum", "X-A", "1"],
    body: Readable.from(["abc"], { objectMode: false }),
    trailers: () => ["X-Sum", "6"],
  }));
  const old = await exchangeBytes(server.port, "GET / HTTP/1.0\r\n\r\n");
  assertStringIncludes(old, "200 OK\r\nX-A: 1\r\n");
  assert(old.endsWith("\r\n\r\nabc"));
});

Deno.test("Listener resets the connection of an HTTP/1.0 answer that was cut", async () => {
  await using server = await listen(() => {
    const body = new Readable({ read: () => {} });
    body.push("abc");
    body.once("resume", () => setTimeout(() => body.destroy(new Error("disk failed")), 1));
    return { status: 200, headers: [], body };
  });
  const connection = await RawConnection.open(server.port);
  const failed = new Promise<Error & { code?: string }>((resolve) =>
    connection.socket.once("error", resolve)
  );
  await connection.send("GET / HTTP/1.0\r\n\r\n");
  // Nothing else tells this visitor that the body is not whole.
  assertEquals((await failed).code, "ECONNRESET");
  await connection.close();
});

Deno.test("Listener sends the head while the body is still to come", async () => {
  const bodies: Readable[] = [];
  await using server = await listen(() => {
    const body = new Readable({ read: () => {} });
    bodies.push(body);
    return { status: 200, headers: ["X-Early", "yes"], body };
  });
  await using connection = await RawConnection.open(server.port);
  await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assertStringIncludes(await connection.readThrough("\r\n\r\n"), "X-Early: yes\r\n");
  bodies[0]?.push("late");
  bodies[0]?.push(null);
  await connection.readThrough("0\r\n\r\n");
});

Deno.test("Listener serves pipelined requests one after the other (RFC 9112 §9.3.2)", async () => {
  const gates = new Map<string, () => void>();
  const started: string[] = [];
  const next = { resolve: (): void => {} };
  const whenStarted = (): Promise<void> => new Promise((resolve) => next.resolve = resolve);
  await using server = await listen((request) => {
    started.push(request.target);
    next.resolve();
    return new Promise((resolve) =>
      gates.set(request.target, () => resolve(textAnswer(200, request.target)))
    );
  });
  await using connection = await RawConnection.open(server.port);
  let arrived = whenStarted();
  await connection.send(
    ["/1", "/2", "/3"].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(""),
  );
  for (const path of ["/1", "/2", "/3"]) {
    await arrived;
    assertEquals(started.at(-1), path);
    arrived = whenStarted();
    gates.get(path)?.();
    await connection.readThrough(`${path}\n`);
  }
  assertEquals(started, ["/1", "/2", "/3"]);
});

Deno.test("Listener answers any number of pipelined requests, whatever waits behind them", async () => {
  const gate = Promise.withResolvers<void>();
  await using server = await listen(async ({ target }) => {
    if (target === "/0") await gate.promise;
    return textAnswer(200, `${target}.`);
  });
  await using connection = await RawConnection.open(server.port);
  const paths = Array.from({ length: 5000 }, (_, i) => `/${i}`);
  await connection.send(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(""));
  gate.resolve();
  const received = await connection.readThrough("/4999.\n");
  assertEquals([...received.matchAll(/^(\/[0-9]+)\.$/gm)].map(([, path]) => path), paths);
});

Deno.test("Listener gives others their turn between pipelined requests", async () => {
  let inTurn = 0;
  let most = 0;
  await using server = await listen(({ target }) => {
    if (inTurn++ === 0) setImmediate(() => inTurn = 0);
    most = Math.max(most, inTurn);
    return textAnswer(200, target);
  });
  await using connection = await RawConnection.open(server.port);
  const ask = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
  await connection.send(ask("/").repeat(1000) + ask("/last"));
  await connection.readThrough("/last\n");
  assert(most < 10, `${most} were served in one turn of the event loop`);
});

for (
  const [what, start] of [["pipelined requests", ""], ["a body that nobody reads", POST]] as const
) {
  Deno.test(`Listener holds little of ${what}, while the answer is being made`, async () => {
    const gate = Promise.withResolvers<void>();
    await using server = await listen(async () => {
      await gate.promise;
      return textAnswer(200, "hello");
    });
    await using connection = await RawConnection.open(server.port);
    const chunk = Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2000));
    let sent = 0;
    const push = (): void => {
      // Bounded, so that a missing back-pressure fails the test instead of the machine.
      while (sent < 100_000_000 && connection.socket.write(chunk, () => sent += chunk.length));
    };
    connection.socket.on("drain", push);
    if (start !== "") await connection.send(start);
    push();
    // Until nothing more moves while many another byte goes to and fro.
    for (let before = -1; before !== sent;) {
      before = sent;
      for (let i = 0; i < 20; i++) await exchangeBytes(server.port, "FOO / HTTP/1.1\r\n\r\n");
    }
    // What the system holds is part of it.
    assert(sent < 32 * 1024 * 1024, `${sent} bytes were taken`);
    connection.socket.resetAndDestroy();
    gate.resolve();
  });
}

Deno.test("Listener never starts a pipelined request of a peer that is gone", async () => {
  const arrived = Promise.withResolvers<void>();
  const over: Promise<Delivery>[] = [];
  const server = await listen((request) => {
    over.push(request.finished);
    arrived.resolve();
    return new Promise((resolve) =>
      request.signal.addEventListener("abort", () => resolve(textAnswer(200, "late")))
    );
  });
  const connection = await RawConnection.open(server.port);
  await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(10));
  await arrived.promise;
  await connection.close();
  await server.listener.close(new AbortController().signal);
  assertEquals(await Promise.all(over), ["cut"]);
});

Deno.test("Listener answers what came before garbage on the same connection, and then that", async () => {
  await using server = await listen(hello);
  const answer = await exchangeBytes(
    server.port,
    "GET / HTTP/1.1\r\nHost: a\r\n\r\ngarbage garbage\r\n\r\n",
  );
  assertMatch(answer, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nhello\nHTTP\/1\.1 400 Bad Request\r\n/);
  assertMatch(answer, /\r\nConnection: close\r\n[^]*\nThe request is not valid HTTP\/1\.1\n$/);
});

Deno.test("Listener survives a peer that resets right after CONNECT, and drops one that stays", async () => {
  await using server = await listen(hello, { lingerMs: 20 });
  for (let i = 0; i < 40; i++) {
    const connection = await RawConnection.open(server.port);
    await connection.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
    connection.socket.resetAndDestroy();
  }
  await using stays = await RawConnection.open(server.port);
  await stays.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
  assert((await stays.readToEnd()).startsWith("HTTP/1.1 405 "));
});

Deno.test("Listener drops only the connection of an answer whose head cannot be written", async () => {
  await using server = await listen((request) =>
    request.target === "/bad"
      ? { status: 200, headers: ["X", "\u0416"], body: Readable.from(["x"]) }
      : textAnswer(200, "hello")
  );
  assertEquals(await exchangeBytes(server.port, "GET /bad HTTP/1.1\r\nHost: a\r\n\r\n"), "");
  const good = await exchangeBytes(
    server.port,
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  );
  assert(good.startsWith("HTTP/1.1 200 "), good);
});

Deno.test("Listener answers 500 when the handler throws, without its message", async () => {
  await using server = await listen(() => {
    throw new Error("secret detail");
  });
  const answer = await exchangeBytes(
    server.port,
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
  );
  assert(answer.startsWith("HTTP/1.1 500 "), answer);
  assert(!answer.includes("secret"), answer);
});

Deno.test("Listener tells a handler at once when its visitor leaves", async () => {
  const arrived = Promise.withResolvers<void>();
  const left = Promise.withResolvers<Delivery>();
  await using server = await listen((request) => {
    arrived.resolve();
    return new Promise((resolve) => {
      request.signal.addEventListener("abort", () => {
        left.resolve(request.finished);
        resolve(textAnswer(200, "too late"));
      });
    });
  });
  const connection = await RawConnection.open(server.port);
  await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await arrived.promise;
  await connection.close();
  assertEquals(await left.promise, "cut");
});

Deno.test("Listener sends an answer that is all there to a peer that has ended its side", async () => {
  const over: Promise<Delivery>[] = [];
  const body = Buffer.alloc(20_000_000, "x");
  await using server = await listen((request) => {
    over.push(request.finished);
    return { status: 200, headers: [], body };
  });
  await using connection = await RawConnection.open(server.port, { allowHalfOpen: true });
  connection.socket.end("GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2));
  const answers = await connection.readToEnd();
  assertEquals(answers.split("HTTP/1.1 200 OK\r\n").length, 3);
  assert(answers.length > 2 * body.length, `${answers.length} bytes`);
  assertEquals(await Promise.all(over), ["delivered", "delivered"]);
});

Deno.test("Listener destroys the answer's body when the visitor leaves in the middle", async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await listen(() => {
    const body = new Readable({ read: () => void body.push(Buffer.alloc(65536)) });
    body.once("close", () => closed.resolve());
    return { status: 200, headers: [], body };
  });
  const connection = await RawConnection.open(server.port);
  await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await connection.readThrough("\r\n\r\n");
  await connection.close();
  await closed.promise;
});

Deno.test("Listener stops reading the answer's body while the visitor does not read", async () => {
  let produced = 0;
  const over = Promise.withResolvers<Delivery>();
  await using server = await listen((request) => {
    void request.finished.then(over.resolve);
    const body = new Readable({
      read(): void {
        produced += 65536;
        // Bounded, so that a missing back-pressure fails the test instead of the machine.
        this.push(produced > 200_000_000 ? null : Buffer.alloc(65536));
      },
    });
    return { status: 200, headers: [], body };
  }, { bodySilenceMs: 100 });
  const connection = await RawConnection.open(server.port);
  await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await connection.readThrough("\r\n\r\n");
  connection.socket.pause();
  // The silence watch says when nothing has moved for a while.
  assertEquals(await over.promise, "cut");
  assert(produced < 50_000_000, `${produced} bytes were produced`);
  await connection.close();
});

Deno.test("Listener gives a body with a length, a chunked one, and its end", async () => {
  await using server = await listen(async (request) =>
    textAnswer(200, `${request.bodyLength}:${await readText(request)}`)
  );
  await using connection = await RawConnection.open(server.port);
  await connection.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
  assertStringIncludes(await connection.readThrough("hello\n"), "5:hello");
  await connection.send(
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
  );
  assertStringIncludes(await connection.readThrough("hello\n"), "null:hello");
});

Deno.test("Listener keeps a connection whose body came with its head, though nobody reads it", async () => {
  await using server = await listen(hello);
  await using connection = await RawConnection.open(server.port);
  for (let i = 0; i < 2; i++) {
    await connection.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    const answer = await connection.readThrough("hello\n");
    assert(answer.startsWith("HTTP/1.1 200 ") && !answer.includes("Connection: close"), answer);
  }
});

for (const when of ["with its head", "later"] as const) {
  Deno.test(`Listener answers 400 to a body that turns out to be none ${when}`, async () => {
    const begun = Promise.withResolvers<void>();
    const requests: HttpRequest[] = [];
    const failures: string[] = [];
    await using server = await listen(async (request) => {
      requests.push(request);
      void request.finished;
      begun.resolve();
      await readText(request).catch((error) => failures.push(error.name));
      return textAnswer(200, "too late");
    });
    await using connection = await RawConnection.open(server.port);
    await connection.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    if (when === "later") await begun.promise;
    await connection.send("1\r\nab\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    const answer = await connection.readToEnd();
    assertMatch(answer, /^HTTP\/1\.1 400 [^]*\nA chunk of the body is not valid\n$/);
    if (when === "later") {
      assertEquals(failures, ["ClosedError"]);
      assertEquals(await requests[0]?.finished, "cut");
      assert(requests[0]?.signal.aborted);
    }
    // Never what looked like one behind it.
    assert(requests.length <= 1);
    const next = await exchangeBytes(server.port, "GET / HTTP/1.0\r\n\r\n");
    assert(next.startsWith("HTTP/1.1 200 "));
  });
}

Deno.test("Listener sends 100 only when the handler reads (RFC 9110 §10.1.1)", async () => {
  await using server = await listen(async (request) =>
    request.target === "/no" ? textAnswer(403, "no") : textAnswer(200, await readText(request))
  );
  const head = "HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  await using yes = await RawConnection.open(server.port);
  await yes.send(`PUT /yes ${head}`);
  assertEquals(await yes.readThrough("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  await yes.send("ok");
  assertStringIncludes(await yes.readThrough("ok\n"), "HTTP/1.1 200 OK");
  await using no = await RawConnection.open(server.port);
  await no.send(`PUT /no ${head}`);
  assert((await no.readThrough("no\n")).startsWith("HTTP/1.1 403 "));
});

Deno.test("Listener answers early, takes the rest of the body, and closes", async () => {
  await using server = await listen(hello);
  await using connection = await RawConnection.open(server.port);
  const length = 1_000_000;
  await connection.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\nabc`);
  const answer = await connection.readThrough("hello\n");
  assert(answer.startsWith("HTTP/1.1 200 "), answer);
  assertStringIncludes(answer, "Connection: close\r\n");
  await connection.send("x".repeat(length - 3));
  assertEquals(await connection.readToEnd(), "");
});

Deno.test("Listener closes after an early answer though the body never comes", async () => {
  await using server = await listen(hello, { lingerMs: 20 });
  const answer = await exchangeBytes(
    server.port,
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
  );
  assert(answer.startsWith("HTTP/1.1 200 "), answer);
});

Deno.test("Listener answers 408 to a head that does not arrive (RFC 9110 §15.5.9)", async () => {
  await using server = await listen(hello, { headersTimeoutMs: 40 });
  const answer = await exchangeBytes(server.port, "GET / HTTP/1.1\r\nHos");
  assert(answer.startsWith("HTTP/1.1 408 "), answer);
});

Deno.test("Listener closes an idle connection, and answers 408 to half of a second head", async () => {
  for (const start of ["", "G", "GET / HTTP/1.1\r\nHos"]) {
    const clock = new ManualClock();
    const limits = { headersTimeoutMs: 1000, keepAliveTimeoutMs: 8000 };
    await using server = await listen(hello, limits, clock);
    await using connection = await RawConnection.open(server.port);
    // Another connection's answer tells that what was sent or done has had its effect.
    const settle = (): Promise<string> => exchangeBytes(server.port, "GET / HTTP/1.0\r\n\r\n");
    await connection.send(`GET / HTTP/1.1\r\nHost: a\r\n\r\n${start}`);
    await connection.readThrough("hello\n");
    await settle();
    clock.advance(start === "" ? 7999 : 999);
    await settle();
    assertEquals([connection.received, connection.socket.readyState], ["", "open"]);
    // At most a quarter more.
    clock.advance(start === "" ? 2001 : 251);
    const last = await connection.readToEnd();
    if (start === "") assertEquals(last, "");
    else assert(last.startsWith("HTTP/1.1 408 "), last);
  }
});

Deno.test("Listener cuts a peer that falls silent in the middle of its body", async () => {
  const cut = Promise.withResolvers<string>();
  await using server = await listen(async (request) => {
    await readText(request).catch((error) => cut.resolve(error.name));
    return textAnswer(200, "hello");
  }, { bodySilenceMs: 40 });
  const answer = await exchangeBytes(
    server.port,
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
  );
  assertEquals(answer, "");
  assertEquals(await cut.promise, "ClosedError");
});

Deno.test("Listener cuts a peer that stops reading its answer", async () => {
  const delivery = Promise.withResolvers<Delivery>();
  await using server = await listen((request) => {
    void request.finished.then(delivery.resolve);
    return { status: 200, headers: [], body: Buffer.alloc(50_000_000) };
  }, { bodySilenceMs: 40 });
  await using connection = await RawConnection.open(server.port);
  await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await connection.readThrough("\r\n\r\n");
  connection.socket.pause();
  assertEquals(await delivery.promise, "cut");
});

Deno.test("Listener does not cut a visitor that waits for its answer", async () => {
  const clock = new ManualClock();
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  await using server = await listen(
    async () => {
      arrived.resolve();
      await gate.promise;
      return textAnswer(200, "hello");
    },
    { bodySilenceMs: 20 },
    clock,
  );
  await using connection = await RawConnection.open(server.port);
  await connection.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await arrived.promise;
  clock.advance(100);
  gate.resolve();
  assert((await connection.readThrough("hello\n")).startsWith("HTTP/1.1 200 "));
});

Deno.test("Listener closes connections past its limit and keeps serving the others", async () => {
  await using server = await listen(hello, { maxConnections: 1 });
  await using first = await RawConnection.open(server.port);
  await first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await first.readThrough("hello\n");
  await using second = await RawConnection.open(server.port);
  assertEquals(await second.readToEnd(), "");
  await first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await first.readThrough("hello\n");
});

Deno.test("Listener.close lets an exchange in flight end, and frees idle connections", async () => {
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  const { port, listener } = await listen(async () => {
    arrived.resolve();
    await gate.promise;
    return textAnswer(200, "hello");
  });
  await using idle = await RawConnection.open(port);
  await using busy = await RawConnection.open(port);
  await busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await arrived.promise;
  const closed = listener.close(new AbortController().signal);
  gate.resolve();
  assertStringIncludes(await busy.readThrough("hello\n"), "Connection: close\r\n");
  await closed;
  assertEquals(await idle.readToEnd(), "");
});
