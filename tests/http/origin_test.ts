/** What an origin gets of a request: its head, and where it may lead. */

import { assertEquals, assertMatch } from "@std/assert";
import { METHODS } from "node:http";
import { Readable } from "node:stream";
import type { RawHeaders } from "../../lib/http/message.ts";
import { createFakeRequest, type FakeRequestOptions, readAnswer } from "../support/fake_request.ts";
import {
  answering,
  createUpload,
  fieldsOf,
  openOrigin,
  type OriginOptions,
} from "../support/origins.ts";
import { RawServer } from "../support/raw_server.ts";
import { turn } from "../support/turn.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** The head that an origin gets for a request. */
async function headOf(
  target: string,
  request: FakeRequestOptions = {},
  { base = "/", ...options }: OriginOptions & { readonly base?: string } = {},
): Promise<string> {
  const heads: string[] = [];
  await using server = await RawServer.listen(answering(OK, heads));
  using origin = openOrigin(`http://127.0.0.1:${server.port}${base}`, options);
  const answer = await origin.answer(createFakeRequest(target, request));
  assertEquals([answer.status, await readAnswer(answer)], [200, "ok"]);
  assertEquals([heads.length, server.connections.length], [1, 1]);
  return heads[0]?.replaceAll(`:${server.port}`, ":PORT") ?? "";
}

function withHost(...fields: string[]): { readonly headers: RawHeaders } {
  return { headers: ["Host", "h", ...fields] };
}

Deno.test("origin gets the request as it came, byte for byte, with Host first and Via", async () => {
  const headers = [
    ...["X-B", "\xff\xe9", "x-a", "1", "Host", "Relay.test:80", "X-A", "2", "x-a", ""],
    ...["Cookie", "a=b", "Accept-Encoding", "gzip", "Cookie", "c=d", "Expect-CT", "x"],
  ];
  assertEquals(
    await headOf("/a%2fB/%zz|\\\xe9;x?q=%20&/../#frag", { headers }),
    "GET /a%2fB/%zz|\\\xe9;x?q=%20&/../ HTTP/1.1\r\nHost: Relay.test:80\r\n" +
      "X-B: \xff\xe9\r\nx-a: 1\r\nX-A: 2\r\nx-a: \r\nCookie: a=b\r\nAccept-Encoding: gzip\r\n" +
      "Cookie: c=d\r\nExpect-CT: x\r\nVia: 1.1 ptth_server\r\n\r\n",
  );
});

Deno.test("origin gets the lower-case names of a classic relay", async () => {
  const headers = ["accept", "*/*", "host", "relay.test", "x-forwarded-prefix", "/servers/me"];
  assertEquals(fieldsOf(await headOf("/", { headers })), [
    ...["Host: relay.test", "accept: */*", "X-Forwarded-Prefix: /servers/me"],
    ...["Via: 1.1 ptth_server"],
  ]);
});

for (
  const [what, host, headers, expected] of [
    ["preserve", "preserve", ["hOST", "Relay.test"], "Relay.test"],
    ["preserve, where there is none", "preserve", [], "127.0.0.1:PORT"],
    ["origin", "origin", ["Host", "relay.test"], "127.0.0.1:PORT"],
    ["a name", { authority: "app.internal" }, ["Host", "relay.test"], "app.internal"],
  ] as const
) {
  Deno.test(`origin gets one Host with ${what} (RFC 9110 §7.2)`, async () => {
    const fields = fieldsOf(await headOf("/", { headers }, { host }));
    assertEquals(fields.filter((line) => /^host:/i.test(line)), [`Host: ${expected}`]);
  });
}

Deno.test("origin gets no field of one connection, none that Connection names, and no query field (RFC 9110 §7.6.1)", async () => {
  const fields = withHost(
    ...["Connection", "X-Named, close", "X-Named", "1", "Keep-Alive", "5", "Proxy-Connection", "x"],
    ...["Proxy-Authorization", "secret", "TE", "gzip", "Upgrade", "h2c", "Transfer-Encoding", "x"],
    ...[
      "Trailer",
      "X-T",
      "connection",
      "HTTP2-Settings, host, content-length",
      "HTTP2-Settings",
      "x",
    ],
    ...["Content-Length", "7", "X-Kept", "1", "X-PTTH-Query", "?q"],
  );
  assertEquals(fieldsOf(await headOf("/", fields)), [
    ...["Host: h", "X-Kept: 1", "Via: 1.1 ptth_server"],
  ]);
});

Deno.test("origin learns that trailer fields are taken, on a connection that is kept (RFC 9110 §10.1.4)", async () => {
  assertEquals(fieldsOf(await headOf("/", withHost("TE", "trailers"))), [
    ...["Host: h", "Via: 1.1 ptth_server", "TE: trailers", "Connection: TE"],
  ]);
});

Deno.test("origin gets Via continued, also where it came in several fields (RFC 9110 §7.6.3)", async () => {
  const head = await headOf("/", withHost("Via", "1.0 a", "X", "1", "via", "2 b, 1.1 ptth_relay"));
  assertMatch(head, /\r\nVia: 1\.0 a, 2 b, 1\.1 ptth_relay, 1\.1 ptth_server\r\n/);
  assertEquals(head.match(/via/gi)?.length, 1);
});

Deno.test("origin gets X-Forwarded-Prefix with what it was asked without, and other forwarding fields kept", async () => {
  const forwarded = ["X-Forwarded-For", "192.0.2.1", "Forwarded", "for=192.0.2.1"];
  const rows = [
    ["/app/", true, ["X-Forwarded-Prefix", "/servers/me"], ["X-Forwarded-Prefix: /servers/me/app"]],
    ["/app/", true, [], ["X-Forwarded-Prefix: /app"]],
    ["/app/", false, ["x-forwarded-prefix", "/servers/me"], ["X-Forwarded-Prefix: /servers/me"]],
    ["/app/", false, [], []],
    ["/", true, [], []],
    ["/a/b/", true, ["X-Forwarded-Prefix", "/x"], ["X-Forwarded-Prefix: /x/a/b"]],
  ] as const;
  for (const [path, stripsPath, headers, expected] of rows) {
    const head = await headOf(`${path}x`, withHost(...forwarded, ...headers), { path, stripsPath });
    const fields = fieldsOf(head);
    assertEquals(fields.filter((line) => /^x-forwarded-prefix/i.test(line)), [...expected]);
    assertEquals(fields.slice(1, 3), ["X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1"]);
  }
});

Deno.test("origin is asked with or without its path, below its base path", async () => {
  const rows: [target: string, path: string, stripsPath: boolean, base: string, sent: string][] = [
    ["/app/", "/app/", true, "/", "/"],
    ["/app/x/y?q", "/app/", true, "/", "/x/y?q"],
    ["/app/?q", "/app/", true, "/", "/?q"],
    ["/app/x", "/app/", false, "/", "/app/x"],
    ["/app/x", "/app/", true, "/base", "/base/x"],
    ["/app/x", "/app/", false, "/base/", "/base/app/x"],
    ["/", "/", true, "/", "/"],
    ["/x", "/", false, "/base/", "/base/x"],
    ["/app//x", "/app/", true, "/", "//x"],
    ["/app/./x/../y", "/app/", true, "/base/", "/base/./x/../y"],
    ["/app/x?/../..", "/app/", true, "/", "/x?/../.."],
  ];
  for (const [target, path, stripsPath, base, sent] of rows) {
    const head = await headOf(target, {}, { path, stripsPath, base });
    assertEquals(head.split(" ")[1], sent, target);
  }
});

Deno.test("origin is never asked for what leaves its path, or is no path", async () => {
  await using server = await RawServer.listen(answering(OK));
  const targets = [
    ...["/app/../x", "/app/..", "/app/%2e%2e/x", "/app/.%2E/x", "/app/..%2fx", "/app/..%5Cx"],
    ...["/app/..\\x", "/app/x/../../y", "/app//../y", "/app/x%2fy/../../z", "/app/..;/x"],
    ...["/app", "/apple", "/App/x", "/", "/x", "//app/x", "/%61pp/x", "", "*", "app/x"],
    ...["//evil.com/app/x", "http://evil.com/app/x", "https://evil.com/", "evil.com:443"],
    ...["/app/ x", "/app/\r\nX: y", "/app/\0", "/app/\x7f", "/app/\u0100", "http:/app/x"],
  ];
  for (const stripsPath of [true, false]) {
    using origin = openOrigin(server.port, { path: "/app/", stripsPath });
    for (const target of targets) {
      assertEquals((await origin.answer(createFakeRequest(target))).status, 400, target);
    }
  }
  assertEquals(server.connections.length, 0);
});

Deno.test("origin at the root gets targets that look like other hosts, and nobody else does", async () => {
  const heads: string[] = [];
  await using server = await RawServer.listen(answering(OK, heads));
  await using other = await RawServer.listen(answering(OK));
  using origin = openOrigin(server.port);
  const evil = `127.0.0.1:${other.port}`;
  const passed = [
    `//${evil}/x`,
    `/\\${evil}/x`,
    `/http://${evil}/x`,
    `/@${evil}/x`,
    `/:${other.port}/`,
  ];
  for (const target of passed) {
    const answer = await origin.answer(createFakeRequest(target, withHost("Host", evil)));
    assertEquals([answer.status, await readAnswer(answer)], [200, "ok"]);
  }
  for (const target of [`http://${evil}/x`, `https://${evil}/`, `@${evil}/x`, `:${other.port}/`]) {
    assertEquals((await origin.answer(createFakeRequest(target))).status, 400);
  }
  assertEquals(heads.map((head) => head.split(" ")[1]), passed);
  assertEquals([server.connections.length, other.connections.length], [1, 0]);
});

for (const method of METHODS.filter((name) => name !== "CONNECT" && name !== "TRACE")) {
  Deno.test(`origin gets ${method} without a body, with one, and with a chunked one`, async () => {
    const bodies: string[] = [];
    await using server = await RawServer.listen(async (connection) => {
      for (const end of ["\r\n\r\n", "\r\n\r\nabc", "3\r\nabc\r\n0\r\n\r\n"]) {
        bodies.push(await connection.readThrough(end));
        connection.send(method === "HEAD" ? OK.slice(0, -2) : OK);
      }
    });
    using origin = openOrigin(server.port);
    const body = (): Readable => Readable.from([new TextEncoder().encode("abc")]);
    const requests = [
      createFakeRequest("/", { method, ...withHost() }),
      createUpload("/", body(), { method, ...withHost("Content-Length", "3"), bodyLength: 3 }),
      createUpload("/", body(), { method, ...withHost("Transfer-Encoding", "chunked") }),
    ];
    for (const request of requests) {
      assertEquals(await readAnswer(await origin.answer(request)), method === "HEAD" ? "" : "ok");
      // An answer without a body is there before its connection is free again.
      await turn();
    }
    const start = `${method} / HTTP/1.1\r\nHost: h\r\nVia: 1.1 ptth_server\r\n`;
    const kept = "\r\n";
    const bare = ["GET", "HEAD", "DELETE", "OPTIONS"].includes(method);
    assertEquals(bodies, [
      `${start}${bare ? "" : "Content-Length: 0\r\n"}${kept}`,
      `${start}Content-Length: 3\r\n${kept}abc`,
      `${start}Transfer-Encoding: chunked\r\n${kept}3\r\nabc\r\n0\r\n\r\n`,
    ]);
    assertEquals(server.connections.length, 1);
  });
}

Deno.test("origin cannot be made to take a body for a further request", async () => {
  const smuggled = "GET /admin HTTP/1.1\r\nHost: h\r\n\r\n";
  const fields = [
    // A relay drops what Connection names, and knows the length all the same.
    [],
    ["Connection", "content-length", "Content-Length", String(smuggled.length)],
    ["Content-Length", "5"],
    ["Content-Length", "0", "Content-Length", String(smuggled.length)],
    ["Transfer-Encoding", "chunked", "Content-Length", String(smuggled.length)],
  ];
  for (const method of ["DELETE", "GET", "OPTIONS", "POST"]) {
    for (const more of fields) {
      await using server = await RawServer.listen(async (connection) => {
        const head = await connection.readHead();
        const framing = fieldsOf(head).filter((line) => /^(?:content-l|transfer-e)/i.test(line));
        assertEquals(framing, [`Content-Length: ${smuggled.length}`]);
        assertEquals(await connection.readThrough(smuggled), smuggled);
        connection.send(OK);
      });
      using origin = openOrigin(server.port);
      const request = createFakeRequest("/", { method, ...withHost(...more), body: smuggled });
      assertEquals(await readAnswer(await origin.answer(request)), "ok");
    }
  }
});
