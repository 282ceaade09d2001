/** Finding out what the way to a relay lets through. */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { PassThrough } from "node:stream";
import { PROBE_HOLD_MS, PROBE_RETRY_MS, PROBE_TIMEOUT_MS } from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import { Path, type PathKind } from "../../lib/server/path.ts";
import { PROBE_LENGTH } from "../../lib/wire/modern.ts";
import { ID, toHex } from "../support/bytes.ts";
import { type Asked, DOWN, FakeRelay, type OpenReply } from "../support/fake_relay.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { turn } from "../support/turn.ts";

const STREAMS: PathKind = { up: "streams", down: "streams" };
const SEGMENTS: PathKind = { up: "segments", down: "segments" };

/** What something on the way does with each probe; "passes" is as a relay does. */
interface Way {
  readonly chunked: "passes" | "unseen" | "late" | "refused" | number | Error;
  readonly long: "passes" | "unseen" | "late" | number | Error;
  readonly down: "passes" | "unseen" | "late" | "page" | number | Error;
}

const CLEAR: Way = { chunked: "passes", long: "passes", down: "passes" };

class World {
  readonly clock = new ManualClock();
  readonly relay = new FakeRelay();
  readonly lost = new AbortController();
  readonly lines: readonly string[];
  readonly path: Path;
  way: Way;
  readonly #seen = new Map<string, () => void>();

  constructor(way: Partial<Way> = {}) {
    this.way = { ...CLEAR, ...way };
    const { log, lines } = createMemoryLog(this.clock);
    this.lines = lines;
    this.relay.reply = (asked) => {
      const way = asked.bodyLength === null ? this.way.chunked : this.way.long;
      if (way instanceof Error) return way;
      if (typeof way === "number") return { status: way };
      if (way !== "unseen") void this.#see(asked, way);
      return "held";
    };
    this.relay.openReply = () => this.#open();
    this.path = new Path({
      baseUrl: "http://relay.test/7ZSFUKGV",
      apiKey: "the key",
      session: ID,
      client: this.relay,
      clock: this.clock,
      log,
      signal: this.lost.signal,
      whenSeen: (nonce, seen) => this.#seen.set(nonce, seen),
    });
  }

  async #see(asked: Asked, way: "passes" | "late" | "refused"): Promise<void> {
    await turn();
    const tell = (): void => this.#seen.get(toHex(asked.received().slice(7)))?.();
    if (way === "late") this.clock.after(PROBE_TIMEOUT_MS + 1, tell);
    else tell();
    // A relay answers when the request ends.
    if (await asked.whole) asked.answer({ status: way === "refused" ? 413 : 204 });
  }

  #open(): OpenReply {
    const { down } = this.way;
    if (down instanceof Error) return down;
    if (typeof down === "number") return { status: down };
    const body = new PassThrough();
    if (down === "passes") body.write(Uint8Array.from([0x25, 0, 0, 0, 0, 0, 0]));
    if (down === "page") body.write("<!DOCTYPE html>");
    if (down === "late") this.clock.after(PROBE_TIMEOUT_MS + 1, () => body.write("%"));
    return { status: 200, body };
  }

  /** What is known after the first probe, over the time that it takes. */
  async kind(): Promise<PathKind> {
    let kind: PathKind | undefined;
    void this.path.kind.then((known) => kind = known);
    for (let i = 0; i < 20 && kind === undefined; i++) {
      await turn();
      if (kind === undefined) this.clock.advance(500);
    }
    assert(kind !== undefined, "The probe takes too long");
    return kind;
  }

  /** Time passes, at most ten minutes. */
  async passUntil(isMet: () => boolean): Promise<void> {
    for (let i = 0; !isMet(); i++) {
      assert(i < 600, "Waited in vain");
      await turn();
      this.clock.advance(1_000);
    }
  }

  warnings(): string[] {
    return this.lines.filter((line) => line.startsWith("WARN "));
  }

  async end(): Promise<void> {
    this.lost.abort();
    await turn();
    assertEquals(this.clock.pendingCount, 0);
    for (const { signal } of [...this.relay.asked, ...this.relay.opened]) assert(signal.aborted);
  }
}

Deno.test("Path: where all probes pass, streams do, without waiting, and none is made again", async () => {
  const world = new World();
  assertEquals(await world.kind(), STREAMS);
  assertEquals(world.clock.monotonic(), 0);
  const [chunked, long, ...more] = world.relay.asked;
  assert(chunked !== undefined && long !== undefined);
  assertEquals(more, []);
  assertEquals([chunked.bodyLength, long.bodyLength], [null, PROBE_LENGTH]);
  for (const { method, path, headers, received } of [chunked, long]) {
    assertEquals([method, path], ["POST", `probe/${ID}`]);
    assertEquals(headerValue(headers, "x-apikey"), "the key");
    assertMatch(toHex(received()), /^22000000000010[0-9a-f]{32}$/);
  }
  assertNotEquals(toHex(chunked.received()), toHex(long.received()));
  // The first one ends in good order, the second can only be broken off.
  assertEquals([await chunked.whole, await long.whole], [true, false]);
  assertEquals(world.relay.opened.map(({ path }) => path), [`probe/${ID}`]);
  assertEquals(world.warnings(), []);
  world.clock.advance(10 * PROBE_RETRY_MS);
  await turn();
  assertEquals(world.relay.asked.length, 2);
  await world.end();
});

const WAYS: readonly (readonly [what: string, way: Partial<Way>, kind: PathKind])[] = [
  ["an answer that is held", { down: "unseen" }, { up: "streams", down: "segments" }],
  ["an answer that comes late", { down: "late" }, { up: "streams", down: "segments" }],
  ["another answer", { down: "page" }, { up: "streams", down: "segments" }],
  ["an answer of 404", { down: 404 }, { up: "streams", down: "segments" }],
  ["no answer", { down: DOWN }, { up: "streams", down: "segments" }],
  ...(["chunked", "long"] as const).flatMap((which) =>
    (["unseen", "late", 411, 413, 502, 204, DOWN] as const).map((how) =>
      [
        `a ${which} request that is ${how instanceof Error ? "not taken" : how}`,
        { [which]: how },
        { up: "segments", down: "streams" },
      ] as const
    )
  ),
  ["a request that passes, and is refused", { chunked: "refused" }, {
    up: "segments",
    down: "streams",
  }],
  ["nothing at all", { chunked: DOWN, long: DOWN, down: DOWN }, SEGMENTS],
  ["everything held", { chunked: "unseen", long: "unseen", down: "unseen" }, SEGMENTS],
];

for (const [what, way, kind] of WAYS) {
  Deno.test(`Path: ${what} makes it segments, says so, and is tried again every 5 minutes`, async () => {
    const world = new World(way);
    assertEquals(await world.kind(), kind);
    assert(world.clock.monotonic() <= PROBE_HOLD_MS);
    assertEquals(world.warnings(), [
      "WARN A proxy on the way to the relay holds back what it passes on: long bodies are slow " +
      `answers=${kind.up} requests=${kind.down}`,
    ]);
    const since = world.clock.monotonic();
    assertEquals(world.relay.asked.length, 2);
    world.way = CLEAR;
    await world.passUntil(() => world.relay.asked.length > 2);
    const waited = world.clock.monotonic() - since;
    assert(waited >= PROBE_RETRY_MS - 4_000 && waited <= PROBE_RETRY_MS + 4_000, `${waited}`);
    await turn();
    await turn();
    await turn();
    assertEquals(await world.path.kind, STREAMS);
    // Now that all is well, it stays so.
    world.clock.advance(10 * PROBE_RETRY_MS);
    await turn();
    assertEquals(world.relay.asked.length, 4);
    await world.end();
  });
}

Deno.test("Path: a session that is lost ends its probes at once", async () => {
  const world = new World({ chunked: "unseen", long: "unseen", down: "unseen" });
  await turn();
  world.lost.abort();
  assertEquals(await world.path.kind, SEGMENTS);
  // It is nobody's fault.
  assertEquals(world.warnings(), []);
  assertEquals(world.clock.monotonic(), 0);
  await world.end();
});

Deno.test("Path: what is distrusted sends answers in segments from then on, and says so once", async () => {
  const world = new World();
  assertEquals(await world.kind(), STREAMS);
  world.path.distrust("the answer is 413");
  world.path.distrust("the answer is 413");
  assertEquals(await world.path.kind, { up: "segments", down: "streams" });
  assertEquals(world.warnings(), [
    'WARN Streams do not pass to the relay: answers go in segments reason="the answer is 413"',
  ]);
  world.clock.advance(10 * PROBE_RETRY_MS);
  await turn();
  assertEquals(world.relay.asked.length, 2);
  await world.end();
});

Deno.test("Path: what is distrusted while it is probed again stays so, whatever is found", async () => {
  const world = new World({ down: "unseen" });
  assertEquals(await world.kind(), { up: "streams", down: "segments" });
  await world.passUntil(() => world.relay.asked.length > 2);
  world.path.distrust("the answer is 413");
  for (let i = 0; i < 10; i++) {
    await turn();
    world.clock.advance(1_000);
  }
  assertEquals((await world.path.kind).up, "segments");
  await world.end();
});
