/** Connections that switch protocols, and are the caller's from then on (RFC 9110 §7.8). */

import { assertEquals, assertLess, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import type { Socket } from "node:net";
import { connect } from "node:tls";
import type { ClientRequest, SwitchedSocket } from "../../lib/client/client_exchange.ts";
import type { ConnectionPool } from "../../lib/client/connection_pool.ts";
import { UnreachableError } from "../../lib/client/unreachable_error.ts";
import type { RawHeaders } from "../../lib/http/message.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { answering, closed, openStream, until, untilSteady } from "../support/origins.ts";
import {
  ask,
  openPool,
  PEER,
  recordWrites,
  textOf,
  toClientRequest,
} from "../support/pooled_client.ts";
import { RawServer } from "../support/raw_server.ts";
import { readTlsOptions } from "../support/tls_files.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
const UPGRADE: Partial<ClientRequest> = {
  headers: ["Host", "h", "Connection", "Upgrade", "Upgrade", "x"],
  allowsSwitch: true,
};

/** What a switched connection is handed over with. */
async function askToSwitch(
  pool: ConnectionPool,
  changes: Partial<ClientRequest> = {},
): Promise<SwitchedSocket & { readonly headers: RawHeaders }> {
  const { status, headers, body, switched } = await ask(pool, { ...UPGRADE, ...changes });
  if (switched === null) throw new TypeError(`It does not switch: ${status}`);
  assertEquals([status, body.isWhole, body.readableLength], [101, true, 0]);
  return { ...switched, headers };
}

/** Collects what a socket gives. */
function collect(socket: Socket): { text: string; hasEnded: boolean } {
  const got = { text: "", hasEnded: false };
  socket.on("data", (chunk: Uint8Array) => got.text += Buffer.from(chunk).toString("latin1"));
  socket.on("end", () => got.hasEnded = true);
  return got;
}

Deno.test("switched connection is handed over as if nobody had read it, with what came with the 101", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send(`HTTP/1.1 103 E\r\nA: 1\r\n\r\n${SWITCH}early\xff`);
    await connection.readThrough("hello");
    connection.send("answer\xfe");
  });
  using pool = openPool(server.port);
  const interims: number[] = [];
  const { headers, socket, head } = await askToSwitch(pool, {
    onInterim: (status) => interims.push(status),
  });
  assertEquals(headers, ["Connection", "Upgrade", "Upgrade", "x"]);
  assertEquals([Buffer.from(head).toString("latin1"), interims], ["early\xff", [103]]);
  for (const name of ["data", "drain", "readable"]) {
    assertEquals(socket.listenerCount(name), 0, name);
  }
  assertEquals([socket.readableFlowing, socket.isPaused(), socket.destroyed], [null, false, false]);
  const got = collect(socket);
  socket.write("hello");
  await until(() => got.text === "answer\xfe");
  socket.destroy();
  await server.connections[0]?.closed;
});

Deno.test("switched connection has no listener of the pool's left", async () => {
  await using server = await RawServer.listen(answering(SWITCH));
  let before: Record<string, number> = {};
  const count = (socket: Socket): Record<string, number> =>
    Object.fromEntries(
      socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]),
    );
  const recorder = recordWrites(server.port);
  using pool = openPool(server.port, {
    open: async (signal) => {
      const socket = await recorder.open(signal);
      before = count(socket);
      return socket;
    },
  });
  const { socket } = await askToSwitch(pool);
  // But for one that keeps a reset from ending the process while the socket has no owner.
  assertEquals(count(socket), { ...before, error: (before["error"] ?? 0) + 1 });
  server.connections[0]?.socket.resetAndDestroy();
  socket.resume();
  await closed(socket);
});

Deno.test("switched connection keeps what comes until its new owner reads it, and holds the rest back", async () => {
  let written = 0;
  await using server = await RawServer.listen(async (connection) => {
    const { socket } = connection;
    const fill = (): void => {
      while (written < 200_000_000 && socket.write(new Uint8Array(65_536))) written += 65_536;
    };
    await connection.readHead();
    connection.send(SWITCH);
    socket.on("drain", fill);
    fill();
  });
  using pool = openPool(server.port);
  const { socket, head } = await askToSwitch(pool);
  await until(() => written > 0);
  assertLess(await untilSteady(() => written), 20_000_000);
  let length = head.length;
  socket.on("data", (chunk: Uint8Array) => length += chunk.length);
  await until(() => length > 50_000_000);
  socket.destroy();
  await server.connections[0]?.closed;
});

Deno.test("switched connection's ends are told apart where it was opened so", async () => {
  for (const first of ["peer", "caller"] as const) {
    await using server = await RawServer.listen(
      async (connection) => {
        const { socket } = connection;
        await connection.readHead();
        connection.send(SWITCH);
        if (first === "peer") socket.end("tail");
        await connection.readThrough("last words");
        if (!socket.readableEnded) await once(socket, "end");
        if (first === "caller") socket.end("tail");
      },
      undefined,
      { allowHalfOpen: true },
    );
    using pool = openPool(server.port, { allowHalfOpen: true });
    const { socket, head } = await askToSwitch(pool);
    if (head.length > 0) socket.unshift(head);
    const got = collect(socket);
    if (first === "peer") await until(() => got.hasEnded);
    assertEquals(socket.destroyed, false);
    socket.end("last words");
    await until(() => got.hasEnded);
    assertEquals(got.text, "tail");
    await Promise.all([server.connections[0]?.closed, closed(socket)]);
  }
});

Deno.test("switched connection is no business of the pool's, of the signal's or of a timer's", async () => {
  const clock = new ManualClock();
  await using server = await RawServer.listen(async (connection) => {
    const head = await connection.readHead();
    connection.send(head.includes("Upgrade") ? SWITCH : OK);
    await connection.readThrough("hi");
    connection.send("ho");
  });
  using pool = openPool(server.port, { clock });
  const abort = new AbortController();
  const { socket } = await askToSwitch(pool, { signal: abort.signal });
  await textOf((await ask(pool)).body);
  abort.abort();
  pool.close();
  assertEquals([clock.pendingCount, server.connections.length], [0, 2]);
  await server.connections[1]?.closed;
  const got = collect(socket);
  socket.write("hi");
  await until(() => got.text === "ho");
  socket.destroy();
  await server.connections[0]?.closed;
});

Deno.test("request to switch that is answered otherwise has an answer as any, and a connection as any", async () => {
  await using server = await RawServer.listen(answering(OK));
  using pool = openPool(server.port);
  for (let i = 0; i < 2; i++) assertEquals(await textOf((await ask(pool, UPGRADE)).body), "ok");
  assertEquals(server.connections.length, 1);
});

Deno.test("switch in the middle of the request is refused", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readThrough("a");
    connection.send(SWITCH);
    await connection.closed;
  });
  using pool = openPool(server.port);
  const body = openStream("a");
  const exchange = await pool.send(toClientRequest({ ...UPGRADE, body, length: 2 }));
  const error = await assertRejects(() => exchange.answer, UnreachableError);
  assertEquals([error.kind, error.message], [
    "protocol",
    `Cannot use the answer of ${PEER}: it switches protocols within the request`,
  ]);
  await Promise.all([server.connections[0]?.closed, closed(body)]);
});

Deno.test("switched connection over TLS goes both ways, those bytes too that come with the 101", async () => {
  const tls = readTlsOptions("localhost");
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send(`${SWITCH}early`);
    await connection.readThrough("hello");
    connection.socket.end("bye");
  }, tls);
  using pool = openPool(server.port, {
    open: () =>
      new Promise((resolve, reject) => {
        const options = { port: server.port, host: "127.0.0.1", rejectUnauthorized: false };
        const socket = connect(options, () => resolve(socket));
        socket.once("error", reject);
      }),
  });
  const { socket, head } = await askToSwitch(pool);
  if (head.length > 0) socket.unshift(head);
  const got = collect(socket);
  await until(() => got.text === "early");
  socket.write("hello");
  await until(() => got.hasEnded);
  assertEquals(got.text, "earlybye");
  await server.connections[0]?.closed;
  await closed(socket);
});
