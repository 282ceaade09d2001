/** The proxy by which tests break connections does what it says, and nothing else. */

import { assert, assertEquals } from "@std/assert";
import { fromLatin1, patternOf } from "../support/bytes.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { RawServer, type ServerConnection } from "../support/raw_server.ts";
import { SeededRandom } from "../support/seeded_random.ts";

/** More than the proxy takes in advance. */
const LENGTH = 1_000_000;
const TEXT = String.fromCharCode(...patternOf(1000)).repeat(LENGTH / 1000);

/** A server that says all this, and ends. */
function sending(text: string): (connection: ServerConnection) => Promise<void> {
  return (connection) => {
    connection.send(text);
    connection.socket.end();
    return connection.closed;
  };
}

Deno.test("fault proxy: late and slow, all comes in order", async () => {
  await using server = await RawServer.listen(sending(TEXT));
  await using proxy = await FaultProxy.start(server.port);
  proxy.delay(30);
  proxy.throttle(4_000_000);
  const begin = performance.now();
  await using client = await RawConnection.open(proxy.port);
  const received = await client.readToEnd();
  assert(received === TEXT);
  // 1 MB at 4 MB/s, less the last piece, and the delay.
  assert(performance.now() - begin > 200 + 30);
});

Deno.test("fault proxy: with bits flipped as much comes, and not the same", async () => {
  await using server = await RawServer.listen(sending(TEXT));
  await using proxy = await FaultProxy.start(server.port);
  proxy.corrupt(new SeededRandom(1));
  await using client = await RawConnection.open(proxy.port);
  const received = fromLatin1(await client.readToEnd());
  const wrong = fromLatin1(TEXT).filter((byte, at) => byte !== received[at]).length;
  assertEquals(received.length, LENGTH);
  assert(wrong > 0 && wrong < 2000, `${wrong} bytes are wrong`);
});

Deno.test("fault proxy: a direction that is ended leaves the other one open", async () => {
  const first = Promise.withResolvers<string>();
  const second = Promise.withResolvers<string>();
  await using server = await RawServer.listen(
    async (connection) => {
      first.resolve(await connection.readThrough("a"));
      second.resolve(await connection.readThrough("b"));
    },
    undefined,
    { allowHalfOpen: true },
  );
  await using proxy = await FaultProxy.start(server.port);
  await using client = await RawConnection.open(proxy.port, { allowHalfOpen: true });
  await client.send("a");
  await first.promise;
  proxy.halfClose("down");
  assertEquals(await client.readToEnd(), "");
  await client.send("b");
  assertEquals(await second.promise, "b");
});

Deno.test("fault proxy: what a black hole has swallowed comes out when it thaws", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readThrough("ask");
    connection.send("answer");
  });
  await using proxy = await FaultProxy.start(server.port);
  await using client = await RawConnection.open(proxy.port);
  proxy.freeze();
  await client.send("ask");
  // A connection of its own passes neither.
  await using second = await RawConnection.open(proxy.port);
  await second.send("ask");
  assertEquals(server.connections.map(({ received }) => received).join(""), "");
  proxy.thaw();
  assertEquals(await client.readThrough("answer"), "answer");
  assertEquals(await second.readThrough("answer"), "answer");
});

Deno.test("fault proxy: severed it resets what there is and takes nobody, until it is mended", async () => {
  await using server = await RawServer.listen(async (connection) => {
    await connection.readThrough("ask");
    connection.send("answer");
  });
  await using proxy = await FaultProxy.start(server.port);
  await using client = await RawConnection.open(proxy.port);
  proxy.sever();
  assertEquals(await client.readToEnd(), "");
  assertEquals(await readFrom(proxy.port), "");
  proxy.mend();
  await using served = await RawConnection.open(proxy.port);
  await served.send("ask");
  assertEquals(await served.readThrough("answer"), "answer");
});

/** All that a connection brings; nothing if it is reset before it stands. */
async function readFrom(port: number): Promise<string> {
  try {
    await using connection = await RawConnection.open(port);
    return await connection.readToEnd();
  } catch {
    return "";
  }
}
