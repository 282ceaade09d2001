/** Relays and servers that come, go and change, with visitors waiting. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Handler } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { Gate } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { startPrefixProxy } from "../support/prefix_proxy.ts";
import { RawConnection } from "../support/raw_connection.ts";
import {
  KEY,
  launchServer,
  NAME,
  startRelay,
  startServer,
  toRelayConfig,
  toServerEntry,
} from "../support/tunnel.ts";
import { fieldOf, parseVisit, toRequestText, visit } from "../support/visit.ts";
import { Readable } from "node:stream";

const TARGET = `/servers/${NAME}/x`;
/** Never aborts: a stop with it is as patient as can be. */
const patience = new AbortController().signal;

const hello: Handler = () => textAnswer(200, "hello");

/** A visitor that has asked: by the time that others have been answered, the relay has read it. */
async function askAndWait(port: number, headers: readonly string[] = []): Promise<RawConnection> {
  const connection = await RawConnection.open(port);
  await connection.send(toRequestText(TARGET, { headers }));
  for (let i = 0; i < 3; i++) {
    assertEquals((await visit(port, "/frontend/relay_up_check")).status, 200);
  }
  return connection;
}

for (
  const [what, form] of [
    ["without the prefix", ""],
    ["with a slash", "/"],
    ["with the prefix", "/7ZSFUKGV"],
    ["with the prefix and a slash", "/7ZSFUKGV/"],
  ]
) {
  Deno.test(`server: reaches its relay by a relay_url ${what}`, async () => {
    await using relay = await startRelay();
    await using _server = await startServer(`${relay.url}${form}`, hello);
    assertEquals((await visit(relay.port, TARGET)).body, "hello\n");
  });
}

for (const form of ["/some/path", "/some/path/", "/some/path/7ZSFUKGV"]) {
  Deno.test(`server: reaches its relay by ${form} of a reverse proxy, and answers stream through`, async () => {
    await using relay = await startRelay();
    await using proxy = await startPrefixProxy("/some/path", relay.port);
    const body = new Uint8Array(300_000).fill(120);
    await using _server = await startServer(`http://127.0.0.1:${proxy.port}${form}`, () => ({
      status: 200,
      headers: ["Content-Length", String(body.length)],
      body: Readable.from([body.subarray(0, 1), body.subarray(1)], { objectMode: false }),
    }));
    const answer = await visit(relay.port, TARGET);
    assertEquals([answer.isComplete, answer.body.length], [true, body.length]);
    const through = await visit(proxy.port, `/some/path${TARGET}`);
    assertEquals([through.isComplete, through.body.length], [true, body.length]);
    assert(proxy.targets.some((target) => target.startsWith("/some/path/7ZSFUKGV/modern/answer/")));
  });
}

Deno.test("relay: stopping tells waiting visitors 503 with Retry-After, and ends", async () => {
  await using relay = await startRelay();
  await using first = await askAndWait(relay.port);
  await using second = await askAndWait(relay.port);
  await relay.relay.stop(patience);
  for (const visitor of [first, second]) {
    const answer = parseVisit(await visitor.readToEnd());
    assertEquals([answer.status, fieldOf(answer, "retry-after")], [503, "5"]);
    assertStringIncludes(fieldOf(answer, "proxy-status") ?? "", "error=destination_unavailable");
  }
});

Deno.test("relay: stopping waits for an answer that a server is at work on", async () => {
  const gate = new Gate();
  await using relay = await startRelay();
  await using _server = await startServer(relay.url, async () => {
    await gate.pass();
    return textAnswer(200, "late");
  });
  await using visitor = await askAndWait(relay.port);
  await gate.reached;
  const stopping = relay.relay.stop(patience);
  gate.open();
  await stopping;
  assertEquals(parseVisit(await visitor.readToEnd()).body, "late\n");
});

for (const connection of ["keep-alive", "close"]) {
  Deno.test(`relay: stopping lets a body in flight end on a connection to ${connection}`, async () => {
    const gate = new Gate();
    const body = async function* (): AsyncGenerator<Uint8Array> {
      yield new TextEncoder().encode("first, ");
      await gate.pass();
      yield new TextEncoder().encode("last");
    };
    await using relay = await startRelay();
    await using _server = await startServer(relay.url, () => ({
      status: 200,
      headers: ["Content-Length", "11"],
      body: Readable.from(body(), { objectMode: false }),
    }));
    await using visitor = await askAndWait(relay.port, [`Connection: ${connection}`]);
    await visitor.readThrough("first, ");
    await gate.reached;
    const stopping = relay.relay.stop(patience);
    gate.open();
    assertEquals(await visitor.readToEnd(), "last");
    await stopping;
  });
}

Deno.test("relay: at the end of its patience a stop cuts what is left, and tells who waits", async () => {
  const held = new Gate();
  const handler: Handler = async ({ target }) => {
    if (target === "/x") await held.pass();
    const body = new Readable({ read: (): void => {} });
    body.push("first");
    return { status: 200, headers: ["Content-Length", "1000"], body };
  };
  await using relay = await startRelay();
  await using _server = await startServer(relay.url, handler);
  await using waiting = await askAndWait(relay.port);
  await held.reached;
  await using reading = await RawConnection.open(relay.port);
  await reading.send(toRequestText(`/servers/${NAME}/y`));
  await reading.readThrough("first");
  const deadline = new AbortController();
  const stopping = relay.relay.stop(deadline.signal);
  deadline.abort();
  await stopping;
  held.open();
  assertEquals(parseVisit(await waiting.readToEnd()).status, 503);
  assertEquals(await reading.readToEnd(), "");
});

Deno.test("relay: restarted on its port, its server comes back and serves", async () => {
  const { log, lines } = createMemoryLog();
  const first = await startRelay();
  await using _server = await startServer(first.url, hello, { log });
  assertEquals((await visit(first.port, TARGET)).status, 200);
  await first.relay.stop(patience);
  await using second = await startRelay({ port: first.port });
  assertEquals((await visit(second.port, TARGET)).body, "hello\n");
  for (const event of ["Connection to the relay lost", "Connected again"]) {
    assertEquals(lines.filter((line) => line.includes(event)).length, 1, lines.join("\n"));
  }
});

Deno.test("server: restarted within the grace, its waiting visitors are answered", async () => {
  await using relay = await startRelay();
  const first = await startServer(relay.url, hello);
  assertEquals((await visit(relay.port, TARGET)).status, 200);
  await first.server.stop(patience);
  await using visitor = await askAndWait(relay.port, ["Connection: close"]);
  assertEquals(visitor.received, "");
  await using _second = launchServer(relay.url, () => textAnswer(200, "second"));
  assertEquals(parseVisit(await visitor.readToEnd()).body, "second\n");
  await first[Symbol.asyncDispose]();
});

Deno.test("server: stopping lets its answers end, and asks for no more", async () => {
  const gate = new Gate();
  let count = 0;
  await using relay = await startRelay({ reconnectGraceMs: 50 });
  await using running = await startServer(relay.url, async () => {
    count++;
    await gate.pass();
    return textAnswer(200, "late");
  });
  const visiting = visit(relay.port, TARGET);
  await gate.reached;
  const stopping = running.server.stop(patience);
  assertEquals((await visit(relay.port, TARGET)).status, 503);
  gate.open();
  assertEquals((await visiting).body, "late\n");
  await stopping;
  assertEquals(count, 1);
});

Deno.test("server: its end in the middle of an answer cuts the visitor", async () => {
  await using relay = await startRelay();
  const body = new Readable({ read: (): void => {} });
  body.push("first");
  const running = await startServer(relay.url, () => ({ status: 200, headers: [], body }));
  await using visitor = await RawConnection.open(relay.port);
  await visitor.send(toRequestText(TARGET));
  await visitor.readThrough("first");
  await running[Symbol.asyncDispose]();
  assertEquals((await visitor.readToEnd()).includes("0\r\n\r\n"), false);
  assert(body.destroyed);
});

Deno.test("two servers under one name: every visitor is answered by one of them, once", async () => {
  const asked: string[] = [];
  const handler: Handler = ({ target }) => {
    asked.push(target);
    return textAnswer(200, "hello");
  };
  await using relay = await startRelay();
  await using _one = await startServer(relay.url, handler);
  await using _two = launchServer(relay.url, handler);
  const paths = Array.from({ length: 30 }, (_, i) => `/${i}`);
  for (const path of paths) {
    assertEquals((await visit(relay.port, `/servers/${NAME}${path}`)).status, 200);
  }
  assertEquals(asked, paths);
});

Deno.test("reload: another key shuts the old server out and lets the new one in", async () => {
  const { log, lines } = createMemoryLog();
  await using relay = await startRelay({ reconnectGraceMs: 50 });
  await using _old = await startServer(relay.url, () => textAnswer(200, "old"), { log });
  assertEquals((await visit(relay.port, TARGET)).body, "old\n");
  const newKey = "another key that only tests have";
  relay.relay.reload(
    toRelayConfig({ reconnectGraceMs: 50, servers: [toServerEntry(NAME, newKey)] }),
  );
  assertEquals((await visit(relay.port, TARGET)).status, 503);
  await using _new = await startServer(relay.url, () => textAnswer(200, "new"), { key: newKey });
  assertEquals((await visit(relay.port, TARGET)).body, "new\n");
  assertEquals(lines.filter((line) => line.includes("Refused by the relay")).length, 1);
  for (const secret of [KEY, newKey]) assertEquals(lines.join().includes(secret), false);
});

Deno.test("reload: a server that is taken off the list is 404, others stay connected", async () => {
  await using relay = await startRelay({ servers: [toServerEntry(NAME), toServerEntry("other")] });
  await using _home = await startServer(relay.url, hello);
  await using _other = await startServer(relay.url, hello, { name: "other" });
  assertEquals((await visit(relay.port, TARGET)).status, 200);
  relay.relay.reload(toRelayConfig({ servers: [toServerEntry("other")] }));
  const gone = await visit(relay.port, TARGET);
  assertEquals(gone.status, 404);
  assertMatch(fieldOf(gone, "proxy-status") ?? "", /error=destination_not_found/);
  assertEquals((await visit(relay.port, "/servers/other/x")).status, 200);
});

Deno.test("reload: a server that is taken off the list does not go on with answers that have begun", async () => {
  // Nothing is cut for its silence.
  await using relay = await startRelay({ clock: new ManualClock() });
  const body = new Readable({ read: () => {} });
  body.push("begun");
  await using _server = await startServer(relay.url, () => ({ status: 200, headers: [], body }));
  await using visitor = await RawConnection.open(relay.port);
  await visitor.send(toRequestText(TARGET));
  await visitor.readThrough("begun");
  relay.relay.reload(toRelayConfig({ servers: [] }));
  assertEquals((await visitor.readToEnd()).endsWith("0\r\n\r\n"), false);
});
