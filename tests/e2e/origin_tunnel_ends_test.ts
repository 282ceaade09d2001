/** How exchanges with a local web application end, and switched connections, through the tunnel. */

import { assertEquals, assertMatch } from "@std/assert";
import { once } from "node:events";
import { APP, startApplication } from "../support/application.ts";
import { answering } from "../support/origins.ts";
import { parseVisit, toRequestText, visit } from "../support/visit.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Accept: x\r\n\r\n";
const UPGRADE = { headers: ["Connection: Upgrade", "Upgrade: websocket"] } as const;

Deno.test("tunnel: a switched connection carries bytes both ways, and ends side by side", async () => {
  const ended = Promise.withResolvers<string>();
  await using world = await startApplication(async (connection) => {
    const head = await connection.readHead();
    assertMatch(head, /^GET \/chat HTTP\/1\.1\r\n[^]*\r\nUpgrade: websocket\r\n/);
    connection.send(`${SWITCH}early`);
    const got = await connection.readThrough("\xff!");
    connection.send(`${got}\xfe`);
    if (!connection.socket.readableEnded) await once(connection.socket, "end");
    connection.socket.end("tail");
    ended.resolve(connection.received);
  });
  await using visitor = await world.connect({ allowHalfOpen: true });
  await visitor.send(toRequestText(`${APP}chat`, UPGRADE));
  const head = await visitor.readThrough("\r\n\r\n");
  assertMatch(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assertMatch(head, /\r\nUpgrade: websocket\r\n/i);
  assertEquals(await visitor.readThrough("early"), "early");
  await visitor.send("hello\xff!");
  assertEquals(await visitor.readThrough("\xfe"), "hello\xff!\xfe");
  visitor.socket.end("last words");
  assertEquals(await ended.promise, "last words");
  assertEquals(await visitor.readToEnd(), "tail");
  await world.application.connections[0]?.closed;
});

Deno.test("tunnel: an application that ends its side first gets what the visitor still sends", async () => {
  await using world = await startApplication(async (connection) => {
    await connection.readHead();
    connection.send(SWITCH);
    connection.socket.end("bye");
  });
  await using visitor = await world.connect({ allowHalfOpen: true });
  await visitor.send(toRequestText(APP, UPGRADE));
  assertMatch(await visitor.readToEnd(), /\r\n\r\nbye$/);
  await visitor.send("still here");
  await world.application.connections[0]?.readThrough("still here");
  visitor.socket.end();
  await world.application.connections[0]?.closed;
});

for (
  const part of [
    "before the answer",
    "within the answer",
    "within its body",
    "after a switch",
  ] as const
) {
  Deno.test(`tunnel: a visitor who leaves ${part} ends the application's connection`, async () => {
    const reached = Promise.withResolvers<void>();
    await using world = await startApplication(async (connection) => {
      await connection.readHead();
      if (part === "within the answer") connection.send("HTTP/1.1 200 OK\r\n\r\npart");
      if (part === "within its body") await connection.readThrough("part");
      if (part === "after a switch") connection.send(`${SWITCH}part`);
      reached.resolve();
      // Some ends look like a half-close.
      connection.socket.once("end", () => connection.socket.end());
    });
    await using visitor = await world.connect();
    const body = { method: "POST", headers: ["Content-Length: 1000000"] };
    const options = part === "within its body" ? body : part === "after a switch" ? UPGRADE : {};
    await visitor.send(toRequestText(APP, options) + (part === "within its body" ? "part" : ""));
    await reached.promise;
    if (part === "within the answer" || part === "after a switch") {
      await visitor.readThrough("part");
    }
    visitor.socket.resetAndDestroy();
    await world.application.connections[0]?.closed;
  });
}

for (const framing of ["Content-Length: 100", "Transfer-Encoding: chunked"] as const) {
  Deno.test(`tunnel: an application that breaks off an answer of ${framing} cuts its visitor`, async () => {
    await using world = await startApplication(async (connection) => {
      await connection.readHead();
      connection.send(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n4\r\npart\r\n`);
    });
    await using visitor = await world.connect();
    await visitor.send(toRequestText(APP));
    const start = await visitor.readThrough("part");
    world.application.connections[0]?.socket.destroy();
    const { status, isComplete } = parseVisit(start + await visitor.readToEnd());
    assertEquals([status, isComplete], [200, false]);
  });
}

Deno.test("tunnel: an application that breaks off is a 502 of the server's, and the next request is another matter", async () => {
  await using world = await startApplication(async (connection, index) => {
    if (index === 0) connection.socket.destroy();
    else await answering(OK)(connection);
  });
  const { status, head } = await visit(world.port, APP);
  assertEquals(status, 502);
  assertMatch(head, /\r\nProxy-Status: ptth_server; error=connection_terminated\r\n/);
  assertEquals((await visit(world.port, APP)).body, "ok");
});
