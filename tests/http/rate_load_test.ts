/** The load at a fixed rate, on servers that answer in one way or another. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { AnswerReader } from "../bench/tunnel/answer_reader.ts";
import { loadAtRate } from "../bench/tunnel/rate_load.ts";
import { RawServer, type ServerConnection } from "../support/raw_server.ts";

const STALL_MS = 300;

/** Answers each request by what `toAnswer` says, given how many came before. */
function serveAnswers(
  toAnswer: (count: number) => string | Promise<string>,
): (connection: ServerConnection) => Promise<void> {
  return async (connection) => {
    for (let count = 0;; count++) {
      await connection.readHead();
      connection.send(await toAnswer(count));
    }
  };
}

Deno.test("loadAtRate counts a standstill for every request that was due in it", async () => {
  await using server = await RawServer.listen(serveAnswers(async (count) => {
    if (count === 20) await new Promise((resolve) => setTimeout(resolve, STALL_MS));
    return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
  }));
  const load = { connections: 1, perSecond: 200, seconds: 1 };
  const delays = await loadAtRate({ url: `http://127.0.0.1:${server.port}/`, ...load });
  // One of 200 requests was slow; those that it held up are more than the last hundredth.
  assert(delays.p99Ms > STALL_MS / 2, `p99 ${delays.p99Ms} ms`);
  assert(delays.p50Ms < STALL_MS / 2, `p50 ${delays.p50Ms} ms`);
});

Deno.test("AnswerReader finds the end of an answer, with a length or in chunks, however cut", async () => {
  const answers = [
    "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  ];
  await using server = await RawServer.listen(async (connection) => {
    for (const answer of answers) {
      await connection.readHead();
      for (const byte of answer) {
        await new Promise((resolve) => connection.socket.write(byte, resolve));
      }
    }
  });
  using reader = await AnswerReader.connect(`http://127.0.0.1:${server.port}/`);
  for (const _ of answers) await reader.get();
  assertEquals(server.connections[0]?.received, "");
});

Deno.test("AnswerReader refuses what is no whole 200", async () => {
  const answers = [
    ["HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", "it answered 503"],
    ["HTTP/1.1 200 OK\r\n\r\nx", "has no end"],
  ] as const;
  for (const [answer, reason] of answers) {
    await using server = await RawServer.listen(serveAnswers(() => answer));
    using reader = await AnswerReader.connect(`http://127.0.0.1:${server.port}/`);
    await assertRejects(() => reader.get(), Error, reason);
  }
});
