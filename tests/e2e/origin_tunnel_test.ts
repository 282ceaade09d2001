/** A local web application as visitors have it through relay and server: all of HTTP, both ways. */

import { assertEquals, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { EXPECT_WAIT_MS } from "../../lib/base/limits.ts";
import { APP, startApplication } from "../support/application.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { answering } from "../support/origins.ts";
import type { ServerConnection } from "../support/raw_server.ts";
import { NAME } from "../support/tunnel.ts";
import { parseVisit, toRequestText, visit } from "../support/visit.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** What a head says, without what every relay and engine adds. */
function linesOf(head: string): string[] {
  return head.trimEnd().split("\r\n").filter((line) =>
    !/^(?:date|connection|keep-alive):/i.test(line)
  );
}

const REDIRECT = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload, <b.js>\r\n\r\n" +
  "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:PORT/login?x\r\nSet-Cookie: a=1; Path=/; HttpOnly\r\n" +
  "Set-Cookie: b=2; Path=/x; Domain=home.relay.test\r\nSet-Cookie: c=3\r\nContent-Location: /x\r\n" +
  "Refresh: 5; url=/y\r\nLink: </c>\r\nService-Worker-Allowed: /\r\nX-Raw: \xff\r\nContent-Length: 0\r\n\r\n";

for (
  const [what, target, prefix, host] of [
    ["path mode", APP, `/servers/${NAME}/app`, "relay.test"],
    ["the older path mode", `/frontend${APP}`, `/frontend/servers/${NAME}/app`, "relay.test"],
    ["host mode", "/app/", "/app", `${NAME}.relay.test`],
  ] as const
) {
  Deno.test(`tunnel: in ${what} an application's references are moved to where visitors see it`, async () => {
    const world = await startApplication(async (connection) => {
      await connection.readHead();
      connection.send(REDIRECT.replace("PORT", String(world.application.port)));
    }, { hostSuffix: "relay.test" });
    await using _world = world;
    await using visitor = await world.connect();
    await visitor.send(toRequestText(`${target}start`, { host }));
    const hints = await visitor.readThrough("\r\n\r\n");
    assertEquals(linesOf(hints), [
      ...["HTTP/1.1 103 Early Hints", `Link: <${prefix}/a.css>; rel=preload, <b.js>`],
    ]);
    const isShared = host === "relay.test";
    assertEquals(linesOf(await visitor.readThrough("\r\n\r\n")), [
      ...["HTTP/1.1 302 Found", `Location: ${prefix}/login?x`],
      `Set-Cookie: a=1; Path=${prefix}/; HttpOnly`,
      `Set-Cookie: b=2; Path=${prefix}/x${isShared ? "" : "; Domain=home.relay.test"}`,
      ...["Set-Cookie: c=3", `Content-Location: ${prefix}/x`, `Refresh: 5; url=${prefix}/y`],
      ...[`Link: <${prefix}/c>`, ...isShared ? [] : ["Service-Worker-Allowed: /"], "X-Raw: \xff"],
      "Content-Length: 0",
    ]);
  });
}

Deno.test("tunnel: an application that heeds X-Forwarded-Prefix is left alone", async () => {
  await using world = await startApplication(async (connection) => {
    const head = await connection.readHead();
    const prefix = /^x-forwarded-prefix: (.*)\r$/im.exec(head)?.[1] ?? "";
    connection.send(
      `HTTP/1.1 302 F\r\nLocation: ${prefix}/x\r\nSet-Cookie: a; Path=${prefix}/\r\n` +
        `Refresh: 0; url=http://relay.test${prefix}/y\r\nContent-Length: 0\r\n\r\n`,
    );
  });
  const { head } = await visit(world.port, `${APP}x`);
  assertEquals(linesOf(head).slice(1, 4), [
    ...[`Location: ${APP}x`, `Set-Cookie: a; Path=${APP}`],
    `Refresh: 0; url=http://relay.test${APP}y`,
  ]);
});

Deno.test("tunnel: an application learns who asks, where it is seen, and no forgeries", async () => {
  const heads: string[] = [];
  await using world = await startApplication(answering(OK, heads));
  const headers = [
    ...["X-Forwarded-For: 192.0.2.9", "X-Forwarded-Host: evil.test", "X-Forwarded-Prefix: /evil"],
    ...["Forwarded: for=evil", "X-Real-IP: 192.0.2.9", "X-ApiKey: secret", "X-Kept: \xff"],
    ...["Connection: X-Hop", "X-Hop: 1", "TE: trailers", "Cookie: a=1", "cookie: b=2"],
  ];
  const { status, body } = await visit(world.port, `${APP}a%2fb//c;d?q=%zz`, { headers });
  assertEquals([status, body], [200, "ok"]);
  assertEquals(heads[0]?.trimEnd().split("\r\n"), [
    ...["GET /a%2fb//c;d?q=%zz HTTP/1.1", "Host: relay.test", "X-Kept: \xff"],
    ...["Cookie: a=1", "cookie: b=2", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Proto: http"],
    ...["X-Forwarded-Host: relay.test", 'Forwarded: for=127.0.0.1;host="relay.test";proto=http'],
    ...[`X-Forwarded-Prefix: ${APP.slice(0, -1)}`, "Via: 1.1 ptth_relay, 1.1 ptth_server"],
    ...["TE: trailers", "Connection: TE"],
  ]);
});

Deno.test("tunnel: an application is not asked for what leaves its path", async () => {
  await using world = await startApplication(answering(OK));
  for (const path of ["../x", "%2e%2e/x", "..%2fx", "..\\x", "x%2fy/../../z", "..;/x"]) {
    assertEquals((await visit(world.port, APP + path)).status, 400, path);
  }
  assertEquals(world.application.connections.length, 0);
});

Deno.test("tunnel: a visitor cannot hide a request in the body of another one", async () => {
  const smuggled = "GET /admin HTTP/1.1\r\nHost: h\r\n\r\n";
  const seen: string[] = [];
  await using world = await startApplication(async (connection) => {
    seen.push(await connection.readHead(), await connection.readThrough(smuggled));
    connection.send(OK);
  });
  const fields = ["Connection: close, content-length", `Content-Length: ${smuggled.length}`];
  await using visitor = await world.connect();
  await visitor.send(toRequestText(APP, { method: "DELETE", headers: fields }) + smuggled);
  assertEquals(parseVisit(await visitor.readToEnd()).body, "ok");
  assertMatch(seen[0] ?? "", new RegExp(`^content-length: ${smuggled.length}\r$`, "im"));
});

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

Deno.test("tunnel: 1 MiB up and 1 MiB down at known lengths are the same", async () => {
  const [up, down] = [randomBytes(1024 * 1024), randomBytes(1024 * 1024)];
  let got = "";
  await using world = await startApplication(async (connection) => {
    const head = await connection.readHead();
    assertMatch(head, /\r\nContent-Length: 1048576\r\n/);
    const body = await connection.readThrough(up.subarray(-64).toString("latin1"));
    got = digest(Buffer.from(body, "latin1"));
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n");
    connection.socket.write(down);
  });
  await using visitor = await world.connect();
  const fields = ["Content-Length: 1048576", "Connection: close"];
  await visitor.send(toRequestText(APP, { method: "PUT", headers: fields }));
  await visitor.send(up.toString("latin1"));
  const { status, body, isComplete } = parseVisit(await visitor.readToEnd());
  assertEquals([status, isComplete], [200, true]);
  assertEquals([got, digest(Buffer.from(body, "latin1"))], [digest(up), digest(down)]);
});

Deno.test("tunnel: chunks and the fields behind them pass both ways, while both sides talk", async () => {
  await using world = await startApplication(async (connection) => {
    assertMatch(
      await connection.readHead(),
      /\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n/,
    );
    connection.send("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (const word of ["one", "two"]) {
      await connection.readThrough(`${word}\r\n`);
      connection.send(`4\r\n${word}!\r\n`);
    }
    assertEquals(await connection.readThrough("\r\n\r\n"), "0\r\nX-Sum: 1\r\nX-Sum: \xe9\r\n\r\n");
    connection.send("0\r\nX-Sum: 2\r\nx-sum: \xe8\r\n\r\n");
  });
  await using visitor = await world.connect();
  const fields = ["Transfer-Encoding: chunked", "Trailer: X-Sum", "TE: trailers", "Connection: TE"];
  await visitor.send(toRequestText(APP, { method: "POST", headers: fields }));
  const head = await visitor.readThrough("\r\n\r\n");
  assertMatch(head, /^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*Trailer: X-Sum\r\n/i);
  await visitor.send("3\r\none\r\n");
  await visitor.readThrough("one!\r\n");
  await visitor.send("3\r\ntwo\r\n");
  await visitor.readThrough("two!\r\n");
  await visitor.send("0\r\nX-Sum: 1\r\nX-Sum: \xe9\r\n\r\n");
  assertEquals(await visitor.readThrough("\r\n\r\n"), "0\r\nX-Sum: 2\r\nx-sum: \xe8\r\n\r\n");
});

const EXPECT = { method: "PUT", headers: ["Content-Length: 4", "Expect: 100-continue"] } as const;

Deno.test("tunnel: a visitor is told to go on when the application says so, and not before", async () => {
  const asked = Promise.withResolvers<ServerConnection>();
  const clock = new ManualClock();
  await using world = await startApplication(async (connection) => {
    assertMatch(await connection.readHead(), /\r\nExpect: 100-continue\r\n/i);
    asked.resolve(connection);
    await connection.readThrough("body");
    connection.send(OK);
  }, { clock });
  await using visitor = await world.connect();
  await visitor.send(toRequestText(APP, EXPECT));
  const application = await asked.promise;
  // Another exchange on the same tunnel: whatever went out before it would be here by now.
  assertEquals((await visit(world.port, `/servers/${NAME}/`)).status, 200);
  assertEquals(visitor.received, "");
  application.send("HTTP/1.1 100 Continue\r\n\r\n");
  assertEquals(await visitor.readThrough("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  await visitor.send("body");
  assertMatch(await visitor.readThrough("ok"), /^HTTP\/1\.1 200 OK\r\n/);
});

Deno.test("tunnel: a visitor whom the application refuses at once is never told to go on", async () => {
  await using world = await startApplication(async (connection) => {
    await connection.readHead();
    connection.send("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
  }, { clock: new ManualClock() });
  await using visitor = await world.connect();
  await visitor.send(toRequestText(APP, EXPECT));
  const answer = await visitor.readThrough("\r\n\r\nno");
  assertMatch(answer, /^HTTP\/1\.1 401 Unauthorized\r\n/);
  assertEquals(world.application.connections[0]?.received, "");
});

Deno.test("tunnel: a visitor is told to go on after a while where the application does not say", async () => {
  const clock = new ManualClock();
  await using world = await startApplication(async (connection) => {
    await connection.readHead();
    clock.advance(EXPECT_WAIT_MS);
    await connection.readThrough("body");
    connection.send(OK);
  }, { clock });
  await using visitor = await world.connect();
  await visitor.send(toRequestText(APP, EXPECT));
  assertEquals(await visitor.readThrough("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  await visitor.send("body");
  await visitor.readThrough("ok");
});
