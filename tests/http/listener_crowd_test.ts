/** How many connections one address may have. */

import { assert, assertEquals } from "@std/assert";
import { REPEATED_LOG_MS } from "../../lib/base/limits.ts";
import { Listener, type ListenerOptions } from "../../lib/http/listener.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { V1_IPV4, V2_IPV4 } from "../support/proxy_headers.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { readTlsIdentity } from "../support/tls_files.ts";

const ASK = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const MOST = 2;
const LINE = "WARN Connections closed: too many from one address";

interface World extends AsyncDisposable {
  readonly port: number;
  readonly clock: ManualClock;
  readonly lines: readonly string[];
  /** A connection that is still open after it was accepted or not. */
  open(localAddress?: string): Promise<RawConnection>;
}

async function listen(options: Partial<ListenerOptions> = {}): Promise<World> {
  const clock = new ManualClock();
  const { log, lines } = createMemoryLog();
  const listener = new Listener({
    handler: () => textAnswer(200, "hello"),
    limits: { maxConnectionsPerAddress: MOST },
    log,
    clock,
    ...options,
  });
  const { port } = await listener.start({ host: "127.0.0.1", port: 0 });
  return {
    port,
    clock,
    lines,
    open: (localAddress) => RawConnection.open(port, { localAddress }),
    [Symbol.asyncDispose]: () => listener.close(AbortSignal.abort()),
  };
}

async function assertServed(connection: RawConnection, before = ""): Promise<void> {
  await connection.send(before + ASK);
  await connection.readThrough("hello\n");
}

/** Closed without a word. */
async function assertClosed(connection: RawConnection): Promise<void> {
  // Where it is not closed after all, the answer shows it.
  await connection.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").catch(() => {});
  assertEquals(await connection.readToEnd(), "");
  await connection.close();
}

Deno.test("Listener serves as many connections of one address as it may have, and closes one more", async () => {
  await using world = await listen();
  await using first = await world.open();
  await using second = await world.open();
  await assertServed(first);
  await assertServed(second);
  await assertClosed(await world.open());
  assertEquals(world.lines, [`${LINE} peer=127.0.0.1 most=2`]);
  // Whoever is there is not disturbed, and neither is anybody elsewhere.
  await assertServed(first);
  await using other = await world.open("127.0.0.2");
  await assertServed(other);
});

Deno.test("Listener takes a further connection once one of the address is closed", async () => {
  await using world = await listen();
  await using first = await world.open();
  await assertServed(first);
  const ask = async (): Promise<string> => {
    await using next = await world.open();
    // Where it has been closed already, nothing comes of it.
    await next.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").catch(() => {});
    return await next.readToEnd();
  };
  for (let i = 0; i < 5; i++) {
    let answer = await ask();
    // The listener sees a little later than this side that a connection is closed.
    while (answer === "") answer = await ask();
    assert(answer.endsWith("hello\n"));
  }
});

Deno.test("Listener logs a crowded address at most once in a while", async () => {
  await using world = await listen();
  await using first = await world.open();
  await using second = await world.open();
  await assertServed(first);
  await assertServed(second);
  for (let i = 0; i < 3; i++) await assertClosed(await world.open());
  assertEquals(world.lines.length, 1);
  world.clock.advance(REPEATED_LOG_MS);
  await assertClosed(await world.open());
  assertEquals(world.lines.length, 2);
});

Deno.test("Listener does not count the connections of proxies", async () => {
  await using world = await listen({ isProxy: (address) => address === "127.0.0.1" });
  const open: RawConnection[] = [];
  for (let i = 0; i <= MOST; i++) open.push(await world.open());
  for (const connection of open) await assertServed(connection);
  for (const connection of open) await connection.close();
});

Deno.test("Listener counts the addresses that a load balancer tells, not the balancer's", async () => {
  const isTrusted = (address: string): boolean => address === "127.0.0.1";
  await using world = await listen({ isProxy: isTrusted, proxyProtocol: { isTrusted } });
  await using first = await world.open();
  await using second = await world.open();
  await assertServed(first, V1_IPV4);
  await assertServed(second, V2_IPV4);
  const third = await world.open();
  await third.send(V1_IPV4);
  await assertClosed(third);
  await using other = await world.open();
  await assertServed(other, "PROXY TCP4 198.51.100.7 192.0.2.1 1 2\r\n");
});

Deno.test("Listener counts TLS connections before their handshake", async () => {
  await using world = await listen({ tls: await readTlsIdentity("localhost") });
  await using _first = await world.open();
  await using _second = await world.open();
  await assertClosed(await world.open());
});
