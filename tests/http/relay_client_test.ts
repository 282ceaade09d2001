import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import { systemClock } from "../../lib/base/clock.ts";
import { LimitError } from "../../lib/base/errors.ts";
import { BODY_SILENCE_MS, CONNECT_TIMEOUT_MS, IDLE_CONNECTION_MS } from "../../lib/base/limits.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { Listener } from "../../lib/http/listener.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import type { RelayRequest } from "../../lib/server/relay_request.ts";
import { createTrust } from "../../lib/server/trusted_certificates.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RawServer, type ServerConnection } from "../support/raw_server.ts";
import { answerAll, assertFails, createClient, OK, toRequest } from "../support/relay_requests.ts";
import { readCa, readTlsOptions } from "../support/tls_files.ts";

/** A stream that never ends by itself, and counts what it was asked for. */
class EndlessBody extends Readable {
  produced = 0;
  override _read(): void {
    this.produced += 65536;
    // Bounded, so that a missing back-pressure fails the test instead of the machine.
    this.push(this.produced > 200_000_000 ? null : new Uint8Array(65536));
  }
}

function toText(body: Uint8Array): string {
  return Buffer.from(body).toString("latin1");
}

Deno.test("RelayClient sends headers as given, and gives the answer's raw", async () => {
  const heads: string[] = [];
  await using server = await RawServer.listen(async (connection) => {
    heads.push(await connection.readHead());
    connection.send(
      "HTTP/1.1 404 Nope\r\nX-A: \xe9\r\nx-a: 2\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b\xff",
    );
  });
  using client = createClient();
  const answer = await client.request(toRequest(server.port, {
    url: new URL(`http://127.0.0.1:${server.port}/pre%66ix/a?b=%20c`),
    headers: ["X-ApiKey", "k", "x-oDD", "1", "X-Bin", "\xff\xe9"],
  }));
  assertEquals(heads, [
    `GET /pre%66ix/a?b=%20c HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nX-ApiKey: k\r\n` +
    "x-oDD: 1\r\nX-Bin: \xff\xe9\r\n\r\n",
  ]);
  assertEquals(answer.status, 404);
  assertEquals(answer.headers, [
    ...["X-A", "\xe9", "x-a", "2"],
    ...["Content-Encoding", "gzip", "Content-Length", "3"],
  ]);
  assertEquals(toText(answer.body), "\x1f\x8b\xff");
  assertEquals(answer.isBodySent, true);
});

Deno.test("RelayClient keeps a Host that it is given", async () => {
  const heads: string[] = [];
  await using server = await RawServer.listen(async (connection) => {
    heads.push(await connection.readHead());
    connection.send(OK);
  });
  using client = createClient();
  await client.request(toRequest(server.port, { headers: ["X", "1", "hOst", "relay.test"] }));
  assertEquals(heads[0], "GET / HTTP/1.1\r\nX: 1\r\nhOst: relay.test\r\n\r\n");
});

const abc = (): Readable => Readable.from([Buffer.from("a"), Buffer.from("bc")]);
/** What, the body, its length, and what it is on the wire. */
const framings: readonly (readonly [string, () => RelayRequest["body"], number | null, string])[] =
  [
    ["no body as length 0", () => null, null, "Content-Length: 0\r\n\r\n"],
    ["empty bytes as length 0", () => new Uint8Array(), null, "Content-Length: 0\r\n\r\n"],
    ["bytes with their length", () => Buffer.from("abc"), null, "Content-Length: 3\r\n\r\nabc"],
    ["a stream with its length", abc, 3, "Content-Length: 3\r\n\r\nabc"],
    ["an empty stream", () => Readable.from([]), 0, "Content-Length: 0\r\n\r\n"],
    [
      "a stream without one chunked",
      abc,
      null,
      "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n",
    ],
  ];

for (const [what, toBody, bodyLength, wire] of framings) {
  Deno.test(`RelayClient sends ${what} (RFC 9112 §6)`, async () => {
    await using server = await RawServer.listen(async (connection) => {
      const sent = await connection.readThrough(wire);
      assertEquals(sent.match(/content-length|transfer-encoding/gi)?.length, 1);
      connection.send(OK);
    });
    using client = createClient();
    const request = toRequest(server.port, { method: "POST", body: toBody(), bodyLength });
    const answer = await client.request(request);
    assertEquals([answer.status, toText(answer.body), answer.isBodySent], [200, "ok", true]);
    assertEquals(server.connections[0]?.received, "");
  });
}

Deno.test("RelayClient keeps its connection for the next request", async () => {
  await using server = await RawServer.listen(answerAll);
  using client = createClient();
  for (let i = 0; i < 3; i++) await client.request(toRequest(server.port, { method: "POST" }));
  assertEquals(server.connections.length, 1);
});

Deno.test("RelayClient lets an idle connection go that the relay closes", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send(OK);
    connection.socket.end();
  });
  using client = createClient();
  await client.request(toRequest(server.port, { method: "POST" }));
  await server.connections[0]?.closed;
  await client.request(toRequest(server.port, { method: "POST" }));
  assertEquals(server.connections.length, 2);
});

/** Small pieces, each in a segment of its own. */
async function* pieces(): AsyncGenerator<Uint8Array> {
  for (const piece of ["first", "second", "last"]) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    yield Buffer.from(piece);
  }
}

for (const scheme of ["http", "https"] as const) {
  Deno.test(`RelayClient holds no small writes back over ${scheme} (Nagle)`, async () => {
    const tls = scheme === "https" ? readTlsOptions("localhost") : undefined;
    await using server = await RawServer.listen(async (connection) => {
      for (;;) {
        await connection.readThrough("last");
        connection.send(OK);
      }
    }, tls);
    using client = createClient({ extraCertificates: [readCa()] });
    const url = new URL(`${scheme}://127.0.0.1:${server.port}/`);
    const start = performance.now();
    for (let i = 0; i < 20; i++) {
      const body = Readable.from(pieces());
      const request = { method: "POST", url, body, bodyLength: 15 } as const;
      await client.request(toRequest(server.port, request));
    }
    // Held back, each would take 40 ms.
    assertLess(performance.now() - start, 20 * 30);
  });
}

Deno.test("RelayClient takes an early answer, and ends body and connection", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nleft");
  });
  using client = createClient();
  const body = new EndlessBody();
  const request = toRequest(server.port, { method: "POST", body, bodyLength: 1e12 });
  const answer = await client.request(request);
  assertEquals([toText(answer.body), answer.isBodySent], ["left", false]);
  assert(body.destroyed);
  await server.connections[0]?.closed;
});

Deno.test("RelayClient and Listener agree on an early answer", async () => {
  const listener = new Listener({
    handler: () => textAnswer(200, "left"),
    limits: {},
    log: silentLogger,
    clock: systemClock,
  });
  const { port } = await listener.start({ host: "127.0.0.1", port: 0 });
  using client = createClient();
  const body = new EndlessBody();
  const answer = await client.request(toRequest(port, { method: "POST", body, bodyLength: 1e12 }));
  assertEquals([answer.status, answer.isBodySent, body.destroyed], [200, false, true]);
  client.close();
  await listener.close(AbortSignal.abort());
});

Deno.test("RelayClient stops reading a body while the relay does not read", async () => {
  await using server = await RawServer.listen((connection) => void connection.socket.pause());
  using client = createClient();
  const body = new EndlessBody();
  const abort = new AbortController();
  const request = { method: "POST", body, bodyLength: 1e12, signal: abort.signal } as const;
  const answer = client.request(toRequest(server.port, request));
  let before = -1;
  while (before !== body.produced || before === 0) {
    before = body.produced;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assertLess(body.produced, 20_000_000);
  abort.abort();
  await assertFails("aborted", answer);
  assert(body.destroyed);
  // A paused socket would not notice the end.
  server.connections[0]?.socket.resume();
  await server.connections[0]?.closed;
});

for (const [what, bodyLength] of [["shorter", 4], ["longer", 2]] as const) {
  Deno.test(`RelayClient cuts a request whose body is ${what} than its length`, async () => {
    await using server = await RawServer.listen(() => {});
    using client = createClient();
    const request = toRequest(server.port, { method: "POST", body: abc(), bodyLength });
    const error = await assertFails("body", client.request(request));
    assertStringIncludes(error.message, what);
    await server.connections[0]?.closed;
    const received = server.connections[0]?.received ?? "";
    assert(received.slice(received.indexOf("\r\n\r\n") + 4).length < bodyLength, received);
  });
}

Deno.test("RelayClient cuts a chunked request whose body fails, without the last chunk", async () => {
  const body = new Readable({ read: () => {} });
  await using server = await RawServer.listen(async (connection) => {
    await connection.readThrough("abc\r\n");
    body.destroy(new Error("disk failed"));
  });
  using client = createClient();
  body.push("abc");
  const error = await assertFails(
    "body",
    client.request(toRequest(server.port, { method: "POST", body })),
  );
  assertStringIncludes(error.message, "disk failed");
  await server.connections[0]?.closed;
  assertEquals(server.connections[0]?.received, "");
});

Deno.test("RelayClient fails at once for a body that has failed already", async () => {
  const body = new Readable({ read: () => {} });
  body.destroy();
  await using server = await RawServer.listen(() => {});
  using client = createClient();
  await assertFails("body", client.request(toRequest(server.port, { method: "POST", body })));
});

/** Answers the first request of the first connection, and cuts every other one of that. */
function serveStale(heads: string[]): (c: ServerConnection, index: number) => Promise<void> {
  return async (connection, index) => {
    heads.push(await connection.readHead());
    connection.send(OK);
    heads.push(await connection.readHead());
    if (index === 0) connection.socket.destroy();
    else connection.send(OK);
  };
}

Deno.test("RelayClient repeats a poll once where a kept connection was closed under it", async () => {
  const heads: string[] = [];
  await using server = await RawServer.listen(serveStale(heads));
  using client = createClient();
  await client.request(toRequest(server.port));
  const answer = await client.request(toRequest(server.port));
  assertEquals([answer.status, heads.length, server.connections.length], [200, 3, 2]);
});

Deno.test("RelayClient never repeats a poll on a new connection", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.socket.destroy();
  });
  using client = createClient();
  await assertFails("cut", client.request(toRequest(server.port)));
  assertEquals(server.connections.length, 1);
});

Deno.test("RelayClient never repeats a poll whose answer has begun", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send(OK);
    await connection.readHead();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
    connection.socket.end();
  });
  using client = createClient();
  await client.request(toRequest(server.port));
  await assertFails("cut", client.request(toRequest(server.port)));
  assertEquals(server.connections.length, 1);
});

for (const [what, body] of [["no body", null], ["bytes", new Uint8Array(3)]] as const) {
  Deno.test(`RelayClient never repeats a POST with ${what}`, async () => {
    const heads: string[] = [];
    await using server = await RawServer.listen(serveStale(heads));
    using client = createClient();
    await client.request(toRequest(server.port));
    await assertFails("stale", client.request(toRequest(server.port, { method: "POST", body })));
    assertEquals([heads.length, server.connections.length], [2, 1]);
    await client.request(toRequest(server.port));
    assertEquals(heads.length, 3);
  });
}

Deno.test("RelayClient never sends a request again that was given up on a kept connection", async () => {
  const heads: string[] = [];
  const abort = new AbortController();
  await using server = await RawServer.listen(async (connection) => {
    for (;;) {
      heads.push(await connection.readHead());
      if (heads.length === 2) abort.abort();
      else connection.send(OK);
    }
  });
  using client = createClient();
  await client.request(toRequest(server.port));
  const request = toRequest(server.port, { method: "POST", signal: abort.signal });
  await assertFails("aborted", client.request(request));
  await server.connections[0]?.closed;
  await client.request(toRequest(server.port));
  assertEquals(heads.map((head) => head.slice(0, 5)), ["GET /", "POST ", "GET /"]);
});

for (
  const [what, answer] of [
    ["with a length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"],
    ["in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n"],
    ["in its head", "HTTP/1.1 200 OK\r\nConte"],
  ]
) {
  Deno.test(`RelayClient takes no answer ${what} that was cut`, async () => {
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      connection.send(answer ?? "");
      connection.socket.end();
    });
    using client = createClient();
    await assertFails("cut", client.request(toRequest(server.port)));
  });
}

Deno.test("RelayClient names what is no HTTP/1.1", async () => {
  await using server = await RawServer.listen((connection) => connection.send("SSH-2.0-x\r\n\r\n"));
  using client = createClient();
  await assertFails("protocol", client.request(toRequest(server.port)));
  await server.connections[0]?.closed;
});

Deno.test("RelayClient takes an answer of maxAnswerBytes, and no more", async () => {
  await using server = await RawServer.listen(answerAll);
  using client = createClient();
  const answer = await client.request(toRequest(server.port, { maxAnswerBytes: 2 }));
  assertEquals(answer.body.length, 2);
  const error = await assertRejects(
    () => client.request(toRequest(server.port, { maxAnswerBytes: 1 })),
    LimitError,
  );
  assertEquals([error.limit, error.value], ["maxAnswerBytes", 1]);
  await server.connections[0]?.closed;
});

Deno.test("RelayClient limits the silence before an answer, once the body is sent", async () => {
  const clock = new ManualClock();
  const arrived = Promise.withResolvers<void>();
  const whole = Promise.withResolvers<void>();
  await using server = await RawServer.listen(async (connection) => {
    await connection.readThrough("first");
    arrived.resolve();
    await connection.readThrough("last");
    whole.resolve();
  });
  using client = createClient({ clock });
  const body = new Readable({ read: () => {} });
  body.push("first");
  const request = { method: "POST", body, bodyLength: 9, answerTimeoutMs: 500 } as const;
  const answer = assertFails("timeout", client.request(toRequest(server.port, request)));
  await arrived.promise;
  clock.advance(3_600_000);
  assertEquals([clock.pendingCount, body.destroyed], [0, false]);
  body.push("last");
  body.push(null);
  await whole.promise;
  while (clock.pendingCount === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  clock.advance(499);
  assertEquals(clock.pendingCount, 1);
  clock.advance(1);
  await answer;
  assertEquals(clock.pendingCount, 0);
  await server.connections[0]?.closed;
});

Deno.test("RelayClient limits the silence within an answer", async () => {
  const clock = new ManualClock();
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
  });
  using client = createClient({ clock });
  const answer = assertFails("timeout", client.request(toRequest(server.port)));
  while (clock.nextDelay !== BODY_SILENCE_MS) await new Promise((r) => setTimeout(r, 1));
  clock.advance(BODY_SILENCE_MS);
  await answer;
  await server.connections[0]?.closed;
});

Deno.test("RelayClient leaves but one timer after an answer, that of idle connections", async () => {
  const clock = new ManualClock();
  await using server = await RawServer.listen(answerAll);
  const client = createClient({ clock });
  await client.request(toRequest(server.port, { answerTimeoutMs: 500 }));
  assertEquals(clock.pendingCount, 1);
  client.close();
  assertEquals(clock.pendingCount, 0);
});

Deno.test("RelayClient gives up connecting after a while, TLS included", async () => {
  const clock = new ManualClock();
  const accepted = Promise.withResolvers<void>();
  await using server = await RawServer.listen(() => accepted.resolve());
  using client = createClient({ clock });
  const url = new URL(`https://127.0.0.1:${server.port}/`);
  const answer = assertFails("timeout", client.request(toRequest(server.port, { url })));
  await accepted.promise;
  clock.advance(CONNECT_TIMEOUT_MS - 1);
  assertEquals(clock.pendingCount, 1);
  clock.advance(1);
  await answer;
  await server.connections[0]?.closed;
});

Deno.test("RelayClient stops at its signal: before, while connecting, while waiting", async () => {
  const accepted = Promise.withResolvers<void>();
  await using silent = await RawServer.listen(() => accepted.resolve());
  using client = createClient();
  const body = new EndlessBody();
  const request = toRequest(silent.port, { method: "POST", body, signal: AbortSignal.abort() });
  await assertFails("aborted", client.request(request));
  assertEquals([body.destroyed, silent.connections.length], [true, 0]);

  const connecting = new AbortController();
  const url = new URL(`https://127.0.0.1:${silent.port}/`);
  const signal = connecting.signal;
  const first = assertFails("aborted", client.request(toRequest(silent.port, { url, signal })));
  await accepted.promise;
  connecting.abort();
  await first;
  await silent.connections[0]?.closed;

  const waiting = new AbortController();
  await using reading = await RawServer.listen(async (connection) => {
    await connection.readHead();
    waiting.abort();
  });
  await assertFails(
    "aborted",
    client.request(toRequest(reading.port, { signal: waiting.signal })),
  );
  await reading.connections[0]?.closed;
});

Deno.test("RelayClient.close ends idle connections and requests in flight, and refuses more", async () => {
  const parked = Promise.withResolvers<void>();
  await using server = await RawServer.listen(async (connection, index) => {
    await connection.readHead();
    if (index === 0) parked.resolve();
    else connection.send(OK);
  });
  using client = createClient();
  const poll = assertFails("aborted", client.request(toRequest(server.port)));
  await parked.promise;
  await client.request(toRequest(server.port));
  client.close();
  await poll;
  await Promise.all(server.connections.map((connection) => connection.closed));
  await assertFails("aborted", client.request(toRequest(server.port)));
  assertEquals(server.connections.length, 2);
});

Deno.test("RelayClient says that nobody listens", async () => {
  const server = await RawServer.listen(() => {});
  await server[Symbol.asyncDispose]();
  using client = createClient();
  const error = await assertFails("refused", client.request(toRequest(server.port)));
  assertEquals(
    error.message,
    `Cannot reach relay "http://127.0.0.1:${server.port}": the connection was refused`,
  );
});

for (const host of ["localhost", "127.0.0.1"]) {
  Deno.test(`RelayClient trusts an extra authority for ${host}, which others do not`, async () => {
    await using server = await RawServer.listen(answerAll, readTlsOptions("localhost"));
    const request = toRequest(server.port, { url: new URL(`https://${host}:${server.port}/`) });
    using trusting = createClient({ extraCertificates: [readCa()] });
    assertEquals((await trusting.request(request)).status, 200);
    assertEquals((await trusting.request(request)).status, 200);
    assertEquals(server.connections.length, 1);
    using wary = createClient();
    assertStringIncludes(
      (await assertFails("certificate", wary.request(request))).message,
      "--ca-file",
    );
    assertEquals(server.connections[0]?.received, "");
  });
}

for (
  const [certificate, reason] of [["relay", "for another name"], [
    "expired",
    "not valid now",
  ]] as const
) {
  Deno.test(`RelayClient refuses a certificate that is ${reason}`, async () => {
    await using server = await RawServer.listen(answerAll, readTlsOptions(certificate));
    using client = createClient({ extraCertificates: [readCa()] });
    const url = new URL(`https://127.0.0.1:${server.port}/`);
    const error = await assertFails("certificate", client.request(toRequest(server.port, { url })));
    assertStringIncludes(error.message, reason);
    for (const connection of server.connections) assertEquals(connection.received, "");
  });
}

Deno.test("createTrust loads once", () => {
  const trust = createTrust([readCa()]);
  assertStrictEquals(trust(), trust());
});

Deno.test("RelayClient names TLS where plain HTTP answers", async () => {
  await using server = await RawServer.listen((connection) => connection.send(OK));
  using client = createClient();
  const url = new URL(`https://127.0.0.1:${server.port}/`);
  await assertFails("tls", client.request(toRequest(server.port, { url })));
});

Deno.test("IDLE_CONNECTION_MS is below what relays and proxies keep, 60 s", () => {
  assertLess(IDLE_CONNECTION_MS, 60_000);
});
