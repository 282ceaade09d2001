/** Kept connections that the peer leaves just as they are used again. */

import { assertEquals, assertRejects } from "@std/assert";
import { UnreachableError } from "../../lib/client/unreachable_error.ts";
import { fromLatin1 } from "../support/bytes.ts";
import { openStream } from "../support/origins.ts";
import {
  ask,
  failureOf,
  openPool,
  PEER,
  textOf,
  toClientRequest,
} from "../support/pooled_client.ts";
import { RawServer, type ServerConnection } from "../support/raw_server.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const CHUNKED = ["Host", "h", "Transfer-Encoding", "chunked"];
const CLOSED =
  `Cannot complete a request to ${PEER}: the connection was closed before the answer was complete`;

/** Answers the first request of a connection, and leaves at the next one, behind `part`. */
function leaving(
  part: string,
  how: "ends" | "closes" | "resets" = "ends",
): (connection: ServerConnection) => Promise<void> {
  return async (connection) => {
    await connection.readHead();
    connection.send(OK);
    await connection.readHead();
    const { socket } = connection;
    if (part !== "") await new Promise<void>((resolve) => socket.write(part, () => resolve()));
    if (how === "ends") socket.end();
    else if (how === "closes") socket.destroy();
    else socket.resetAndDestroy();
  };
}

for (const how of ["ends", "closes", "resets"] as const) {
  Deno.test(`kept connection that the peer ${how} under a request was stale`, async () => {
    await using server = await RawServer.listen(leaving("", how));
    using pool = openPool(server.port);
    for (
      const changes of [{}, { method: "POST", body: fromLatin1("abc") }, { body: new Uint8Array() }]
    ) {
      await textOf((await ask(pool)).body);
      assertEquals(await failureOf(pool, changes), ["stale", CLOSED]);
    }
    assertEquals(server.connections.length, 3);
  });
}

for (
  const [what, part, changes] of [
    ["a stream was being sent", "", { headers: CHUNKED, body: openStream("x") }],
    ["a byte of the answer had come", "H", {}],
    ["an interim answer had come", "HTTP/1.1 100 Continue\r\n\r\n", {}],
  ] as const
) {
  Deno.test(`kept connection was not stale where ${what}`, async () => {
    await using server = await RawServer.listen(leaving(part));
    using pool = openPool(server.port);
    await textOf((await ask(pool)).body);
    assertEquals(await failureOf(pool, changes), ["cut", CLOSED]);
    assertEquals(server.connections.length, 1);
  });
}

Deno.test("kept connection was not stale where the request was given up, or the answer had begun", async () => {
  await using server = await RawServer.listen(leaving(OK.slice(0, -1)));
  using pool = openPool(server.port);
  await textOf((await ask(pool)).body);
  const answer = await ask(pool);
  const error = await assertRejects(() => textOf(answer.body), UnreachableError);
  assertEquals([error.kind, server.connections.length], ["cut", 1]);
  await textOf((await ask(pool)).body);
  const abort = new AbortController();
  const exchange = await pool.send(toClientRequest({ signal: abort.signal }));
  abort.abort();
  const other = await assertRejects(() => exchange.answer, UnreachableError);
  assertEquals(other.kind, "aborted");
  await server.connections[1]?.closed;
});
