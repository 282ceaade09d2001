/** A listener behind a TCP load balancer that speaks the PROXY protocol. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { HEADERS_TIMEOUT_MS } from "../../lib/base/limits.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { Listener, type ListenerLimits } from "../../lib/http/listener.ts";
import type { Handler, HttpRequest } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import {
  toBinaryHeader,
  V1_IPV4,
  V1_IPV6,
  V2_IPV4,
  V2_IPV6,
  V2_LOCAL,
  V2_WITH_EXTRAS,
} from "../support/proxy_headers.ts";
import { exchangeBytes, RawConnection } from "../support/raw_connection.ts";
import { readTlsIdentity } from "../support/tls_files.ts";

const ASK = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const ASK_ONCE = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const SWITCH = "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/** Tells who asks; switches protocols where that is asked for, and sends back what comes. */
const whoAsks: Handler = (request) =>
  request.upgrade === null
    ? textAnswer(200, `for ${request.remoteAddress}.`)
    : { status: 101, headers: ["Upgrade", request.upgrade], body: request.body };

interface World extends AsyncDisposable {
  readonly port: number;
  readonly listener: Listener;
  readonly lines: readonly string[];
  /** Resolves when so many connections have been accepted. */
  accepted(count: number): Promise<void>;
  /** Whether those that connect are load balancers. */
  isTrusted: boolean;
}

async function listen(
  { handler = whoAsks, limits = {}, clock = systemClock }: {
    readonly handler?: Handler;
    readonly limits?: Partial<ListenerLimits>;
    readonly clock?: Clock;
  } = {},
): Promise<World> {
  const { log, lines } = createMemoryLog();
  let count = 0;
  let wake = (): void => {};
  const listener = new Listener({
    handler,
    limits,
    log,
    clock,
    allowsUpgrade: (protocol) => protocol === "websocket",
    proxyProtocol: {
      isTrusted: (address) => {
        assertEquals(address, "127.0.0.1");
        count++;
        wake();
        return world.isTrusted;
      },
    },
  });
  const { port } = await listener.start({ host: "127.0.0.1", port: 0 });
  const world: World = {
    port,
    listener,
    lines,
    isTrusted: true,
    accepted: async (wanted: number) => {
      while (count < wanted) await new Promise<void>((resolve) => wake = resolve);
    },
    [Symbol.asyncDispose]: () => listener.close(AbortSignal.abort()),
  };
  return world;
}

for (
  const [what, header, address] of [
    ["version 1 for IPv4", V1_IPV4, "203.0.113.5"],
    ["version 1 for IPv6", V1_IPV6, "2001:db8::5"],
    ["version 1 for mapped IPv4", "PROXY TCP6 ::ffff:203.0.113.5 ::1 1 2\r\n", "203.0.113.5"],
    ["version 1 for an unknown connection", "PROXY UNKNOWN 1 2\r\n", "127.0.0.1"],
    ["version 2 for IPv4", V2_IPV4, "203.0.113.5"],
    ["version 2 for IPv6", V2_IPV6, "2001:db8::5"],
    ["version 2 with extras", V2_WITH_EXTRAS, "203.0.113.5"],
    ["version 2 for itself", V2_LOCAL, "127.0.0.1"],
    ["version 2 for a UNIX socket", toBinaryHeader(0x21, 0x31, "/".repeat(216)), "127.0.0.1"],
    ["version 2 for nothing", toBinaryHeader(0x21, 0), "127.0.0.1"],
  ] as const
) {
  Deno.test(`Listener takes a balancer's word of ${what}, in any pieces`, async () => {
    await using world = await listen();
    const whole = await exchangeBytes(world.port, header + ASK_ONCE);
    assertStringIncludes(whole, "HTTP/1.1 200 OK\r\n");
    assertStringIncludes(whole, `for ${address}.`);
    await using slow = await RawConnection.open(world.port);
    slow.socket.setNoDelay(true);
    for (const byte of header + ASK_ONCE) await slow.send(byte);
    assertStringIncludes(await slow.readToEnd(), `for ${address}.`);
    assertEquals(world.lines, []);
  });
}

Deno.test("Listener keeps a connection's address for all requests, and takes no second header", async () => {
  await using world = await listen();
  await using connection = await RawConnection.open(world.port);
  await connection.send(V2_IPV4 + ASK.repeat(3));
  for (let i = 0; i < 3; i++) await connection.readThrough("for 203.0.113.5.");
  await connection.send(ASK);
  await connection.readThrough("for 203.0.113.5.\n");
  await connection.send(V1_IPV6 + ASK);
  assert((await connection.readToEnd()).startsWith("HTTP/1.1 400 "));
});

Deno.test("Listener gives a body that follows the header at once, in order", async () => {
  const body = Array.from({ length: 50_000 }, (_, i) => `${i} `).join("");
  await using world = await listen({
    handler: async (request) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of request.body ?? []) chunks.push(chunk);
      const isSame = Buffer.concat(chunks).toString("latin1") === body;
      return textAnswer(200, `${isSame} for ${request.remoteAddress}.`);
    },
  });
  await using connection = await RawConnection.open(world.port);
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n`;
  await connection.send(V2_IPV6 + head + body);
  await connection.readThrough("true for 2001:db8::5.");
});

Deno.test("Listener serves a peer that is no balancer by its own address, and refuses its header", async () => {
  await using world = await listen();
  world.isTrusted = false;
  assertStringIncludes(await exchangeBytes(world.port, ASK_ONCE), "for 127.0.0.1.");
  for (const header of [V1_IPV4, V1_IPV6, "PROXY UNKNOWN\r\n", V2_IPV4, V2_LOCAL]) {
    const answer = await exchangeBytes(world.port, header + ASK_ONCE);
    assert(answer.startsWith("HTTP/1.1 400 "), answer);
    assertEquals(answer.split("HTTP/1.1 ").length, 2, "one answer");
  }
  world.isTrusted = true;
  assertStringIncludes(await exchangeBytes(world.port, V1_IPV4 + ASK_ONCE), "for 203.0.113.5.");
});

for (
  const [what, bytes, reason] of [
    ["no header", ASK, "it begins as neither version does"],
    ["a wrong address", `PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n${ASK}`, "an address is none"],
    ["a line too long", `PROXY ${"x".repeat(200)}\r\n${ASK}`, "its line is too long"],
    ["too many extras", toBinaryHeader(0x21, 0, "x".repeat(4081)) + ASK, "it is too long"],
    ["another command", toBinaryHeader(0x2f, 0) + ASK, "its version or command is unknown"],
  ] as const
) {
  Deno.test(`Listener closes a balancer's connection that has ${what}, and serves others`, async () => {
    const seen: HttpRequest[] = [];
    await using world = await listen({
      handler: (request) => {
        seen.push(request);
        return whoAsks(request);
      },
    });
    await using good = await RawConnection.open(world.port);
    await good.send(V1_IPV4);
    assertEquals(await exchangeBytes(world.port, bytes), "");
    assertEquals(seen, []);
    assertEquals(world.lines, [
      `DEBUG Connection has no usable PROXY header peer=127.0.0.1 reason="${reason}"`,
    ]);
    await good.send(ASK);
    await good.readThrough("for 203.0.113.5.");
  });
}

Deno.test("Listener closes a balancer's connection whose header does not arrive in time", async () => {
  for (const start of ["", "PROXY TCP4 1", V2_IPV4.slice(0, -1)]) {
    const clock = new ManualClock();
    await using world = await listen({ clock });
    await using connection = await RawConnection.open(world.port);
    await world.accepted(1);
    if (start !== "") await connection.send(start);
    assertEquals([clock.pendingCount, clock.nextDelay], [1, HEADERS_TIMEOUT_MS]);
    clock.advance(HEADERS_TIMEOUT_MS);
    assertEquals(await connection.readToEnd(), "");
    assertStringIncludes(world.lines.join(), 'reason="it did not come in time"');
  }
});

Deno.test("Listener closes a balancer's connection that ends before its header", async () => {
  await using world = await listen();
  await using silent = await RawConnection.open(world.port, { allowHalfOpen: true });
  silent.socket.end();
  assertEquals(await silent.readToEnd(), "");
  assertEquals(world.lines, []);
  await using broken = await RawConnection.open(world.port, { allowHalfOpen: true });
  broken.socket.end("PROXY TCP4 ");
  assertEquals(await broken.readToEnd(), "");
  assertStringIncludes(world.lines.join(), 'reason="it ended early"');
});

Deno.test("Listener answers 408 to a head that does not arrive after the header", async () => {
  await using world = await listen({ limits: { headersTimeoutMs: 40 } });
  for (const start of ["", "GET / HT"]) {
    const answer = await exchangeBytes(world.port, V1_IPV4 + start);
    assert(answer.startsWith("HTTP/1.1 408 "), answer);
  }
});

Deno.test("Listener counts connections whose header has not come", async () => {
  await using world = await listen({ limits: { maxConnections: 1 } });
  await using first = await RawConnection.open(world.port);
  await world.accepted(1);
  assertEquals(await exchangeBytes(world.port, V1_IPV4 + ASK_ONCE), "");
  await first.send(V1_IPV4 + ASK);
  await first.readThrough("for 203.0.113.5.");
});

Deno.test("Listener survives a balancer that resets, whenever it does", async () => {
  await using world = await listen();
  for (const header of [V1_IPV4, V2_IPV4]) {
    const text = header + ASK;
    for (let length = 0; length <= text.length; length += 3) {
      const connection = await RawConnection.open(world.port);
      if (length > 0) await connection.send(text.slice(0, length));
      connection.socket.resetAndDestroy();
      await connection.close();
    }
  }
  assertStringIncludes(await exchangeBytes(world.port, V1_IPV4 + ASK_ONCE), "for 203.0.113.5.");
});

Deno.test("Listener switches protocols behind a balancer, with what came early and the tail", async () => {
  const addresses: string[] = [];
  await using world = await listen({
    handler: (request) => {
      addresses.push(request.remoteAddress);
      return whoAsks(request);
    },
  });
  await using peer = await RawConnection.open(world.port);
  await peer.send(`${V2_WITH_EXTRAS}${SWITCH}early `);
  await peer.readThrough("HTTP/1.1 101 Switching Protocols\r\n");
  await peer.readThrough("early ");
  peer.socket.end("tail");
  assertEquals(await peer.readToEnd(), "tail");
  assertEquals(addresses, ["203.0.113.5"]);
});

Deno.test("Listener.close ends balancers' connections in every state, and lets exchanges end", async () => {
  const arrived = Promise.withResolvers<void>();
  const gate = Promise.withResolvers<void>();
  await using world = await listen({
    handler: async (request) => {
      if (request.target !== "/busy") return whoAsks(request);
      arrived.resolve();
      await gate.promise;
      return textAnswer(200, "busy");
    },
  });
  await using silent = await RawConnection.open(world.port);
  await using half = await RawConnection.open(world.port);
  await half.send("PROXY TCP4");
  await using whole = await RawConnection.open(world.port);
  await whole.send(V1_IPV4);
  await using idle = await RawConnection.open(world.port);
  await idle.send(V1_IPV4 + ASK);
  await idle.readThrough("for 203.0.113.5.\n");
  await using switched = await RawConnection.open(world.port);
  await switched.send(V1_IPV4 + SWITCH);
  await switched.readThrough("\r\n\r\n");
  await using busy = await RawConnection.open(world.port);
  await busy.send(V1_IPV4 + ASK.replace("/", "/busy"));
  await arrived.promise;
  await world.accepted(6);
  const stop = new AbortController();
  const closed = world.listener.close(stop.signal);
  for (const connection of [silent, half, whole, idle]) {
    assertEquals(await connection.readToEnd(), "");
  }
  // Not by their time being up.
  assertEquals(world.lines, []);
  gate.resolve();
  assertStringIncludes(await busy.readThrough("busy\n"), "Connection: close\r\n");
  await switched.send("still here");
  await switched.readThrough("still here");
  stop.abort();
  await closed;
  assertEquals(await switched.readToEnd(), "");
});

Deno.test("Listener does not take PROXY headers before TLS", () => {
  const options = { handler: whoAsks, log: silentLogger, clock: systemClock };
  const tls = readTlsIdentity("localhost");
  assertThrows(
    () => new Listener({ ...options, tls, proxyProtocol: { isTrusted: () => true } }),
    TypeError,
    "Cannot take PROXY headers",
  );
});
