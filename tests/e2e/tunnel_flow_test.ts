/** Bodies on their way from file to visitor: slow, silent, cut, and left behind. */

import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { FILE_PIECE_BYTES } from "../../lib/base/limits.ts";
import type { Handler, HttpRequest } from "../../lib/http/message.ts";
import { Gate } from "../support/gate.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { TempFolder } from "../support/temp_folder.ts";
import {
  NAME,
  type RelayOptions,
  type RunningRelay,
  serveFolder,
  startRelay,
  startServer,
} from "../support/tunnel.ts";
import { parseVisit, toRequestText, visit } from "../support/visit.ts";
import { WatchedFileSystem } from "../support/watched_file_system.ts";

const MIB = 1024 * 1024;
/** Far more than all buffers on the way from file to visitor hold together. */
const BIG = 128 * MIB;

interface World extends AsyncDisposable {
  readonly relay: RunningRelay;
  readonly port: number;
  readonly folder: TempFolder;
  readonly files: WatchedFileSystem;
  /** What the server was asked, in order. */
  readonly requests: HttpRequest[];
  /** Ends once the server has nothing in flight, without cutting anything. */
  untilServerIsIdle(): Promise<void>;
}

async function setUp(options: RelayOptions = {}): Promise<World> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await TempFolder.create());
  const files = new WatchedFileSystem();
  const requests: HttpRequest[] = [];
  const serve = serveFolder(folder.path, files.fileSystem);
  const relay = stack.use(await startRelay(options));
  const { server } = stack.use(
    await startServer(relay.url, (request) => {
      requests.push(request);
      return serve(request);
    }),
  );
  return {
    relay,
    port: relay.port,
    folder,
    files,
    requests,
    untilServerIsIdle: () => server.stop(new AbortController().signal),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A file of zeros that takes no room on the disk. */
async function writeZeros(folder: TempFolder, name: string, size: number): Promise<string> {
  const path = await folder.write(name, "");
  await Deno.truncate(path, size);
  return path;
}

function target(name: string): string {
  return `/servers/${NAME}/files/${name}`;
}

/** A visitor that has the head of its answer and then reads nothing more. */
async function stopReadingAfterHead(port: number, path: string): Promise<Socket> {
  const connection = await RawConnection.open(port);
  await connection.send(toRequestText(path));
  await connection.readThrough("\r\n\r\n");
  connection.socket.pause();
  return connection.socket;
}

function closed(socket: Socket): Promise<void> {
  return socket.closed
    ? Promise.resolve()
    : new Promise((resolve) => socket.once("close", resolve));
}

Deno.test("tunnel: a visitor that leaves ends the reading of its file, and the server is idle", async () => {
  await using world = await setUp();
  await writeZeros(world.folder, "big", BIG);
  const gate = new Gate();
  let reads = 0;
  world.files.beforeRead = () => ++reads === 3 ? gate.pass() : undefined;
  const connection = await RawConnection.open(world.port);
  await connection.send(toRequestText(target("big")));
  await connection.readThrough("\r\n\r\n");
  await gate.reached;
  const [request] = world.requests;
  assert(request !== undefined);
  assertEquals(request.signal.aborted, false);
  await connection.close();
  assertEquals(await request.finished, "cut");
  assertEquals(request.signal.aborted, true);
  // Not while a read is under way.
  assertEquals(world.files.openCount, 1);
  gate.open();
  await world.files.until(() => world.files.openCount === 0);
  assertLessOrEqual(world.files.bytesRead, 3 * FILE_PIECE_BYTES);
  await world.folder.write("next", "next");
  assertEquals((await visit(world.port, target("next"))).body, "next");
  await world.untilServerIsIdle();
});

Deno.test("tunnel: a visitor that reads nothing stops the reading of its file, and can go on", async () => {
  await using world = await setUp();
  await writeZeros(world.folder, "big", BIG);
  await world.folder.write("small", "small");
  const socket = await stopReadingAfterHead(world.port, target("big"));
  // Others are served meanwhile; their visits are the clock by which the reading has stopped.
  let before = -1;
  for (let round = 0; before !== world.files.bytesRead; round++) {
    assertLess(round, 100);
    before = world.files.bytesRead;
    for (let i = 0; i < 10; i++) {
      assertEquals((await visit(world.port, target("small"))).body, "small");
    }
  }
  assertLess(world.files.bytesRead, BIG / 2);
  assertEquals(world.files.openCount, 1);
  let received = 0;
  socket.removeAllListeners("data");
  const whole = new Promise<void>((resolve) =>
    socket.on("data", (chunk: Uint8Array) => {
      received += chunk.length;
      if (received > BIG - 2 * MIB) resolve();
    })
  );
  socket.resume();
  await whole;
  await world.files.until(() => world.files.openCount === 0);
  assertEquals(world.files.bytesRead, BIG);
  socket.destroy();
  await closed(socket);
});

Deno.test("tunnel: a visitor that never reads again is cut, and its file closed", async () => {
  await using world = await setUp({ limits: { bodySilenceMs: 100 } });
  await writeZeros(world.folder, "big", BIG);
  const socket = await stopReadingAfterHead(world.port, target("big"));
  await world.files.until(() => world.files.openCount === 1);
  await world.files.until(() => world.files.openCount === 0);
  assertLess(world.files.bytesRead, BIG);
  assertEquals(await world.requests[0]?.finished, "cut");
  socket.destroy();
  await closed(socket);
  await world.untilServerIsIdle();
});

/** Timeouts that a test can outlast. */
const SHORT = {
  headersTimeoutMs: 200,
  keepAliveTimeoutMs: 200,
  bodySilenceMs: 200,
  lingerMs: 200,
};
const LONG_MS = 5 * 200;

for (const framing of ["with a length", "chunked"] as const) {
  Deno.test(`tunnel: an answer ${framing} outlasts every timeout while its bytes move`, async () => {
    const total = 1_000_000;
    const received = [Promise.withResolvers<void>()];
    const body = async function* (): AsyncGenerator<Uint8Array> {
      const start = performance.now();
      let sent = 0;
      for (; performance.now() - start < LONG_MS; sent++) {
        yield Uint8Array.of(120);
        await received[0]?.promise;
        received[0] = Promise.withResolvers();
      }
      yield new Uint8Array(total - sent).fill(120);
    };
    await using relay = await startRelay({ limits: SHORT });
    await using _server = await startServer(relay.url, () => ({
      status: 200,
      headers: framing === "chunked" ? [] : ["Content-Length", String(total)],
      body: Readable.from(body(), { objectMode: false }),
    }));
    await using connection = await RawConnection.open(relay.port);
    const start = performance.now();
    await connection.send(toRequestText(`/servers/${NAME}/x`, { headers: ["Connection: close"] }));
    // Each byte that arrives lets the next one go.
    connection.socket.on("data", () => received[0]?.resolve());
    const answer = parseVisit(await connection.readToEnd());
    assertLess(LONG_MS, performance.now() - start);
    assertEquals([answer.status, answer.isComplete], [200, true]);
    assertEquals(answer.body.replaceAll(/[^x]/g, "").length, total);
  });
}

Deno.test("tunnel: an answer whose server falls silent is cut, never ended", async () => {
  for (const headers of [["Content-Length", "1000"], []]) {
    const bodies: Readable[] = [];
    const requests: HttpRequest[] = [];
    const handler: Handler = (request) => {
      requests.push(request);
      const body = new Readable({ read: (): void => {} });
      body.push("0123456789");
      bodies.push(body);
      return { status: 200, headers, body };
    };
    await using relay = await startRelay({ limits: SHORT });
    await using _server = await startServer(relay.url, handler);
    const answer = await visit(relay.port, `/servers/${NAME}/x`);
    assertEquals([answer.status, answer.isComplete], [200, false]);
    assertEquals(answer.body.includes("0123456789"), true);
    assertEquals(await requests[0]?.finished, "cut");
    assertEquals(bodies[0]?.destroyed, true);
  }
});

Deno.test("tunnel: a file that shrinks while it is sent is cut, never ended", async () => {
  await using world = await setUp();
  const path = await writeZeros(world.folder, "file", MIB);
  const gate = new Gate();
  let reads = 0;
  world.files.beforeRead = () => ++reads === 3 ? gate.pass() : undefined;
  await using visitor = await RawConnection.open(world.port);
  await visitor.send(toRequestText(target("file"), { headers: ["Connection: close"] }));
  const head = await visitor.readThrough("\r\n\r\n");
  await gate.reached;
  await Deno.truncate(path, 2 * FILE_PIECE_BYTES + 1);
  gate.open();
  const answer = parseVisit(head + await visitor.readToEnd());
  assertEquals([answer.status, answer.isComplete], [200, false]);
  assertLessOrEqual(answer.body.length, 2 * FILE_PIECE_BYTES + 1);
  await world.files.until(() => world.files.openCount === 0);
  world.files.beforeRead = () => {};
  assertEquals((await visit(world.port, target("file"))).isComplete, true);
});

Deno.test("tunnel: a file that grows while it is sent is sent as long as it was announced", async () => {
  await using world = await setUp();
  const path = await writeZeros(world.folder, "file", MIB);
  const gate = new Gate();
  let reads = 0;
  world.files.beforeRead = () => ++reads === 3 ? gate.pass() : undefined;
  const visiting = visit(world.port, target("file"));
  await gate.reached;
  await Deno.truncate(path, 2 * MIB);
  gate.open();
  const answer = await visiting;
  assertEquals([answer.isComplete, answer.body.length], [true, MIB]);
});

Deno.test("tunnel: a server that breaks off in the middle cuts its visitor, and serves the next", async () => {
  const broken = new Readable({ read: (): void => {} });
  broken.push(Buffer.from("first"));
  await using relay = await startRelay();
  const handler: Handler = ({ target }) =>
    target === "/broken"
      ? { status: 200, headers: ["Content-Length", "1000"], body: broken }
      : { status: 200, headers: [], body: new TextEncoder().encode("whole") };
  await using _server = await startServer(relay.url, handler);
  await using connection = await RawConnection.open(relay.port);
  await connection.send(toRequestText(`/servers/${NAME}/broken`));
  await connection.readThrough("first");
  broken.destroy(new Error("disk failure"));
  assertEquals(await connection.readToEnd(), "");
  assertEquals((await visit(relay.port, `/servers/${NAME}/x`)).body, "whole");
});
