/** Relay, servers and visitors with a TCP load balancer between them that tells who visits. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { parseCidr } from "../../lib/base/cidr.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { Handler, HttpRequest } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { Relay, type RelayConfig } from "../../lib/relay/relay.ts";
import { HAPROXY_OPTIONS, startHaproxy } from "../support/haproxy.ts";
import { type LoadBalancer, startLoadBalancer } from "../support/load_balancer.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { hasProgram } from "../support/outside_program.ts";
import { V1_IPV4, V2_IPV6, V2_LOCAL } from "../support/proxy_headers.ts";
import { exchangeBytes } from "../support/raw_connection.ts";
import {
  NAME,
  type RunningRelay,
  startRelay,
  startServer,
  toRelayConfig,
} from "../support/tunnel.ts";
import { parseVisit, toRequestText, visit } from "../support/visit.ts";

const TARGET = `/servers/${NAME}/x`;

interface World extends AsyncDisposable {
  readonly relay: RunningRelay;
  /** Everything that is not good news. */
  readonly complaints: () => string[];
  /** What the server was asked, in order. */
  readonly requests: HttpRequest[];
  /** A way to the relay that puts a header in front. */
  balance(header: string): Promise<LoadBalancer>;
}

function toRanges(...texts: string[]): RelayConfig["trustedProxies"] {
  return texts.map(parseCidr).filter((range) => range !== undefined);
}

/** A relay behind balancers alone: its server comes in through one as well. */
async function setUp(trusted: readonly string[] = ["127.0.0.1"]): Promise<World> {
  const stack = new AsyncDisposableStack();
  const { log, lines } = createMemoryLog();
  const requests: HttpRequest[] = [];
  const handler: Handler = (request) => {
    requests.push(request);
    return textAnswer(200, "hello");
  };
  const relay = stack.use(
    await startRelay({
      proxyProtocol: true,
      trustedProxies: toRanges(...trusted),
      log,
    }),
  );
  const balance = async (header: string): Promise<LoadBalancer> =>
    stack.use(await startLoadBalancer(header, relay.port));
  const { port } = await balance(V2_LOCAL);
  stack.use(await startServer(`http://127.0.0.1:${port}`, handler));
  return {
    relay,
    requests,
    complaints: () => lines.filter((line) => !/^(?:INFO|DEBUG) /.test(line)),
    balance,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function originOf({ headers }: HttpRequest): (string | undefined)[] {
  return ["x-forwarded-for", "forwarded", "x-real-ip"].map((name) => headerValue(headers, name));
}

const FORGED = [
  "X-Forwarded-For: 192.0.2.66",
  "Forwarded: for=192.0.2.66",
  "X-Real-IP: 192.0.2.66",
];

Deno.test("relay behind a load balancer: the visitor's own address counts, and nothing forged", async () => {
  await using world = await setUp();
  for (
    const [header, address, node] of [
      [V1_IPV4, "203.0.113.5", "203.0.113.5"],
      [V2_IPV6, "2001:db8::5", '"[2001:db8::5]"'],
    ] as const
  ) {
    const { port } = await world.balance(header);
    assertEquals((await visit(port, TARGET, { headers: FORGED })).status, 200);
    const [forwardedFor, forwarded, realIp] = originOf(world.requests.pop() ?? fail());
    assertEquals([forwardedFor, realIp], [address, undefined]);
    assertEquals(forwarded, `for=${node};host="relay.test";proto=http`);
  }
  assertEquals(world.complaints(), []);
});

Deno.test("relay behind a load balancer: a trusted proxy behind it is believed by its own address", async () => {
  await using world = await setUp(["127.0.0.1", "203.0.113.0/24"]);
  const { port } = await world.balance(V1_IPV4);
  await visit(port, TARGET, { headers: FORGED });
  assertEquals(originOf(world.requests[0] ?? fail()), [
    "192.0.2.66, 203.0.113.5",
    'for=192.0.2.66, for=203.0.113.5;host="relay.test";proto=http',
    "192.0.2.66",
  ]);
});

Deno.test("relay behind a load balancer: who comes past it has to be one that sends headers", async () => {
  await using world = await setUp();
  assertEquals(await exchangeBytes(world.relay.port, toRequestText(TARGET)), "");
  // From now on 127.0.0.1 is nobody special.
  const changes = { proxyProtocol: true, trustedProxies: toRanges("192.0.2.1") };
  world.relay.relay.reload(toRelayConfig({ ...changes, port: world.relay.port }));
  assertEquals((await visit(world.relay.port, TARGET, { headers: FORGED })).status, 200);
  assertEquals(originOf(world.requests[0] ?? fail())[0], "127.0.0.1");
  const forged = await exchangeBytes(world.relay.port, V1_IPV4 + toRequestText(TARGET));
  assertEquals(parseVisit(forged).status, 400);
});

Deno.test("relay behind a load balancer: the admin pages take no header, and show who visits", async () => {
  const config = toRelayConfig({
    proxyProtocol: true,
    trustedProxies: toRanges("127.0.0.1"),
    reconnectGraceMs: 0,
    adminPort: 0,
  });
  const relay = new Relay(config, { log: silentLogger, clock: systemClock });
  const addresses = await relay.start();
  const adminPort = addresses.admin?.port ?? fail();
  try {
    await using balancer = await startLoadBalancer(V1_IPV4, addresses.public.port);
    assertEquals((await visit(balancer.port, TARGET)).status, 503);
    const page = await visit(adminPort, "/frontend/audit_log", { host: "127.0.0.1" });
    assertStringIncludes(page.body, "visitor 203.0.113.5");
    const answer = await exchangeBytes(adminPort, V1_IPV4 + toRequestText("/"));
    assertEquals(parseVisit(answer).status, 400);
  } finally {
    await relay.stop(AbortSignal.abort());
  }
});

Deno.test("reload: proxy_protocol takes effect after a restart, and the log says so", async () => {
  const { log, lines } = createMemoryLog();
  await using relay = await startRelay({ log, trustedProxies: toRanges("127.0.0.1") });
  const warnings = (): number => lines.filter((line) => line.includes("proxy_protocol")).length;
  relay.relay.reload(toRelayConfig({ port: 0, trustedProxies: toRanges("127.0.0.1") }));
  assertEquals(warnings(), 0);
  const changed = { proxyProtocol: true, trustedProxies: toRanges("127.0.0.1") };
  relay.relay.reload(toRelayConfig({ port: 0, ...changed }));
  assertEquals(lines.filter((line) => line.startsWith("WARN ")), [
    "WARN A changed proxy_protocol takes effect only after a restart",
  ]);
  assertEquals((await visit(relay.port, "/")).status, 200);
});

Deno.test({
  name: "relay behind haproxy, which sends PROXY headers of both versions",
  ignore: !await hasProgram("haproxy"),
  fn: async () => {
    await using world = await setUp();
    await using haproxy = await startHaproxy(world.relay.port);
    for (const option of HAPROXY_OPTIONS) {
      const port = haproxy.ports.get(option) ?? fail();
      for (const [header, address] of [[V1_IPV4, "203.0.113.5"], [V2_IPV6, "2001:db8::5"]]) {
        const request = toRequestText(TARGET, { headers: [...FORGED, "Connection: close"] });
        const bytes = await exchangeBytes(port, header + request);
        assertEquals(parseVisit(bytes).status, 200, option);
        assertEquals(originOf(world.requests.at(-1) ?? fail())[0], address, option);
      }
    }
    assertEquals(world.complaints(), []);
  },
});

function fail(): never {
  throw new Error("There is none");
}
