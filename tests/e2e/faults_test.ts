/**
 * What becomes of an exchange when something breaks, step by step (docs/semantics.md, "Failures"):
 * P1 the server waits, P3 it is handed the exchange, P4 it works, P5 it answers, P6 the visitor
 * reads. Over both transports of modern. Time on the relay's side is moved by hand.
 */

import { assert, assertEquals } from "@std/assert";
import { PassThrough } from "node:stream";
import type { Handler, HttpRequest } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { FaultProxy } from "../support/fault_proxy.ts";
import { Gate } from "../support/gate.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { type Middlebox, startUpgradeStripper } from "../support/middleboxes.ts";
import { RawConnection } from "../support/raw_connection.ts";
import {
  NAME,
  type RunningRelay,
  type RunningServer,
  startRelay,
  startServer,
} from "../support/tunnel.ts";
import { parseVisit, toRequestText, type Visit } from "../support/visit.ts";

type Transport = "control channel" | "long poll";

/** Longer than it takes to notice that a channel is silent. */
const SILENCE_MS = 10_000;

/** Far shorter than in use, so that it can pass without a silence in the same time. */
const ANSWER_TIMEOUT_MS = 5_000;

class World implements AsyncDisposable {
  readonly clock = new ManualClock();
  /** What the handler was asked, in order. */
  readonly requests: HttpRequest[] = [];
  readonly gate = new Gate();
  readonly stream = new PassThrough();
  relay!: RunningRelay;
  network!: FaultProxy;
  server!: RunningServer;
  #box: Middlebox | undefined;

  static async start(transport: Transport, answerTimeoutMs?: number): Promise<World> {
    const world = new World();
    world.relay = await startRelay({ clock: world.clock, answerTimeoutMs });
    if (transport === "long poll") world.#box = await startUpgradeStripper(world.relay.port);
    const port = world.#box === undefined ? world.relay.port : Number(new URL(world.#box.url).port);
    world.network = await FaultProxy.start(port);
    world.server = await startServer(world.network.url, world.#handler);
    assertEquals(world.server.server.connection?.transport, transport);
    // So that no probe is under way when something breaks.
    await world.server.server.connection?.path;
    return world;
  }

  readonly #handler: Handler = async (request) => {
    this.requests.push(request);
    if (request.target === "/hold") await this.gate.pass();
    if (request.target === "/stream") {
      this.stream.write("some");
      return { status: 200, headers: [], body: this.stream };
    }
    return textAnswer(200, "hello");
  };

  async ask(path: string): Promise<RawConnection> {
    const visitor = await RawConnection.open(this.relay.port);
    const headers = ["Connection: close"];
    await visitor.send(toRequestText(`/servers/${NAME}${path}`, { headers }));
    return visitor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.gate.open();
    this.stream.destroy();
    await this.server[Symbol.asyncDispose]();
    await this.network[Symbol.asyncDispose]();
    await this.#box?.[Symbol.asyncDispose]();
    await this.relay[Symbol.asyncDispose]();
  }
}

async function answerOf(visitor: RawConnection): Promise<Visit> {
  const answer = parseVisit(await visitor.readToEnd());
  await visitor.close();
  return answer;
}

for (const transport of ["control channel", "long poll"] as const) {
  for (const how of ["reset", "end"] as const) {
    Deno.test(`${transport}, P1 ${how}: a visitor who comes then waits and is answered`, async () => {
      await using world = await World.start(transport);
      world.network[how]();
      // Until the relay knows; it has a proxy of this process before it, which has to pass it on.
      await turns();
      const answer = await answerOf(await world.ask("/x"));
      assertEquals([answer.status, answer.body, world.requests.length], [200, "hello\n", 1]);
    });
  }

  Deno.test(`${transport}, P1 black hole: 502 once the silence is noticed, then served again`, async () => {
    await using world = await World.start(transport);
    world.network.freeze();
    const visitor = await world.ask("/x");
    // Given to a connection that nobody knows to be dead.
    const waiting = answerOf(visitor);
    for (let i = 0; i < 3 && !visitor.socket.closed; i++) {
      await turns();
      world.clock.advance(SILENCE_MS);
    }
    // By long poll it may have come between two polls, and then it was never given.
    const { status } = await waiting;
    assert(status === 502 || (status === 503 && transport === "long poll"), `${status}`);
    assertEquals(world.requests.length, 0);
    world.network.reset();
    world.network.thaw();
    assertEquals((await answerOf(await world.ask("/x"))).status, 200);
  });

  Deno.test(`${transport}, P4 server gives up: 502 at once`, async () => {
    await using world = await World.start(transport);
    const visitor = await world.ask("/hold");
    await world.gate.reached;
    const stopped = world.server.server.stop(AbortSignal.abort());
    assertEquals((await answerOf(visitor)).status, 502);
    await stopped;
  });

  Deno.test(`${transport}, P4 server killed: 502, by control channel at once`, async () => {
    await using world = await World.start(transport);
    const visitor = await world.ask("/hold");
    await world.gate.reached;
    const waiting = answerOf(visitor);
    world.network.sever();
    if (transport === "long poll") {
      // That no poll comes any more tells it.
      await turns();
      world.clock.advance(SILENCE_MS);
    }
    assertEquals((await waiting).status, 502);
  });

  Deno.test(`${transport}, P4 black hole: 502 once the silence is noticed`, async () => {
    await using world = await World.start(transport);
    const visitor = await world.ask("/hold");
    await world.gate.reached;
    world.network.freeze();
    const waiting = answerOf(visitor);
    for (let i = 0; i < 3 && !visitor.socket.closed; i++) {
      await turns();
      world.clock.advance(SILENCE_MS);
    }
    assertEquals((await waiting).status, 502);
    world.network.reset();
  });

  Deno.test(`${transport}, P4 stalled: 504 after the answer timeout, and the server is told`, async () => {
    await using world = await World.start(transport, ANSWER_TIMEOUT_MS);
    const visitor = await world.ask("/hold");
    await world.gate.reached;
    const left = new Promise<void>((resolve) =>
      world.requests[0]?.signal.addEventListener("abort", () => resolve())
    );
    world.clock.advance(ANSWER_TIMEOUT_MS);
    assertEquals((await answerOf(visitor)).status, 504);
    await left;
  });

  for (const how of ["reset", "end"] as const) {
    Deno.test(`${transport}, P5 ${how}: the visitor is cut, the body given up`, async () => {
      await using world = await World.start(transport);
      const visitor = await world.ask("/stream");
      await visitor.readThrough("some");
      const closed = new Promise((resolve) => world.stream.once("close", resolve));
      world.network[how]();
      assertEquals((await visitor.readToEnd()).includes("0\r\n\r\n"), false);
      await closed;
      await visitor.close();
    });
  }

  Deno.test(`${transport}, P5 black hole: the visitor is cut once the silence is noticed`, async () => {
    await using world = await World.start(transport);
    const visitor = await world.ask("/stream");
    await visitor.readThrough("some");
    world.network.freeze();
    let isCut = false;
    const cut = visitor.readToEnd().then((rest) => {
      isCut = true;
      return rest;
    });
    for (let i = 0; i < 6 && !isCut; i++) {
      await turns();
      world.clock.advance(SILENCE_MS);
    }
    assertEquals((await cut).includes("0\r\n\r\n"), false);
    await visitor.close();
    world.network.reset();
  });

  for (const how of ["resets", "ends"] as const) {
    Deno.test(`${transport}, P6 the visitor ${how}: the body is given up at once`, async () => {
      await using world = await World.start(transport);
      const visitor = await world.ask("/stream");
      await visitor.readThrough("some");
      const closed = new Promise((resolve) => world.stream.once("close", resolve));
      if (how === "resets") visitor.socket.resetAndDestroy();
      else visitor.socket.destroy();
      await closed;
      assertEquals(await world.requests[0]?.finished, "cut");
    });
  }

  Deno.test(`${transport}, P4 the visitor leaves: the server is told at once`, async () => {
    await using world = await World.start(transport);
    const visitor = await world.ask("/hold");
    await world.gate.reached;
    const left = new Promise<void>((resolve) =>
      world.requests[0]?.signal.addEventListener("abort", () => resolve())
    );
    visitor.socket.resetAndDestroy();
    await left;
  });

  Deno.test(`${transport}, relay killed in P4: the visitor is cut, the server told`, async () => {
    await using world = await World.start(transport);
    const visitor = await world.ask("/hold");
    await world.gate.reached;
    const left = new Promise<void>((resolve) =>
      world.requests[0]?.signal.addEventListener("abort", () => resolve())
    );
    await world.relay.relay.stop(AbortSignal.abort());
    // A relay that is stopped so still says what it can; one that is killed says nothing.
    const said = await visitor.readToEnd();
    assert(said === "" || parseVisit(said).status === 503, said);
    await left;
    await visitor.close();
  });
}

Deno.test("long poll, P4 reset: a poll that breaks loses nothing", async () => {
  await using world = await World.start("long poll");
  const visitor = await world.ask("/hold");
  await world.gate.reached;
  world.network.reset();
  world.gate.open();
  assertEquals((await answerOf(visitor)).status, 200);
});

for (const how of ["reset", "end"] as const) {
  Deno.test(`control channel, P4 ${how}: 502 at once, and the server is told`, async () => {
    await using world = await World.start("control channel");
    const visitor = await world.ask("/hold");
    await world.gate.reached;
    const left = new Promise<void>((resolve) =>
      world.requests[0]?.signal.addEventListener("abort", () => resolve())
    );
    world.network[how]();
    assertEquals((await answerOf(visitor)).status, 502);
    await left;
  });
}

/** Lets what is on the way arrive: bytes cross some sockets of this computer. */
async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setTimeout(resolve, 2));
}
