import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { ProxiedAcceptor } from "../../lib/http/proxied_acceptor.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { createMemoryLog, type MemoryLog } from "../support/memory_log.ts";
import { V1_IPV4, V2_LOCAL, V2_WITH_EXTRAS } from "../support/proxy_headers.ts";

const BALANCER = "10.0.0.1";
const STRANGER = "192.0.2.66";
const TIMEOUT_MS = 1000;

/** Our end of a connection, whose pieces arrive just as they are pushed. */
class FakeSocket extends Duplex {
  constructor(readonly remoteAddress: string) {
    super({ allowHalfOpen: true });
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, callback: () => void): void {
    callback();
  }

  /** Something arrives, and is dealt with. */
  async come(text: string | null): Promise<void> {
    this.push(text === null ? null : Buffer.from(text, "latin1"));
    await setImmediate();
  }
}

interface Accepted {
  readonly socket: Socket;
  readonly remoteAddress: string;
}

/** Somebody who only takes down what comes. */
class World {
  readonly clock = new ManualClock();
  readonly #log: MemoryLog = createMemoryLog(this.clock);
  readonly lines = this.#log.lines;
  readonly accepted: Accepted[] = [];
  readonly acceptor: ProxiedAcceptor;
  received = "";
  hasEnded = false;

  constructor() {
    const take = (chunk: Uint8Array): void => {
      this.received += Buffer.from(chunk).toString("latin1");
    };
    this.acceptor = new ProxiedAcceptor({
      isTrusted: (address) => address === BALANCER,
      accept: ({ socket, remoteAddress, early }) => {
        this.accepted.push({ socket, remoteAddress });
        take(early);
        socket.on("data", take);
        socket.on("end", () => this.hasEnded = true);
      },
      timeoutMs: TIMEOUT_MS,
      clock: this.clock,
      log: this.#log.log,
    });
  }

  connect(address = BALANCER): FakeSocket {
    const socket = new FakeSocket(address);
    // As much of a socket as is asked for.
    this.acceptor.take(socket as unknown as Socket);
    return socket;
  }
}

for (const header of [V1_IPV4, V2_WITH_EXTRAS]) {
  const version = header === V1_IPV4 ? 1 : 2;
  Deno.test(`ProxiedAcceptor takes off a header of version ${version}, wherever it is cut`, async () => {
    const text = `${header}GET / HTTP/1.1\r\n\r\n`;
    for (let cut = 0; cut <= text.length; cut++) {
      const world = new World();
      const socket = world.connect();
      if (cut > 0) await socket.come(text.slice(0, cut));
      assertEquals(world.accepted.length, cut < header.length ? 0 : 1, `${cut} bytes`);
      if (cut < text.length) await socket.come(text.slice(cut));
      assertEquals(world.accepted.map((each) => each.remoteAddress), ["203.0.113.5"]);
      assertEquals(world.received, "GET / HTTP/1.1\r\n\r\n", `${cut} bytes`);
      assertEquals(world.clock.pendingCount, 0);
      await socket.come(null);
      assert(world.hasEnded);
    }
  });

  Deno.test(`ProxiedAcceptor takes a header of version ${version} byte by byte`, async () => {
    const world = new World();
    const socket = world.connect();
    for (const byte of `${header}body`) await socket.come(byte);
    assertEquals(world.accepted.map((each) => each.remoteAddress), ["203.0.113.5"]);
    assertEquals(world.received, "body");
  });
}

Deno.test("ProxiedAcceptor takes header, data and end that are all there at once", async () => {
  const world = new World();
  const socket = world.connect();
  socket.push(Buffer.from(`${V1_IPV4}all `, "latin1"));
  socket.push(Buffer.from("at once", "latin1"));
  await socket.come(null);
  assertEquals([world.received, world.hasEnded], ["all at once", true]);
});

Deno.test("ProxiedAcceptor leaves the address of a balancer's own connection", async () => {
  for (const header of ["PROXY UNKNOWN\r\n", V2_LOCAL]) {
    const world = new World();
    await world.connect().come(header);
    assertEquals(world.accepted.map((each) => each.remoteAddress), [BALANCER]);
  }
});

Deno.test("ProxiedAcceptor leaves others' connections alone, headers and all", async () => {
  const world = new World();
  const socket = world.connect(STRANGER);
  assertEquals(world.accepted.length, 1);
  await socket.come(V1_IPV4);
  assertEquals(world.received, V1_IPV4);
  assertEquals(world.accepted[0]?.remoteAddress, STRANGER);
  world.acceptor.destroyAll();
  assert(!socket.destroyed);
});

Deno.test("ProxiedAcceptor ends connections without a header: wrong, late or broken off", async () => {
  const world = new World();
  const wrong = world.connect();
  await wrong.come("GET / HTTP/1.1\r\n\r\n");
  const broken = world.connect();
  await broken.come("PROXY TCP4 ");
  await broken.come(null);
  const silent = world.connect();
  const slow = world.connect();
  await slow.come("PROXY TCP4 ");
  world.clock.advance(TIMEOUT_MS - 1);
  assert(!silent.destroyed && !slow.destroyed);
  world.clock.advance(1);
  for (const socket of [wrong, broken, silent, slow]) assert(socket.destroyed);
  const line = (reason: string): string =>
    `DEBUG Connection has no usable PROXY header peer=${BALANCER} reason="${reason}"`;
  assertEquals(world.lines, [
    line("it begins as neither version does"),
    line("it ended early"),
    line("it did not come in time"),
    line("it did not come in time"),
  ]);
  assertEquals([world.accepted.length, world.received], [0, ""]);
});

Deno.test("ProxiedAcceptor says nothing of a connection on which nothing came", async () => {
  const world = new World();
  const ended = world.connect();
  await ended.come(null);
  assert(ended.destroyed);
  world.connect().destroy(new Error("reset"));
  await setImmediate();
  assertEquals([world.lines, world.clock.pendingCount], [[], 0]);
});

Deno.test("ProxiedAcceptor destroys those that wait, and only those", async () => {
  const world = new World();
  const silent = world.connect();
  const half = world.connect();
  await half.come("PROXY");
  const whole = world.connect();
  await whole.come(V1_IPV4);
  world.acceptor.destroyAll();
  assertEquals([silent, half, whole].map((socket) => socket.destroyed), [true, true, false]);
  await setImmediate();
  assertEquals([world.clock.pendingCount, world.lines], [0, []]);
});

Deno.test("ProxiedAcceptor: an error of a connection ends that one alone, at any time", async () => {
  for (const header of ["", "PROXY", V1_IPV4]) {
    const world = new World();
    const socket = world.connect();
    if (header !== "") await socket.come(header);
    socket.destroy(new Error("reset"));
    await setImmediate();
    assertEquals(world.clock.pendingCount, 0);
  }
});
