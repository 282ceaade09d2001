import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Readable } from "node:stream";
import { CONNECT_TIMEOUT_MS, MAX_HEAD_BYTES } from "../../lib/base/limits.ts";
import { type ProxySettings, readProxySettings } from "../../lib/server/proxy_settings.ts";
import { startFakeProxy } from "../support/fake_proxy.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { RawServer } from "../support/raw_server.ts";
import { answerAll, assertFails, createClient, OK, toRequest } from "../support/relay_requests.ts";
import { hasTinyproxy, startTinyproxy } from "../support/tinyproxy.ts";
import { readCa, readTlsOptions } from "../support/tls_files.ts";

const CREDENTIALS = "user:hunter2";
const AUTHORIZATION = `Proxy-Authorization: Basic ${btoa(CREDENTIALS)}\r\n`;

/** Settings that send everything but loopback through a port of this computer. */
function through(port: number): ProxySettings {
  const value = `http://${CREDENTIALS}@127.0.0.1:${port}`;
  return readProxySettings((name) => name === "all_proxy" ? value : undefined);
}

Deno.test("RelayClient sends http through a proxy in absolute form (RFC 9112 §3.2.2)", async () => {
  await using server = await RawServer.listen(answerAll);
  await using proxy = await startFakeProxy(server.port);
  using client = createClient({ proxy: through(proxy.port) });
  const request = toRequest("http://relay.test:81/a%20b?c", { headers: ["X-ApiKey", "k"] });
  assertEquals((await client.request(request)).status, 200);
  assertEquals(proxy.heads, [
    "GET http://relay.test:81/a%20b?c HTTP/1.1\r\nHost: relay.test:81\r\nX-ApiKey: k\r\n" +
    `${AUTHORIZATION}\r\n`,
  ]);
});

Deno.test("RelayClient sends https through a proxy by CONNECT (RFC 9110 §9.3.6)", async () => {
  const heads: string[] = [];
  await using server = await RawServer.listen(async (connection) => {
    for (;;) {
      heads.push(await connection.readHead());
      connection.send(OK);
    }
  }, readTlsOptions("relay"));
  await using proxy = await startFakeProxy(server.port);
  using client = createClient({ proxy: through(proxy.port), extraCertificates: [readCa()] });
  const request = toRequest("https://relay.test/a", { headers: ["X-ApiKey", "k"] });
  assertEquals((await client.request(request)).status, 200);
  assertEquals((await client.request(request)).status, 200);
  assertEquals(proxy.heads, [
    `CONNECT relay.test:443 HTTP/1.1\r\nHost: relay.test:443\r\n${AUTHORIZATION}\r\n`,
  ]);
  const head = "GET /a HTTP/1.1\r\nHost: relay.test\r\nX-ApiKey: k\r\n\r\n";
  assertEquals(heads, [head, head]);
});

Deno.test("RelayClient checks the relay's name through a proxy too", async () => {
  await using server = await RawServer.listen(answerAll, readTlsOptions("localhost"));
  await using proxy = await startFakeProxy(server.port);
  using client = createClient({ proxy: through(proxy.port), extraCertificates: [readCa()] });
  await assertFails("certificate", client.request(toRequest("https://relay.test/")));
  assertEquals(proxy.heads.length, 1);
});

/** What the proxy says to CONNECT, and what is said of that. */
const refusals: readonly (readonly [string, string])[] = [
  ["HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", "another user name and password"],
  ["HTTP/1.1 403 Forbidden\r\n\r\nno", "it answers 403"],
  ["HTTP/1.0 502 Bad\r\n\r\n", "it answers 502"],
  ["SSH-2.0-x\r\n\r\n", "no HTTP/1.1"],
  ["HTTP/1.1 200 OK\r\n\r\nhello", "has a body"],
  [`HTTP/1.1 200 OK\r\nX: ${"a".repeat(MAX_HEAD_BYTES)}`, "too long"],
];

for (const [refusal, reason] of refusals) {
  Deno.test(`RelayClient refuses a tunnel on ${JSON.stringify(refusal.slice(0, 30))}`, async () => {
    await using proxy = await startFakeProxy(0, refusal);
    using client = createClient({ proxy: through(proxy.port) });
    const body = new Readable({ read: () => {} });
    const request = toRequest("https://relay.test/", { method: "POST", body });
    const { message } = await assertFails("proxy", client.request(request));
    assertStringIncludes(message, reason);
    assertStringIncludes(message, `127.0.0.1:${proxy.port}`);
    assert(!message.includes("hunter2") && !message.includes(btoa(CREDENTIALS)), message);
    assert(body.destroyed);
  });
}

Deno.test("RelayClient takes the proxy's answer to CONNECT in any pieces", async () => {
  await using proxy = await RawServer.listen(async (connection) => {
    await connection.readHead();
    for (const piece of ["HTTP/1.1 2", "00 OK\r\nX: 1\r", "\n\r", "\n"]) {
      connection.send(piece);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await connection.readThrough("\x16\x03");
    connection.socket.destroy();
  });
  using client = createClient({ proxy: through(proxy.port) });
  await assertFails("tls", client.request(toRequest("https://relay.test/")));
});

Deno.test("RelayClient limits the time for a tunnel, and closes it", async () => {
  const clock = new ManualClock();
  const asked = Promise.withResolvers<void>();
  await using proxy = await RawServer.listen(async (connection) => {
    await connection.readHead();
    asked.resolve();
  });
  using client = createClient({ proxy: through(proxy.port), clock });
  const answer = assertFails("timeout", client.request(toRequest("https://relay.test/")));
  await asked.promise;
  clock.advance(CONNECT_TIMEOUT_MS);
  await answer;
  await proxy.connections[0]?.closed;
});

Deno.test("RelayClient says that the proxy, not the relay, is out of reach", async () => {
  const gone = await RawServer.listen(() => {});
  await gone[Symbol.asyncDispose]();
  using client = createClient({ proxy: through(gone.port) });
  const { message } = await assertFails("proxy", client.request(toRequest("http://relay.test/")));
  assertEquals(
    message,
    `Cannot reach proxy "127.0.0.1:${gone.port}": the connection was refused`,
  );
});

Deno.test("RelayClient names a proxy variable that it cannot use", async () => {
  const proxy = readProxySettings((name) => name === "https_proxy" ? "socks5://u:pw@h" : undefined);
  using client = createClient({ proxy });
  const body = new Readable({ read: () => {} });
  const request = toRequest("https://relay.test/", { method: "POST", body });
  const { message } = await assertFails("proxy", client.request(request));
  assertStringIncludes(message, "https_proxy");
  assert(!message.includes("pw"), message);
  assert(body.destroyed);
});

Deno.test("RelayClient goes directly to loopback", async () => {
  await using server = await RawServer.listen(answerAll);
  await using proxy = await startFakeProxy(server.port);
  using client = createClient({ proxy: through(proxy.port) });
  await client.request(toRequest(server.port));
  assertEquals([server.connections.length, proxy.heads.length], [1, 0]);
});

const ignore = !await hasTinyproxy();

for (const scheme of ["http", "https"] as const) {
  Deno.test({ name: `RelayClient gets through tinyproxy over ${scheme}`, ignore }, async () => {
    const tls = scheme === "https" ? readTlsOptions("relay") : undefined;
    const bodies: string[] = [];
    await using server = await RawServer.listen(async (connection) => {
      for (;;) {
        await connection.readHead();
        bodies.push(await connection.readThrough("end"));
        connection.send(OK);
      }
    }, tls);
    await using proxy = await startTinyproxy("user", "hunter2");
    // An address of this computer that does not count as loopback.
    const url = `${scheme}://0.0.0.0:${server.port}/x`;
    const options = { proxy: through(proxy.port), extraCertificates: [readCa()] };
    using client = createClient(options);
    for (let i = 0; i < 2; i++) {
      const body = Readable.from([
        new Uint8Array(100_000).fill(97),
        new TextEncoder().encode("end"),
      ]);
      const request = { method: "POST", body, bodyLength: 100_003 } as const;
      assertEquals((await client.request(toRequest(url, request))).status, 200);
    }
    assertEquals(bodies.map((body) => body.length), [100_003, 100_003]);
    assertStringIncludes(await proxy.readLog(), scheme === "http" ? url : "CONNECT 0.0.0.0:");

    const value = `http://user:wrong@127.0.0.1:${proxy.port}`;
    const wrong = readProxySettings((name) => name === "all_proxy" ? value : undefined);
    using stranger = createClient({ ...options, proxy: wrong });
    if (scheme === "https") await assertFails("proxy", stranger.request(toRequest(url)));
    else {assertEquals(
        (await stranger.request(toRequest(url, { maxAnswerBytes: 1e5 }))).status,
        401,
      );}
    assertEquals(bodies.length, 2);
  });
}
