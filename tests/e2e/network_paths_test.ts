/**
 * All of HTTP through whatever stands between server and relay, each by the best transport that it
 * allows: stated here, per program.
 */

import { assertEquals } from "@std/assert";
import type { Connection } from "../../lib/server/poll_loop.ts";
import type { PathKind } from "../../lib/server/path.ts";
import {
  type Middlebox,
  startClassicOnly,
  startHolder,
  startIdleCutter,
  startUpgradeStripper,
} from "../support/middleboxes.ts";
import {
  hasReverseProxy,
  type ReverseProxyName,
  startReverseProxy,
} from "../support/reverse_proxy.ts";
import { readCa } from "../support/tls_files.ts";
import { CheckedServer, checkTunnel } from "../support/tunnel_checks.ts";
import { NAME, startRelay, startServer } from "../support/tunnel.ts";
import { visit } from "../support/visit.ts";

interface Expected {
  readonly transport: Connection["transport"];
  readonly path: PathKind;
}

const BEST: Expected = {
  transport: "control channel",
  path: { up: "streams", down: "streams" },
};

async function check(
  t: Deno.TestContext,
  start: (relayPort: number) => Promise<Pick<Middlebox, "url"> & AsyncDisposable>,
  expected: Expected,
): Promise<void> {
  await using relay = await startRelay();
  await using middle = await start(relay.port);
  const checked = new CheckedServer();
  const options = { certificates: [readCa()] };
  await using running = await startServer(middle.url, checked.handler, options);
  const { connection } = running.server;
  assertEquals(connection?.transport, expected.transport);
  assertEquals(await connection?.path, expected.path);
  await checkTunnel(t, { port: relay.port, server: checked });
}

Deno.test("tunnel without anything in between", async (t) => {
  const nothing = (port: number): ReturnType<typeof startUpgradeStripper> =>
    Promise.resolve({
      url: `http://127.0.0.1:${port}`,
      targets: [],
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  await check(t, nothing, BEST);
});

Deno.test("tunnel through a proxy that takes Upgrade off", async (t) => {
  const path = { up: "streams", down: "streams" } as const;
  await check(t, startUpgradeStripper, { transport: "long poll", path });
});

Deno.test("tunnel through a proxy that holds requests and answers until they end", async (t) => {
  const path = { up: "segments", down: "segments" } as const;
  await check(t, startHolder, { transport: "long poll", path });
});

Deno.test("tunnel through a proxy that cuts idle connections", async (t) => {
  await check(t, (port) => startIdleCutter(port, 10_000), BEST);
});

Deno.test("tunnel through a proxy that knows only the paths of PTTH 2.x", async () => {
  await using relay = await startRelay();
  await using middle = await startClassicOnly(relay.port);
  const { handler } = new CheckedServer();
  await using running = await startServer(middle.url, handler);
  assertEquals((await running.server.connected).transport, "classic poll");
  for (let i = 0; i < 2; i++) {
    const { status, body } = await visit(relay.port, `/servers/${NAME}/x?q`);
    assertEquals([status, body], [200, "GET /x?q\n"]);
  }
  // What classic cannot carry.
  const { status } = await visit(relay.port, `/servers/${NAME}/x`, { method: "PUT" });
  assertEquals(status, 400);
});

const proxies: readonly (readonly [ReverseProxyName, Expected])[] = [
  ["nginx recipe", BEST],
  ["Caddy recipe", BEST],
  ["Apache recipe", BEST],
  // It holds requests until they end, and knows neither Upgrade nor bodies over 1 MiB.
  ["nginx as installed", { transport: "long poll", path: { up: "segments", down: "streams" } }],
];

for (const [name, expected] of proxies) {
  const ignore = !await hasReverseProxy(name);
  Deno.test({ name: `tunnel through ${name}`, ignore }, async (t) => {
    await check(t, (port) => startReverseProxy(name, port), expected);
  });
}
