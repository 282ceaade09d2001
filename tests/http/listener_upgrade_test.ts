/** Connections that switch protocols (RFC 9110 §7.8), interim answers and trailers. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { PassThrough, Readable } from "node:stream";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { Listener, type ListenerLimits } from "../../lib/http/listener.ts";
import type { Handler, HttpRequest } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { exchangeBytes, RawConnection } from "../support/raw_connection.ts";

async function listen(
  handler: Handler,
  { limits = {}, clock = systemClock }: {
    readonly limits?: Partial<ListenerLimits>;
    readonly clock?: Clock;
  } = {},
): Promise<{ port: number; listener: Listener } & AsyncDisposable> {
  const allowsUpgrade = (protocol: string): boolean => protocol === "websocket";
  const options = { handler, limits, log: silentLogger, clock, allowsUpgrade };
  const listener = new Listener(options);
  const { port } = await listener.start({ host: "127.0.0.1", port: 0 });
  return {
    port,
    listener,
    [Symbol.asyncDispose]: () => listener.close(AbortSignal.abort()),
  };
}

function ask(protocol = "websocket", more = ""): string {
  return `GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n${more}\r\n`;
}

/** Switches, and sends back what comes. */
const echo: Handler = (request) =>
  request.upgrade === null ? textAnswer(200, "hello") : {
    status: 101,
    headers: ["Upgrade", request.upgrade, "X-Raw", "\xe9"],
    body: request.body,
  };

Deno.test("Listener switches protocols, with what came early, and half-closes with the tail", async () => {
  const seen: HttpRequest[] = [];
  await using server = await listen((request) => {
    seen.push(request);
    return echo(request);
  });
  await using peer = await RawConnection.open(server.port);
  await peer.send(`${ask("WebSocket")}early `);
  assertEquals(
    await peer.readThrough("\r\n\r\n"),
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nX-Raw: \xe9\r\nConnection: Upgrade\r\n\r\n",
  );
  assertEquals(await peer.readThrough("early "), "early ");
  await peer.send("more ");
  assertEquals(await peer.readThrough("more "), "more ");
  peer.socket.end("tail");
  assertEquals(await peer.readToEnd(), "tail");
  assertEquals(seen[0]?.upgrade, "WebSocket");
  assertEquals(await seen[0]?.finished, "delivered");
  assertEquals(seen[0]?.signal.aborted, false);
});

Deno.test("Listener passes on what a peer sends after it has been half-closed", async () => {
  let got = "";
  await using server = await listen((request) => {
    request.body?.on("data", (chunk: Uint8Array) => got += Buffer.from(chunk).toString("latin1"));
    return {
      status: 101,
      headers: ["Upgrade", "websocket"],
      body: Readable.from([Buffer.from("bye")]),
    };
  });
  await using peer = await RawConnection.open(server.port, { allowHalfOpen: true });
  await peer.send(ask());
  assertStringIncludes(await peer.readToEnd(), "\r\n\r\nbye");
  await peer.send("still here");
  await new Promise<void>((resolve) => peer.socket.end(() => resolve()));
  await server.listener.close(new AbortController().signal);
  assertEquals(got, "still here");
});

for (
  const [what, text] of [
    ["a protocol that is not allowed", ask("h2c")],
    ["several protocols", ask("websocket, h2c")],
    ["HTTP/1.0", ask().replace("HTTP/1.1", "HTTP/1.0")],
    ["another method", ask().replace("GET", "DELETE")],
    ["a body", `${ask("websocket", "Content-Length: 2\r\n")}ab`],
    ["no Connection field that names it", ask().replace("Connection: Upgrade\r\n", "")],
  ] as const
) {
  Deno.test(`Listener serves a request to switch with ${what} as if it had not asked`, async () => {
    await using server = await listen(echo);
    const closing = text.replace("Connection: Upgrade", "Connection: Upgrade, close");
    await using peer = await RawConnection.open(server.port);
    await peer.send(
      closing.includes("close")
        ? closing
        : closing.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"),
    );
    assertMatch(await peer.readToEnd(), /^HTTP\/1\.[01] 200 OK\r\n[^]*hello\n$/);
  });
}

Deno.test("Listener answers otherwise to a request to switch, streams too, and closes", async () => {
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from("not ");
    await Promise.resolve();
    yield Buffer.from("here");
  };
  const deliveries: Promise<string>[] = [];
  await using server = await listen((request) => {
    deliveries.push(request.finished);
    return {
      status: 404,
      headers: ["X-A", "1"],
      body: Readable.from(body(), { objectMode: false }),
    };
  });
  const answer = await exchangeBytes(server.port, ask());
  assertMatch(answer, /^HTTP\/1\.1 404 Not Found\r\nX-A: 1\r\n[^]*Connection: close\r\n/i);
  assertMatch(answer, /\r\n\r\n4\r\nnot \r\n4\r\nhere\r\n0\r\n\r\n$/);
  assertEquals(await deliveries[0], "delivered");
});

Deno.test("Listener refuses a bad request to switch, and serves pipelined ones before it", async () => {
  await using server = await listen(echo);
  const before = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  const bad = ask().replace("Host: h", "Host: a b");
  const answer = await exchangeBytes(server.port, before + bad);
  assertMatch(answer, /^HTTP\/1\.1 200 OK\r\n[^]*hello\nHTTP\/1\.1 400 Bad Request\r\n/);
});

for (const how of ["ends", "resets"] as const) {
  Deno.test(`Listener tells a handler at once when a peer that asked to switch ${how}`, async () => {
    const asked = Promise.withResolvers<HttpRequest>();
    const left = Promise.withResolvers<void>();
    await using server = await listen(async (request) => {
      request.signal.addEventListener("abort", () => left.resolve());
      asked.resolve(request);
      await left.promise;
      return textAnswer(200, "late");
    });
    await using peer = await RawConnection.open(server.port);
    await peer.send(ask());
    const request = await asked.promise;
    if (how === "ends") peer.socket.end();
    else peer.socket.resetAndDestroy();
    await left.promise;
    assertEquals(await request.finished, "cut");
  });
}

Deno.test("Listener resets a switched connection whose answer breaks off", async () => {
  const stream = new PassThrough();
  const finished: Promise<string>[] = [];
  await using server = await listen((request) => {
    finished.push(request.finished);
    return { status: 101, headers: ["Upgrade", "websocket"], body: stream };
  });
  await using peer = await RawConnection.open(server.port);
  await peer.send(ask());
  await peer.readThrough("\r\n\r\n");
  let code: string | undefined;
  peer.socket.once("error", (error: Error & { code?: string }) => code = error.code);
  stream.destroy();
  await peer.readToEnd();
  assertEquals([code, await finished[0]], ["ECONNRESET", "cut"]);
});

Deno.test("Listener ends both streams of a switched connection whose peer is gone", async () => {
  const stream = new PassThrough();
  const asked = Promise.withResolvers<HttpRequest>();
  await using server = await listen((request) => {
    asked.resolve(request);
    return { status: 101, headers: ["Upgrade", "websocket"], body: stream };
  });
  await using peer = await RawConnection.open(server.port);
  await peer.send(ask());
  await peer.readThrough("\r\n\r\n");
  const request = await asked.promise;
  const closed = new Promise((resolve) => stream.once("close", resolve));
  peer.socket.resetAndDestroy();
  assertEquals(await request.finished, "cut");
  await closed;
  assert(request.signal.aborted && request.body?.destroyed);
});

Deno.test("Listener holds little of a switched connection that nobody reads, and cuts it", async () => {
  const chunk = new Uint8Array(64 * 1024);
  let pulled = 0;
  const endless = new Readable({
    read(): void {
      pulled += chunk.length;
      this.push(chunk);
    },
  });
  const asked = Promise.withResolvers<HttpRequest>();
  await using server = await listen((request) => {
    asked.resolve(request);
    return { status: 101, headers: ["Upgrade", "websocket"], body: endless };
    // The silence watch says when nothing has moved for a while.
  }, { limits: { bodySilenceMs: 400 } });
  await using peer = await RawConnection.open(server.port);
  await peer.send(ask());
  await peer.readThrough("\r\n\r\n");
  peer.socket.pause();
  let sent = 0;
  const push = (): void => {
    while (peer.socket.write(chunk, () => sent += chunk.length));
  };
  peer.socket.on("drain", push);
  push();
  const request = await asked.promise;
  assertEquals(await request.finished, "cut");
  assert(pulled < 32 * 1024 * 1024, `pulled ${pulled}`);
  assert(sent < 32 * 1024 * 1024, `sent ${sent}`);
  assert((request.body?.readableLength ?? 0) <= 256 * 1024);
});

Deno.test("Listener does not cut a switched connection for being quiet", async () => {
  const clock = new ManualClock();
  const stream = new PassThrough();
  const options = { limits: { bodySilenceMs: 1000 }, clock };
  await using server = await listen(
    () => ({ status: 101, headers: ["Upgrade", "websocket"], body: stream }),
    options,
  );
  await using peer = await RawConnection.open(server.port);
  await peer.send(ask());
  await peer.readThrough("\r\n\r\n");
  clock.advance(10_000);
  stream.write("hi");
  assertEquals(await peer.readThrough("hi"), "hi");
});

Deno.test("Listener.close waits for a switched connection, and cuts it when asked to", async () => {
  await using server = await listen(echo);
  await using patient = await RawConnection.open(server.port);
  await patient.send(ask());
  await patient.readThrough("\r\n\r\n");
  const giveUp = new AbortController();
  const closed = server.listener.close(giveUp.signal);
  await patient.send("still served");
  assertEquals(await patient.readThrough("served"), "still served");
  giveUp.abort();
  await closed;
});

Deno.test("Listener sends interim answers in order, to HTTP/1.1 alone (RFC 9110 §15.2)", async () => {
  await using server = await listen((request) => {
    request.inform(103, ["Link", "</a.css>; rel=preload", "Link", "</\xe9>"]);
    request.inform(102, []);
    return textAnswer(200, "hello");
  });
  const ask11 = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  assertMatch(
    await exchangeBytes(server.port, ask11),
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\nLink: <\/\xe9>\r\n\r\nHTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
  );
  const ask10 = "GET / HTTP/1.0\r\n\r\n";
  assertMatch(await exchangeBytes(server.port, ask10), /^HTTP\/1\.[01] 200 OK\r\n/);
});

Deno.test("Listener gives the trailer fields of a request, and sends those of an answer", async () => {
  const trailers: unknown[] = [];
  await using server = await listen(async (request) => {
    for await (const _chunk of request.body ?? []);
    trailers.push(request.trailers);
    return {
      status: 200,
      headers: ["Trailer", "X-Sum"],
      body: Readable.from([Buffer.from("ab")], { objectMode: false }),
      trailers: () => ["X-Sum", "1", "X-Sum", "\xe9", "Content-Length", "5", "Set-Cookie", "a=b"],
    };
  });
  const text =
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" +
    "1\r\na\r\n0\r\nX-T: \xe9\r\nX-T: 2\r\n\r\n";
  const answer = await exchangeBytes(server.port, text);
  assertEquals(trailers, [["X-T", "\xe9", "X-T", "2"]]);
  assertMatch(answer, /\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 1\r\nX-Sum: \xe9\r\n\r\n$/);
});

Deno.test("Listener sends no trailer fields where the answer is not chunked", async () => {
  await using server = await listen(() => ({
    status: 200,
    headers: ["Content-Length", "2"],
    body: Readable.from([Buffer.from("ab")], { objectMode: false }),
    trailers: () => ["X-Sum", "1"],
  }));
  const text = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  assertMatch(await exchangeBytes(server.port, text), /\r\n\r\nab$/);
});
