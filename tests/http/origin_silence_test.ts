/** Origins that fall silent, and such that only seem to. */

import { assertEquals } from "@std/assert";
import type { Readable } from "node:stream";
import { createFakeRequest, readAnswer } from "../support/fake_request.ts";
import { ManualClock } from "../support/manual_clock.ts";
import {
  closed,
  createUpload,
  openOrigin,
  openStream,
  until,
  untilSteady,
} from "../support/origins.ts";
import { RawServer } from "../support/raw_server.ts";
import { readTlsOptions } from "../support/tls_files.ts";

const SILENCE_MS = 60_000;
/** Silence is noticed a quarter later at the most. */
const NOTICED_MS = SILENCE_MS * 1.25;
const SILENT = "ptth_server; error=http_response_timeout";

Deno.test("origin that is silent before its answer is given up: 504", async () => {
  const clock = new ManualClock();
  const asked = Promise.withResolvers<void>();
  await using server = await RawServer.listen(async (connection) => {
    await connection.readThrough("body");
    asked.resolve();
  });
  using origin = openOrigin(server.port, { clock, silenceTimeoutMs: SILENCE_MS });
  const answer = origin.answer(createUpload("/", openStream("body"), { bodyLength: 4 }));
  await asked.promise;
  // What it has read is a sign of life.
  await untilSteady(() => 0);
  clock.advance(SILENCE_MS - 1);
  await untilSteady(() => 0);
  assertEquals(clock.pendingCount, 1);
  clock.advance(NOTICED_MS);
  const { status, headers } = await answer;
  assertEquals([status, headers.at(-1)], [504, SILENT]);
  await server.connections[0]?.closed;
  assertEquals(clock.pendingCount, 0);
});

Deno.test("origin that is silent within its answer has that cut", async () => {
  const clock = new ManualClock();
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok");
  });
  using origin = openOrigin(server.port, { clock, silenceTimeoutMs: SILENCE_MS });
  const body = (await origin.answer(createFakeRequest("/"))).body as Readable;
  const failed = new Promise((resolve) => body.once("error", resolve));
  await new Promise((resolve) => body.once("data", resolve));
  clock.advance(SILENCE_MS - 1);
  assertEquals(body.destroyed, false);
  clock.advance(NOTICED_MS);
  await failed;
  assertEquals([body.readableEnded, clock.pendingCount], [false, 0]);
  await server.connections[0]?.closed;
});

for (const scheme of ["http", "https"] as const) {
  Deno.test(`origin that says something now and then over ${scheme} is not silent`, async () => {
    const tls = scheme === "https" ? readTlsOptions("localhost") : undefined;
    const clock = new ManualClock();
    let word = Promise.withResolvers<void>();
    await using server = await RawServer.listen(async (connection) => {
      await connection.readHead();
      for (const text of ["HTTP/1.1 103 E\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "a", "b", "c"]) {
        await word.promise;
        word = Promise.withResolvers<void>();
        connection.send(text);
      }
      connection.socket.end();
    }, tls);
    const options = { clock, silenceTimeoutMs: SILENCE_MS, isInsecure: true };
    using origin = openOrigin(`${scheme}://127.0.0.1:${server.port}/`, options);
    const request = createFakeRequest("/");
    const answer = origin.answer(request);
    const say = async (isHeard: () => boolean): Promise<void> => {
      await untilSteady(() => 0);
      clock.advance(SILENCE_MS - 1);
      word.resolve();
      await until(isHeard);
    };
    await say(() => request.informed.length === 1);
    let isAnswered = false;
    void Promise.resolve(answer).then(() => isAnswered = true);
    await say(() => isAnswered);
    let got = "";
    const body = (await answer).body as Readable;
    body.on("data", (chunk: Uint8Array) => got += String.fromCharCode(...chunk));
    for (const text of ["a", "ab", "abc"]) await say(() => got === text);
    await closed(body);
    // The timer that is shared finds nobody who is watched, and is not set again.
    clock.advance(SILENCE_MS);
    assertEquals([body.readableEnded, clock.pendingCount], [true, 0]);
  });
}

Deno.test("origin is not silent while the visitor is slow to send, or to read", async () => {
  const clock = new ManualClock();
  const body = openStream("first");
  await using server = await RawServer.listen(async (connection) => {
    await connection.readThrough("first");
    clock.advance(3_600_000);
    body.push("last");
    body.push(null);
    await connection.readThrough("last");
    connection.send("HTTP/1.1 200 OK\r\n\r\nanswer");
    connection.socket.end();
  });
  using origin = openOrigin(server.port, { clock, silenceTimeoutMs: SILENCE_MS });
  const answer = await origin.answer(createUpload("/", body, { bodyLength: 9 }));
  clock.advance(3_600_000);
  const stream = answer.body as Readable;
  const chunk = await new Promise((resolve) => {
    stream.once("data", (bytes) => {
      stream.pause();
      resolve(bytes);
    });
  });
  assertEquals(String(chunk), "answer");
  clock.advance(3_600_000);
  stream.resume();
  await closed(stream);
  assertEquals([stream.readableEnded, clock.pendingCount], [true, 0]);
});

Deno.test("origin that does not read what the visitor sends is silent", async () => {
  const clock = new ManualClock();
  await using server = await RawServer.listen(({ socket }) => void socket.pause());
  using origin = openOrigin(server.port, { clock, silenceTimeoutMs: SILENCE_MS });
  const body = openStream();
  for (let i = 0; i < 300; i++) body.push(new Uint8Array(65536));
  const answer = origin.answer(createUpload("/", body, { bodyLength: 1e9 }));
  await untilSteady(() => body.readableLength);
  clock.advance(NOTICED_MS * 2);
  const { status, headers } = await answer;
  assertEquals([status, headers.at(-1)], [504, SILENT]);
  server.connections[0]?.socket.resume();
  await server.connections[0]?.closed;
});

Deno.test("origin may be silent for ever where there is no limit", async () => {
  const clock = new ManualClock();
  await using server = await RawServer.listen(async (connection) => {
    await connection.readHead();
    // A real clock would take no time that is infinite.
    assertEquals(clock.pendingCount, 0);
    clock.advance(1e12);
    connection.send("HTTP/1.1 200 OK\r\n\r\n");
    clock.advance(1e12);
    connection.socket.end("ok");
  });
  using origin = openOrigin(server.port, { clock, silenceTimeoutMs: 0 });
  assertEquals(await readAnswer(await origin.answer(createFakeRequest("/"))), "ok");
  assertEquals(clock.pendingCount, 0);
});
