import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Buffer } from "node:buffer";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { systemClock } from "../../lib/base/clock.ts";
import { HEADERS_TIMEOUT_MS } from "../../lib/base/limits.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { Listener, type ListenerLimits } from "../../lib/http/listener.ts";
import type { Handler, HttpAnswer, HttpRequest } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { readCa, readTlsIdentity } from "../support/tls_files.ts";

const hello: Handler = ({ target }) => textAnswer(200, `hello ${target}`);
const CLOSE = "HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/** A TLS listener on a free port, closed at the end of the scope. */
async function listen(
  handler: Handler,
  limits: Partial<ListenerLimits> = {},
): Promise<{ port: number; listener: Listener } & AsyncDisposable> {
  const tls = readTlsIdentity("localhost");
  const listener = new Listener({ handler, limits, tls, log: silentLogger, clock: systemClock });
  const { port } = await listener.start({ host: "127.0.0.1", port: 0 });
  return { port, listener, [Symbol.asyncDispose]: () => listener.close(AbortSignal.abort()) };
}

interface OpenOptions {
  /** The name that the certificate must have. */
  readonly hostname?: string;
  readonly alpnProtocols?: string[];
}

// Not node:tls, whose client reads on when it is paused, and does not tell a reset from an end.
async function open(
  port: number,
  { hostname = "localhost", ...options }: OpenOptions = {},
): Promise<Deno.TlsConn> {
  const transport = await Deno.connect({ hostname: "127.0.0.1", port });
  const connection = await Deno.startTls(transport, { hostname, caCerts: [readCa()], ...options });
  try {
    await connection.handshake();
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

interface Received {
  readonly text: string;
  /** Undefined where the connection ended as it should. */
  readonly fault: string | undefined;
}

async function readAll(connection: Deno.TlsConn): Promise<Received> {
  const chunks: Uint8Array[] = [];
  const toText = (): string => Buffer.concat(chunks).toString("latin1");
  const buffer = new Uint8Array(65_536);
  try {
    for (;;) {
      const length = await connection.read(buffer);
      if (length === null) return { text: toText(), fault: undefined };
      chunks.push(buffer.slice(0, length));
    }
  } catch (error) {
    return { text: toText(), fault: error instanceof Error ? error.name : String(error) };
  }
}

/** Sends bytes on a connection of its own, and reads until the listener closes. */
async function exchange(
  port: number,
  bytes: string,
  options: OpenOptions = {},
): Promise<Received> {
  using connection = await open(port, options);
  await connection.write(Buffer.from(bytes, "latin1"));
  return await readAll(connection);
}

/** Resolves when a TCP connection that sends `bytes` and no more is closed. */
function untilClosed(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk: Uint8Array) => text += Buffer.from(chunk).toString("latin1"));
    socket.on("error", () => {});
    socket.on("close", () => resolve(text));
  });
}

Deno.test("Listener with a certificate serves requests over TLS, one after the other", async () => {
  const peers: string[] = [];
  await using server = await listen((request) => {
    peers.push(request.remoteAddress);
    return hello(request);
  });
  const { text, fault } = await exchange(
    server.port,
    `GET /1 HTTP/1.1\r\nHost: localhost\r\n\r\nGET /2 ${CLOSE}`,
  );
  assertEquals(fault, undefined);
  assertEquals(text.split("HTTP/1.1 200 OK").length, 3);
  assertLess(text.indexOf("hello /1\n"), text.indexOf("hello /2\n"));
  assertEquals(peers, ["127.0.0.1", "127.0.0.1"]);
  // curl -0 names this protocol alone.
  const old = await exchange(server.port, "GET /3 HTTP/1.0\r\n\r\n", {
    alpnProtocols: ["http/1.0"],
  });
  assertStringIncludes(old.text, "hello /3\n");
});

Deno.test("Listener with a certificate drops who speaks no TLS, and serves others", async () => {
  await using server = await listen(hello);
  const plain = await untilClosed(server.port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  assertEquals(plain.includes("HTTP/1.1"), false);
  assertStringIncludes((await exchange(server.port, `GET /1 ${CLOSE}`)).text, "hello /1\n");
});

Deno.test("Listener ends a handshake that does not go on after headersTimeoutMs", async () => {
  // Long enough for a handshake on a busy machine.
  await using server = await listen(hello, { headersTimeoutMs: 1000, lingerMs: 50 });
  assertEquals(await untilClosed(server.port, ""), "");
  assertStringIncludes((await exchange(server.port, "GET / HT")).text, "HTTP/1.1 408 ");
});

Deno.test("Listener.close does not wait for handshakes, but for exchanges", async () => {
  const held = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const { port, listener } = await listen(async (request) => {
    begun.resolve();
    await held.promise;
    return hello(request);
  });
  const silent = untilClosed(port, "");
  const received = exchange(port, "GET /last HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await begun.promise;
  const start = performance.now();
  const closed = listener.close(new AbortController().signal);
  assertEquals(await silent, "");
  assertLess(performance.now() - start, HEADERS_TIMEOUT_MS / 2);
  held.resolve();
  assertStringIncludes((await received).text, "hello /last\n");
  await closed;
});

Deno.test("Listener sends long bodies whole over TLS, whatever their pieces", async () => {
  const piece = Buffer.alloc(100_003, "0123456789abcdef");
  const count = 60;
  await using server = await listen(({ target }) => ({
    status: 200,
    headers: target === "/length" ? ["Content-Length", String(piece.length * count)] : [],
    body: Readable.from(Array<Buffer>(count).fill(piece), { objectMode: false }),
  }));
  for (const target of ["/length", "/chunked"]) {
    const { text, fault } = await exchange(server.port, `GET ${target} ${CLOSE}`);
    const body = text.slice(text.indexOf("\r\n\r\n") + 4);
    assertEquals(fault, undefined);
    if (target === "/length") {
      assert(body === piece.toString("latin1").repeat(count), `${body.length} bytes`);
    } else {
      assertGreater(body.length, piece.length * count);
      assert(body.endsWith("\r\n0\r\n\r\n"));
    }
  }
});

Deno.test("Listener cuts a TLS answer that lasts until close by a reset, never by a clean end", async () => {
  const body = new Readable({ read: () => {} });
  await using server = await listen(() => ({ status: 200, headers: [], body }));
  using connection = await open(server.port);
  await connection.write(Buffer.from("GET / HTTP/1.0\r\n\r\n"));
  body.push("the first part");
  await connection.read(new Uint8Array(1));
  const received = readAll(connection);
  body.destroy(new Error("the disk is gone"));
  assertEquals((await received).fault, "ConnectionReset");
});

Deno.test("Listener stops reading a body while its TLS peer does not read, then cuts it", async () => {
  let pushed = 0;
  const gone = Promise.withResolvers<void>();
  const body = new Readable({
    read: () => {
      pushed += 65_536;
      // Bounded, so that a missing back-pressure fails the test instead of the machine.
      body.push(pushed > 200_000_000 ? null : Buffer.alloc(65_536));
    },
  });
  body.once("close", () => gone.resolve());
  await using server = await listen(() => ({ status: 200, headers: [], body }), {
    bodySilenceMs: 200,
  });
  using connection = await open(server.port);
  await connection.write(Buffer.from(`GET / ${CLOSE}`));
  await gone.promise;
  assertLess(pushed, 50_000_000);
  assertEquals((await readAll(connection)).fault, "ConnectionReset");
});

Deno.test("Listener.replaceTls shows another certificate on connections to come", async () => {
  await using server = await listen(hello);
  using before = await open(server.port);
  await assertRejects(
    () => open(server.port, { hostname: "relay.test" }),
    Error,
    "certificate not valid",
  );
  server.listener.replaceTls(readTlsIdentity("relay"));
  await assertRejects(() => open(server.port), Error, "certificate not valid");
  using after = await open(server.port, { hostname: "relay.test" });
  for (const connection of [before, after]) {
    await connection.write(Buffer.from(`GET /x ${CLOSE}`));
    assertStringIncludes((await readAll(connection)).text, "hello /x\n");
  }
});

Deno.test("Listener gives up a TLS connection at once on which something cannot be decrypted", async () => {
  const reached = Promise.withResolvers<HttpRequest>();
  const answer = Promise.withResolvers<HttpAnswer>();
  await using listener = await listen((request) => {
    reached.resolve(request);
    return answer.promise;
  });
  await using proxy = await FaultProxy.start(listener.port);
  const connection = await open(proxy.port);
  await connection.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const { signal, finished } = await reached.promise;
  const left = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  proxy.corrupt(new SeededRandom(7));
  await connection.write(new Uint8Array(1000));
  await left;
  assertEquals(await finished, "cut");
  answer.resolve(textAnswer(200, "late"));
  connection.close();
});
