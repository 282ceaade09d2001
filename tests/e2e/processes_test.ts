/** Several processes under one name, and their comings and goings. */

import { assert, assertEquals } from "@std/assert";
import { PassThrough } from "node:stream";
import type { Handler } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import { Gate } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { startUpgradeStripper } from "../support/middleboxes.ts";
import { RawConnection } from "../support/raw_connection.ts";
import {
  launchServer,
  NAME,
  type RunningServer,
  startRelay,
  startServer,
  toRelayConfig,
} from "../support/tunnel.ts";
import { toRequestText, visit } from "../support/visit.ts";

const TARGET = `/servers/${NAME}/x`;
/** Never aborts: a stop with it is as patient as can be. */
const patience = new AbortController().signal;

function says(word: string): Handler {
  return () => textAnswer(200, word);
}

Deno.test("processes: the one with the fewest exchanges in flight takes the next", async () => {
  await using relay = await startRelay();
  const gate = new Gate();
  const counts = [0, 0, 0];
  const servers: RunningServer[] = [];
  for (const i of counts.keys()) {
    servers.push(
      await startServer(relay.url, async () => {
        counts[i] = (counts[i] ?? 0) + 1;
        await gate.pass();
        return textAnswer(200, `${i}`);
      }),
    );
  }
  const visits = Array.from({ length: 30 }, () => visit(relay.port, TARGET));
  await gate.reached;
  // All have come once this one, which nobody holds up, is answered.
  while (counts.reduce((sum, count) => sum + count) < 30) {
    assertEquals((await visit(relay.port, "/frontend/relay_up_check")).status, 200);
  }
  assertEquals(counts, [10, 10, 10]);
  gate.open();
  for (const { status } of await Promise.all(visits)) assertEquals(status, 200);
  for (const server of servers) await server[Symbol.asyncDispose]();
});

Deno.test("processes: one that stops loses no exchange, and no visitor waits for it", async () => {
  await using relay = await startRelay();
  const answered: string[] = [];
  const slow = (word: string): Handler => async () => {
    answered.push(word);
    await new Promise((resolve) => setImmediate(resolve));
    return textAnswer(200, word);
  };
  const first = await startServer(relay.url, slow("first"));
  await using _second = await startServer(relay.url, slow("second"));
  let isStopped = false;
  const visitAll = async (): Promise<void> => {
    for (let i = 0; i < 40 || !isStopped; i++) {
      assertEquals((await visit(relay.port, TARGET)).status, 200);
    }
  };
  const visitors = Array.from({ length: 8 }, visitAll);
  while (!answered.includes("first")) await visit(relay.port, TARGET);
  await first.server.stop(patience);
  isStopped = true;
  await Promise.all(visitors);
  const from = answered.length;
  assertEquals((await visit(relay.port, TARGET)).body, "second\n");
  assertEquals(answered.slice(from), ["second"]);
  await first[Symbol.asyncDispose]();
});

for (const transport of ["control channel", "long poll"] as const) {
  Deno.test(`processes: by ${transport}, one that stops ends what it has`, async () => {
    await using relay = await startRelay({ reconnectGraceMs: 50 });
    await using box = await startUpgradeStripper(relay.port);
    const gate = new Gate();
    const stream = new PassThrough();
    const handler: Handler = async ({ target }) => {
      if (target === "/stream") return { status: 200, headers: [], body: stream };
      if (target === "/x") await gate.pass();
      return textAnswer(200, "late");
    };
    const url = transport === "long poll" ? box.url : relay.url;
    await using running = await startServer(url, handler);
    assertEquals(running.server.connection?.transport, transport);
    const waiting = visit(relay.port, TARGET);
    await gate.reached;
    await using reading = await RawConnection.open(relay.port);
    await reading.send(toRequestText(`/servers/${NAME}/stream`));
    stream.write("some");
    await reading.readThrough("some");
    const stopped = running.server.stop(patience);
    // It takes no more; nobody else is there.
    while ((await visit(relay.port, `/servers/${NAME}/now`)).status !== 503);
    gate.open();
    stream.end("rest");
    assertEquals((await waiting).body, "late\n");
    await reading.readThrough("rest\r\n0\r\n\r\n");
    await stopped;
  });
}

Deno.test("processes: a dead one is found out, and meanwhile the other one answers", async () => {
  const clock = new ManualClock();
  await using relay = await startRelay({ clock });
  await using network = await FaultProxy.start(relay.port);
  await using _dead = await startServer(network.url, says("dead"));
  await using _alive = await startServer(relay.url, says("alive"));
  network.freeze();
  // Both have nothing in flight: the dead one gets at the most every second visitor, once each.
  const words: string[] = [];
  const visits = Array.from({ length: 6 }, async () => {
    const answer = await visit(relay.port, TARGET);
    words.push(answer.status === 200 ? answer.body.trim() : `${answer.status}`);
  });
  while (!words.includes("alive")) await new Promise((resolve) => setTimeout(resolve, 1));
  for (let i = 0; i < 4 && words.length < visits.length; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    clock.advance(2_500);
  }
  await Promise.all(visits);
  assert(words.every((word) => word === "alive" || word === "502"), words.join());
  for (let i = 0; i < 4; i++) assertEquals((await visit(relay.port, TARGET)).body, "alive\n");
  network.reset();
});

Deno.test("processes: one that comes back takes over at once from the session that it lost", async () => {
  // Time stands still: nothing is found out by waiting.
  const clock = new ManualClock();
  await using relay = await startRelay({ clock });
  await using network = await FaultProxy.start(relay.port);
  const serverClock = new ManualClock();
  await using running = await startServer(network.url, says("hello"), { clock: serverClock });
  network.freeze();
  // Given to the session that is lost.
  const lost = visit(relay.port, TARGET);
  await new Promise((resolve) => setTimeout(resolve, 20));
  network.forget();
  const again = running.server.connection;
  while (running.server.connection === again) {
    serverClock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assertEquals((await lost).status, 502);
  assertEquals((await visit(relay.port, TARGET)).body, "hello\n");
});

Deno.test("processes: a server that speaks classic too is there where no other one is", async () => {
  await using relay = await startRelay();
  await using modern = await startServer(relay.url, says("modern"));
  const poll = async (): Promise<string> => {
    await using server = await RawConnection.open(relay.port);
    const headers = ["X-ApiKey: a key that only tests have", "Connection: close"];
    await server.send(toRequestText(`/7ZSFUKGV/http_listen/${NAME}`, { headers }));
    return await server.readToEnd();
  };
  await poll();
  const parked = poll();
  assertEquals((await visit(relay.port, TARGET)).body, "modern\n");
  await modern.server.stop(patience);
  await using visitor = await RawConnection.open(relay.port);
  await visitor.send(toRequestText(TARGET));
  assert((await parked).includes("/x"));
});

Deno.test("processes: seventeen are too many, and the seventeenth comes in when one leaves", async () => {
  await using relay = await startRelay();
  const servers: RunningServer[] = [];
  for (let i = 0; i < 16; i++) servers.push(await startServer(relay.url, says("one")));
  await using late = launchServer(relay.url, says("late"));
  let isLateIn = false;
  void late.server.connected.then(() => isLateIn = true);
  assertEquals((await visit(relay.port, TARGET)).status, 200);
  assertEquals(isLateIn, false);
  await servers.pop()?.[Symbol.asyncDispose]();
  await late.server.connected;
  for (const server of servers) await server[Symbol.asyncDispose]();
});

Deno.test("reload: a server that is taken off the list is let go by its channel", async () => {
  await using relay = await startRelay();
  const gate = new Gate();
  await using running = await startServer(relay.url, async () => {
    await gate.pass();
    return textAnswer(200, "late");
  });
  const waiting = visit(relay.port, TARGET);
  await gate.reached;
  relay.relay.reload(toRelayConfig({ servers: [] }));
  assertEquals((await waiting).status, 502);
  gate.open();
  assertEquals((await visit(relay.port, TARGET)).status, 404);
  assertEquals(running.server.connection?.transport, "control channel");
});

Deno.test("transport: a server on long polls goes over to a control channel once one gets through", async () => {
  const serverClock = new ManualClock();
  await using relay = await startRelay();
  await using box = await startUpgradeStripper(relay.port);
  await using network = await FaultProxy.start(Number(new URL(box.url).port));
  const gate = new Gate();
  const handler: Handler = async ({ target }) => {
    if (target === "/hold") await gate.pass();
    return textAnswer(200, "hello");
  };
  await using running = await startServer(network.url, handler, { clock: serverClock });
  assertEquals(running.server.connection?.transport, "long poll");
  const held = visit(relay.port, `/servers/${NAME}/hold`);
  await gate.reached;
  network.retarget(relay.port);
  while (running.server.connection?.transport === "long poll") {
    serverClock.advance(10_000);
    assertEquals((await visit(relay.port, TARGET)).body, "hello\n");
  }
  assertEquals((await visit(relay.port, TARGET)).body, "hello\n");
  // What the old session has in hand is answered by it.
  gate.open();
  assertEquals((await held).status, 200);
});
