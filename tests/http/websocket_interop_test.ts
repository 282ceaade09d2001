/** Our frames and those of `ws`, over real connections, both of us as client and as server. */

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import {
  CLOSE_GOING_AWAY,
  CLOSE_POLICY,
  encodeClose,
  encodeMessage,
  encodeWebSocketPong,
  toAcceptKey,
  WebSocketReader,
} from "../../lib/wire/websocket.ts";
import { concatBytes, patternOf } from "../support/bytes.ts";

const MAX = 200 * 1024;
const SIZES = [...Array(140).keys(), 1000, 65_535, 65_536, 65_537, 100_001, MAX];
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";

/** Our end of a connection whose handshake is over. */
class Ours implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #masks: boolean;
  readonly #reader: WebSocketReader;
  readonly #came: string[] = [];
  readonly #messages: Uint8Array[] = [];
  #wake = (): void => {};

  constructor(socket: Socket, masks: boolean) {
    this.#socket = socket;
    this.#masks = masks;
    this.#reader = new WebSocketReader({ isMasked: !masks, maxMessageBytes: MAX }, {
      message: (bytes) => {
        this.#messages.push(new Uint8Array(bytes));
        this.#note("message");
      },
      ping: (payload) => {
        socket.write(encodeWebSocketPong(payload, masks));
        this.#note(`ping ${Buffer.from(payload).toString()}`);
      },
      close: (code, reason) => this.#note(`close ${code} ${reason}`),
    });
    socket.on("data", (chunk: Uint8Array) => this.#reader.push(chunk));
    socket.on("error", () => {});
  }

  #note(what: string): void {
    this.#came.push(what);
    this.#wake();
  }

  /** What came next, in order. */
  async next(): Promise<string> {
    while (this.#came.length === 0) await new Promise<void>((resolve) => this.#wake = resolve);
    return this.#came.shift() ?? "";
  }

  async nextMessage(): Promise<Uint8Array> {
    assertEquals(await this.next(), "message");
    return this.#messages.shift() ?? new Uint8Array();
  }

  send(...parts: Uint8Array[]): void {
    this.#socket.write(encodeMessage(parts, this.#masks));
  }

  close(code: number, reason: string): void {
    this.#socket.write(encodeClose(code, reason, this.#masks));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return;
    const closed = once(this.#socket, "close");
    this.#socket.destroy();
    await closed;
  }
}

/** A `ws` and our end of its connection; `masks`: ours is the client. */
async function pair(masks: boolean): Promise<{ ours: Ours; theirs: WebSocket } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const { ours, theirs } = masks ? await ourClient(stack) : await ourServer(stack);
  stack.use(ours);
  stack.defer(async () => {
    if (theirs.readyState === WebSocket.CLOSED) return;
    const closed = once(theirs, "close");
    theirs.terminate();
    await closed;
  });
  const moved = stack.move();
  return { ours, theirs, [Symbol.asyncDispose]: () => moved.disposeAsync() };
}

async function ourClient(
  stack: AsyncDisposableStack,
): Promise<{ ours: Ours; theirs: WebSocket }> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, maxPayload: MAX });
  stack.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
  await once(server, "listening");
  const socket = connect(portOf(server.address()), "127.0.0.1");
  stack.defer(() => void socket.destroy());
  const arrived = once(server, "connection");
  socket.write(
    `GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
  );
  const head = await readHead(socket);
  assert(head.includes(`Sec-WebSocket-Accept: ${toAcceptKey(KEY)}\r\n`), head);
  const [theirs] = await arrived;
  assert(theirs instanceof WebSocket);
  return { ours: new Ours(socket, true), theirs };
}

async function ourServer(
  stack: AsyncDisposableStack,
): Promise<{ ours: Ours; theirs: WebSocket }> {
  const server = createServer();
  stack.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const arrived = once(server, "connection") as Promise<[Socket]>;
  const theirs = new WebSocket(`ws://127.0.0.1:${portOf(server.address())}`, {
    perMessageDeflate: false,
    maxPayload: MAX,
  });
  const opened = once(theirs, "open");
  const [socket] = await arrived;
  stack.defer(() => void socket.destroy());
  const [, key = ""] = /sec-websocket-key: (\S+)/i.exec(await readHead(socket)) ?? [];
  socket.write(
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      `Sec-WebSocket-Accept: ${toAcceptKey(key)}\r\n\r\n`,
  );
  const ours = new Ours(socket, false);
  await opened;
  return { ours, theirs };
}

function portOf(address: ReturnType<WebSocketServer["address"]>): number {
  assert(typeof address === "object" && address !== null);
  return address.port;
}

/** Up to the empty line; whoever sends waits there. */
async function readHead(socket: Socket): Promise<string> {
  let head = "";
  while (!head.endsWith("\r\n\r\n")) {
    const [chunk]: Uint8Array[] = await once(socket, "data");
    head += Buffer.from(chunk ?? []).toString("latin1");
  }
  return head;
}

/** The messages that a `ws` gets, each whole. */
function messagesOf(theirs: WebSocket): () => Promise<Uint8Array> {
  const came: Uint8Array[] = [];
  let wake = (): void => {};
  theirs.on("message", (data: RawData, isBinary: boolean) => {
    assert(isBinary);
    came.push(Buffer.isBuffer(data) ? Uint8Array.from(data) : new Uint8Array());
    wake();
  });
  return async () => {
    while (came.length === 0) await new Promise<void>((resolve) => wake = resolve);
    return came.shift() ?? new Uint8Array();
  };
}

for (const masks of [true, false]) {
  const [us, them] = masks ? ["client", "server"] : ["server", "client"];

  Deno.test(`ws as ${them} reads the frames of our ${us}, from 0 bytes to 200 KiB`, async () => {
    await using connection = await pair(masks);
    const { ours, theirs } = connection;
    const next = messagesOf(theirs);
    for (const size of SIZES) {
      const bytes = patternOf(size);
      ours.send(bytes.subarray(0, size >> 1), bytes.subarray(size >> 1));
    }
    for (const size of SIZES) assertEquals(await next(), patternOf(size));
  });

  Deno.test(`our ${us} reads the frames of ws as ${them}, from 0 bytes to 200 KiB`, async () => {
    await using connection = await pair(masks);
    const { ours, theirs } = connection;
    for (const size of SIZES) theirs.send(patternOf(size));
    for (const size of SIZES) assertEquals(await ours.nextMessage(), patternOf(size));
  });

  Deno.test(`our ${us} reads the fragments of ws as ${them}, with pings among them`, async () => {
    await using connection = await pair(masks);
    const { ours, theirs } = connection;
    const sizes = [[0, 0], [1, 0, 2], [125, 126], [65_535, 65_536], [100_000, 3, 100_000]];
    const pongs: string[] = [];
    theirs.on("pong", (payload: Uint8Array) => pongs.push(Buffer.from(payload).toString()));
    for (const parts of sizes) {
      for (const [i, size] of parts.entries()) {
        theirs.send(patternOf(size), { binary: true, fin: i === parts.length - 1 });
        if (i === 0) theirs.ping(`${parts.length}`);
      }
    }
    for (const parts of sizes) {
      assertEquals(await ours.next(), `ping ${parts.length}`);
      assertEquals(await ours.nextMessage(), concatBytes(parts.map(patternOf)));
    }
    const next = messagesOf(theirs);
    ours.send(patternOf(1));
    await next();
    assertEquals(pongs, sizes.map(({ length }) => `${length}`));
  });

  Deno.test(`our ${us} and ws as ${them} read each other's close codes and reasons`, async () => {
    const closes = [
      [CLOSE_GOING_AWAY, "", ""],
      [CLOSE_POLICY, "no é", "no é"],
      [CLOSE_POLICY, `${"x".repeat(122)}é`, "x".repeat(122)],
    ] as const;
    for (const [code, reason, cut] of closes) {
      await using connection = await pair(masks);
      const { ours, theirs } = connection;
      const closed = once(theirs, "close");
      ours.close(code, reason);
      // It answers by the same.
      assertEquals(await ours.next(), `close ${code} ${cut}`);
      await ours[Symbol.asyncDispose]();
      const [theirCode, theirReason] = await closed;
      assertEquals([theirCode, String(theirReason)], [code, cut]);
    }
    for (const [code, reason, said] of [[undefined, "", "1005 "], [4001, "é", "4001 é"]] as const) {
      await using connection = await pair(masks);
      connection.theirs.close(code, reason);
      assertEquals(await connection.ours.next(), `close ${said}`);
    }
  });
}
