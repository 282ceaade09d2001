/** Origins that switch protocols (RFC 9110 §7.8), or are asked to and do not. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { patternOf, piecesOf } from "../support/bytes.ts";
import { createFakeRequest, readAnswer } from "../support/fake_request.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import {
  answering,
  closed,
  createUpgrade,
  EndlessBody,
  openOrigin,
  openStream,
  until,
  untilSteady,
} from "../support/origins.ts";
import { RawServer, type ServerConnection } from "../support/raw_server.ts";
import { readTlsOptions } from "../support/tls_files.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n" +
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const HEAD =
  "GET /chat HTTP/1.1\r\nHost: relay.test\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
  "Via: 1.1 ptth_server\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/** Collects what a stream gives. */
function collect(stream: Readable): { text: string; hasEnded: boolean } {
  const got = { text: "", hasEnded: false };
  stream.on("data", (chunk: Uint8Array) => got.text += Buffer.from(chunk).toString("latin1"));
  stream.on("end", () => got.hasEnded = true);
  return got;
}

for (const scheme of ["http", "https"] as const) {
  const tls = scheme === "https" ? readTlsOptions("localhost") : undefined;
  const toOrigin = (server: RawServer): ReturnType<typeof openOrigin> =>
    openOrigin(`${scheme}://127.0.0.1:${server.port}/`, { isInsecure: true });

  Deno.test(`origin switches over ${scheme}, and bytes go both ways, those too that come with the 101`, async () => {
    await using server = await RawServer.listen(async (connection) => {
      assertEquals(await connection.readHead(), HEAD);
      connection.send(`${SWITCH}early`);
      assertEquals(await connection.readThrough("\xff!"), "hello\xff!");
      connection.send("answer\xfe");
    }, tls);
    using origin = toOrigin(server);
    const body = openStream("hello");
    const request = createUpgrade(body);
    const answer = await origin.answer(request);
    assertEquals(answer.status, 101);
    assertEquals(answer.headers, [
      ...["Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "Upgrade", "WebSocket"],
    ]);
    const got = collect(answer.body as Readable);
    await until(() => got.text === "early");
    body.push(Buffer.from("\xff!", "latin1"));
    await until(() => got.text === "earlyanswer\xfe");
    request.finish("cut");
    await server.connections[0]?.closed;
    await closed(body);
  });

  Deno.test(`origin that ends its side over ${scheme} still gets what the visitor sends`, async () => {
    const ended = Promise.withResolvers<void>();
    await using server = await RawServer.listen(
      async (connection) => {
        await connection.readHead();
        connection.send(SWITCH);
        connection.socket.end("tail");
        await connection.readThrough("last words");
        ended.resolve();
      },
      tls,
      { allowHalfOpen: true },
    );
    using origin = toOrigin(server);
    const body = openStream();
    const answer = await origin.answer(createUpgrade(body));
    const got = collect(answer.body as Readable);
    await until(() => got.hasEnded);
    assertEquals([got.text, body.destroyed], ["tail", false]);
    // As streams do of themselves, once they have ended.
    (answer.body as Readable).destroy();
    body.push("last ");
    body.push("words");
    await ended.promise;
    body.push(null);
    await server.connections[0]?.closed;
  });

  Deno.test(`origin still sends over ${scheme} when the visitor has ended its side`, async () => {
    await using server = await RawServer.listen(
      async (connection) => {
        await connection.readHead();
        connection.send(SWITCH);
        await connection.readThrough("bye");
        if (!connection.socket.readableEnded) await once(connection.socket, "end");
        connection.send("the ");
        connection.socket.end("tail");
      },
      tls,
      { allowHalfOpen: true },
    );
    using origin = toOrigin(server);
    const body = openStream("bye");
    body.push(null);
    const answer = await origin.answer(createUpgrade(body));
    const got = collect(answer.body as Readable);
    await until(() => got.hasEnded);
    assertEquals(got.text, "the tail");
    await server.connections[0]?.closed;
  });
}

Deno.test("origin that switches without a body of the visitor's sees its side ended", async () => {
  await using server = await RawServer.listen(
    async (connection) => {
      await connection.readHead();
      connection.send(SWITCH);
      if (!connection.socket.readableEnded) await once(connection.socket, "end");
      connection.socket.end("bye");
    },
    undefined,
    { allowHalfOpen: true },
  );
  using origin = openOrigin(server.port);
  const answer = await origin.answer(createUpgrade(null));
  assertEquals([answer.status, await readAnswer(answer)], [101, "bye"]);
  await server.connections[0]?.closed;
});

for (
  const answer of [OK, OK.replace("200 OK", "426 No"), OK.replace("Content-Length: 2", "X: 1")]
) {
  Deno.test(`origin may answer a request to switch otherwise: ${answer.slice(9, 30)}`, async () => {
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      connection.send(answer);
      if (answer.includes("X: 1")) connection.socket.end();
    });
    using origin = openOrigin(server.port);
    const body = openStream("never sent");
    const { status, headers, body: stream } = await origin.answer(createUpgrade(body));
    assertEquals([String(status), headers.length], [answer.slice(9, 12), 2]);
    assertEquals(await readAnswer({ status, headers, body: stream }), "ok");
    await Promise.all([server.connections[0]?.closed, closed(body)]);
    assertEquals(server.connections[0]?.received, "");
  });
}

Deno.test("origin's interim answers come before it switches", async () => {
  await using server = await RawServer.listen(
    answering(`HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n${SWITCH}`),
  );
  using origin = openOrigin(server.port);
  const request = createUpgrade(openStream());
  const answer = await origin.answer(request);
  assertEquals([answer.status, request.informed], [101, [{ status: 103, headers: ["X", "1"] }]]);
  (answer.body as Readable).destroy();
  await server.connections[0]?.closed;
});

Deno.test("origin that switches on a connection of its own leaves the kept ones alone", async () => {
  await using server = await RawServer.listen(async (connection) => {
    for (;;) {
      const head = await connection.readHead();
      connection.send(head.includes("Upgrade: ") ? SWITCH : OK);
    }
  });
  using origin = openOrigin(server.port);
  await readAnswer(await origin.answer(createFakeRequest("/")));
  const answer = await origin.answer(createUpgrade(openStream()));
  assertEquals(answer.status, 101);
  await readAnswer(await origin.answer(createFakeRequest("/")));
  assertEquals(server.connections.length, 2);
  origin.close();
  await server.connections[0]?.closed;
  assertEquals(server.connections[1]?.socket.destroyed, false);
  (answer.body as Readable).destroy();
  await server.connections[1]?.closed;
});

for (const how of ["leaves", "breaks off", "gives up the answer"] as const) {
  Deno.test(`visitor of a switched connection who ${how} has the origin's closed`, async () => {
    await using server = await RawServer.listen(answering(SWITCH));
    using origin = openOrigin(server.port);
    const body = openStream("x");
    const request = createUpgrade(body);
    const answer = await origin.answer(request);
    const got = collect(answer.body as Readable);
    if (how === "leaves") request.finish("cut");
    else if (how === "breaks off") body.destroy();
    else (answer.body as Readable).destroy();
    await server.connections[0]?.closed;
    await Promise.all([closed(answer.body as Readable), closed(body)]);
    assertEquals(got.hasEnded, false);
  });
}

Deno.test("visitor who leaves before the origin has switched has its connection closed", async () => {
  const { log, lines } = createMemoryLog();
  const request = createUpgrade(openStream("x"));
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    request.finish("cut");
    connection.send(SWITCH);
  });
  using origin = openOrigin(server.port, { log });
  await origin.answer(request);
  await server.connections[0]?.closed;
  assertEquals([request.body?.destroyed, lines], [true, []]);
});

Deno.test("origin that resets a switched connection does not look as if it had ended it", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send(`${SWITCH}half`);
    await connection.readThrough("now");
    connection.socket.resetAndDestroy();
  });
  using origin = openOrigin(server.port);
  const body = openStream();
  const answer = await origin.answer(createUpgrade(body));
  const got = collect(answer.body as Readable);
  await until(() => got.text === "half");
  body.push("now");
  await Promise.all([closed(answer.body as Readable), closed(body)]);
  assertEquals(got.hasEnded, false);
});

for (const how of ["leaves", "breaks off"] as const) {
  Deno.test(`visitor of a switched connection who ${how} does not look to the origin as if it had ended it`, async () => {
    const errors: unknown[] = [];
    await using server = await RawServer.listen(
      async (connection) => {
        connection.socket.on(
          "error",
          (error: Error & { code?: string }) => errors.push(error.code),
        );
        await connection.readHead();
        connection.send(SWITCH);
        await connection.readThrough("half");
        if (how === "leaves") request.finish("cut");
        else body.destroy();
        await connection.closed;
        assertEquals(connection.socket.readableEnded, false);
      },
      undefined,
      { allowHalfOpen: true },
    );
    using origin = openOrigin(server.port);
    const body = openStream("half");
    const request = createUpgrade(body);
    const answer = await origin.answer(request);
    (answer.body as Readable).resume();
    await Promise.all([server.connections[0]?.closed, closed(answer.body as Readable)]);
    assertEquals(errors, ["ECONNRESET"]);
  });
}

Deno.test("visitor of a switched connection who leaves does not say over TLS that it has ended", async () => {
  const gone = Promise.withResolvers<string | undefined>();
  await using server = await RawServer.listen(answering(SWITCH), readTlsOptions("localhost"));
  // On the way, where it shows: to a TLS server a reset may look as an end.
  await using way = await RawServer.listen(({ socket }) => {
    const onward = connect(server.port, "127.0.0.1");
    onward.on("error", () => {});
    socket.on("data", (chunk: Uint8Array) => onward.write(chunk));
    onward.on("data", (chunk: Uint8Array) => socket.write(chunk));
    socket.once("end", () => gone.resolve("an end"));
    socket.once("error", (error: Error & { code?: string }) => gone.resolve(error.code));
    socket.once("close", () => onward.destroy());
  });
  using origin = openOrigin(`https://127.0.0.1:${way.port}/`, { isInsecure: true });
  const request = createUpgrade(openStream("half"));
  assertEquals((await origin.answer(request)).status, 101);
  await until(() => server.connections[0]?.received === "half");
  request.finish("cut");
  assertEquals(await gone.promise, "ECONNRESET");
});

Deno.test("origin that is quiet on a switched connection is not cut", async () => {
  const clock = new ManualClock();
  await using server = await RawServer.listen(answering(SWITCH));
  using origin = openOrigin(server.port, { clock, silenceTimeoutMs: 1000 });
  const answer = await origin.answer(createUpgrade(openStream()));
  const got = collect(answer.body as Readable);
  clock.advance(3_600_000);
  assertEquals(clock.pendingCount, 0);
  server.connections[0]?.send("hi");
  await until(() => got.text === "hi");
  (answer.body as Readable).destroy();
  await server.connections[0]?.closed;
});

Deno.test("origin that has switched gets and sends megabytes as they are", async () => {
  const bytes = patternOf(8_000_000);
  const length = bytes.length;
  await using server = await RawServer.listen(
    async (connection) => {
      await connection.readHead();
      connection.send(SWITCH);
      connection.socket.pipe(connection.socket);
    },
    undefined,
    { allowHalfOpen: true },
  );
  using origin = openOrigin(server.port);
  const body = Readable.from(piecesOf(bytes, 100_000), { objectMode: false });
  const answer = await origin.answer(createUpgrade(body));
  const text = await readAnswer(answer);
  assertEquals(text.length, length);
  assert(Buffer.from(text, "latin1").equals(patternOf(length)));
  await server.connections[0]?.closed;
});

Deno.test("neither side of a switched connection is read faster than the other takes it", async () => {
  let written = 0;
  const fill = ({ socket }: ServerConnection): void => {
    while (written < 200_000_000 && socket.write(new Uint8Array(65536))) written += 65536;
  };
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send(SWITCH);
    connection.socket.pause();
    connection.socket.on("drain", () => fill(connection));
    fill(connection);
  });
  using origin = openOrigin(server.port);
  const body = new EndlessBody();
  const answer = await origin.answer(createUpgrade(body));
  assert(answer.body !== null);
  await until(() => body.produced > 0 && written > 0);
  assertLess(await untilSteady(() => body.produced + written), 40_000_000);
  (answer.body as Readable).destroy();
  server.connections[0]?.socket.resume();
  await server.connections[0]?.closed;
});
