/** How the loop of polls goes over to modern, and back (docs/protocol.md, "Negotiation"). */

import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import {
  CONTROL_RETRY_MS,
  MAX_CONTROL_RETRY_MS,
  POLL_PARK_MS,
  REFUSED_RETRY_MS,
  REPEATED_LOG_MS,
} from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { Connection, ModernEnd } from "../../lib/server/poll_loop.ts";
import {
  gaps,
  linesWith,
  pass,
  type Reply,
  runFor,
  setUp,
  type World,
} from "../support/poll_loop_world.ts";
import { turn } from "../support/turn.ts";

const OFFER: Reply = { status: 200, headers: ["X-PTTH-Modern", "1"], body: Uint8Array.of(0x90) };
const CONTROL: Connection = { transport: "control channel" };
const LOST: ModernEnd = { kind: "lost", reason: "the connection was lost" };

/** A relay that speaks modern to whoever offers to. */
function setUpModern(): World {
  const world = setUp();
  world.reply = ({ headers }) =>
    headerValue(headers, "x-ptth-modern") === undefined ? "held" : OFFER;
  return world;
}

/** A session that lasts so long, or until it is to end. */
function lasting(world: World, ms: number, end: ModernEnd): World["runModern"] {
  return (_baseUrl, { signal, onOpen }) => {
    onOpen(CONTROL);
    return new Promise((resolve) => {
      const timer = world.clock.after(ms, () => resolve(end));
      signal.addEventListener("abort", () => {
        world.clock.clear(timer);
        resolve(end);
      }, { once: true });
    });
  };
}

function offers(world: World): boolean[] {
  return world.polls.map(({ headers }) => headerValue(headers, "x-ptth-modern") === "1");
}

Deno.test("PollLoop speaks modern to a relay that does, and polls no more while that goes on", async () => {
  const world = setUpModern();
  const bases: string[] = [];
  const run = lasting(world, Infinity, LOST);
  world.runModern = (baseUrl, options) => {
    bases.push(baseUrl);
    return run(baseUrl, options);
  };
  await runFor(world, 3_600_000);
  assertEquals(offers(world), [true]);
  assertEquals(bases, ["http://relay.test/7ZSFUKGV"]);
  assertEquals(world.connected, ["http://relay.test/7ZSFUKGV"]);
  assertEquals(world.lines, []);
});

Deno.test("PollLoop asks at once when a session is lost, and says so", async () => {
  const world = setUpModern();
  world.runModern = lasting(world, 10_000, LOST);
  await runFor(world, 35_000);
  assertEquals(world.times, [0, 10_000, 20_000, 30_000]);
  assertEquals(linesWith(world, "Connection to the relay lost").length, 3);
  assertEquals(linesWith(world, "INFO Connected again").length, 3);
  assertEquals(linesWith(world, "WARN"), []);
  assertEquals(world.connected.length, 1);
});

Deno.test("PollLoop makes no tight loop of sessions that are lost at once, and says so once a minute", async () => {
  for (const ms of [0, 500]) {
    const world = setUpModern();
    world.runModern = lasting(world, ms, LOST);
    world.random = 0;
    await runFor(world, 2 * 3_600_000);
    const pauses = gaps(world.times);
    // One may be lost for any reason.
    assertEquals(pauses[0], ms);
    for (const [i, pause] of pauses.entries()) {
      const outage = world.times[i] ?? 0;
      const least = outage < 60_000 ? 125 : outage < 3_600_000 ? 500 : 15_000;
      if (i > 0) assertLessOrEqual(least + ms, pause + 125);
    }
    assertLessOrEqual(linesWith(world, "WARN").length, 2 * 60 + 1);
    assertEquals(new Set(linesWith(world, "WARN")).size, 1);
    assertEquals(world.connected.length, 1);
  }
});

Deno.test("PollLoop begins anew with short pauses after a session that lasted", async () => {
  const world = setUpModern();
  let count = 0;
  world.runModern = (baseUrl, options) =>
    lasting(world, ++count === 100 ? 60_000 : 0, LOST)(baseUrl, options);
  world.random = 1;
  const controller = new AbortController();
  const run = world.loop.run(controller.signal);
  while (count < 105) await pass(world, 1_000);
  const [before = 0, lasted, after] = gaps(world.times).slice(98);
  assertEquals([lasted, after], [60_000, 0]);
  assert(before >= 250);
  assertEquals(gaps(world.times).slice(101, 103), [250, 250]);
  controller.abort();
  await run;
});

Deno.test("PollLoop polls classic where modern is blocked, and offers it again after 1, 2, 4 … 60 minutes", async () => {
  const world = setUpModern();
  world.runModern = () => Promise.resolve({ kind: "blocked", reason: "the answer is 404" });
  await runFor(world, 5 * 3_600_000);
  const offered = world.times.filter((_, i) => offers(world)[i]);
  const minutes = gaps(offered).map((gap) => Math.floor(gap / CONTROL_RETRY_MS));
  assertEquals(minutes.slice(0, 8), [1, 2, 4, 8, 16, 32, 60, 60]);
  // A poll that is held is not interrupted for it.
  for (const gap of gaps(offered)) assertLessOrEqual(gap, MAX_CONTROL_RETRY_MS + POLL_PARK_MS);
  // The first classic poll comes at once.
  assertEquals([world.times.slice(0, 2), offers(world).slice(0, 2)], [[0, 0], [true, false]]);
  assertEquals(world.connected.length, 1);
  assertEquals(
    linesWith(world, "The network lets only classic polls through").length,
    offered.length,
  );
});

Deno.test("PollLoop offers modern after a minute again once a session was open", async () => {
  const world = setUpModern();
  let count = 0;
  world.runModern = (baseUrl, options) =>
    ++count === 4
      ? lasting(world, 3_600_000, LOST)(baseUrl, options)
      : Promise.resolve({ kind: "blocked", reason: "the answer is 404" });
  await runFor(world, 2 * 3_600_000);
  const offered = world.times.filter((_, i) => offers(world)[i]);
  const minutes = gaps(offered).map((gap) => Math.floor(gap / CONTROL_RETRY_MS));
  assertEquals(minutes.slice(0, 6), [1, 2, 4, 60, 1, 2]);
  assertEquals(linesWith(world, "INFO Connected by another transport").length, 1);
});

for (const status of [401, 403]) {
  Deno.test(`PollLoop waits 5 s where modern is refused, as where a poll gets ${status}`, async () => {
    const world = setUpModern();
    world.runModern = () => Promise.resolve({ kind: "refused", reason: `the answer is ${status}` });
    await runFor(world, 10 * 60_000 - 1);
    assertEquals(new Set(gaps(world.times)), new Set([0.75 * REFUSED_RETRY_MS]));
    assertEquals(world.lines.length, 10 * 60_000 / REPEATED_LOG_MS);
    assertEquals(linesWith(world, "Refused by the relay").length, world.lines.length);
  });
}

Deno.test("PollLoop waits a little where modern meets trouble, longer the longer that lasts", async () => {
  const world = setUpModern();
  world.random = 1;
  world.runModern = () => Promise.resolve({ kind: "trouble", reason: "the relay is stopping" });
  await runFor(world, 2 * 3_600_000);
  const waits = gaps(world.times);
  assertEquals([waits[0], Math.max(...waits.slice(0, 700)), waits.at(-1)], [250, 1_500, 30_000]);
  assertEquals(waits, waits.toSorted((a, b) => a - b));
  assertEquals(linesWith(world, "No connection to the relay").length, world.lines.length);
});

Deno.test("PollLoop takes no offer that it has not asked for", async () => {
  const world = setUp();
  world.reply = () => OFFER;
  let count = 0;
  world.runModern = () => {
    count++;
    return Promise.resolve({ kind: "blocked", reason: "the answer is 404" });
  };
  await runFor(world, CONTROL_RETRY_MS - 1_000);
  assertEquals(count, 1);
  assertLessOrEqual(world.times.length, CONTROL_RETRY_MS / 125);
});

Deno.test("PollLoop says once by which transport it is connected, and when that changes", async () => {
  const world = setUpModern();
  const opens = Promise.withResolvers<(connection: Connection) => void>();
  world.runModern = (_baseUrl, { signal, onOpen }) => {
    opens.resolve(onOpen);
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(LOST)));
  };
  const controller = new AbortController();
  const run = world.loop.run(controller.signal);
  const open = await opens.promise;
  open({ transport: "long poll" });
  open({ transport: "control channel" });
  await turn();
  assertEquals(world.connected.length, 1);
  assertEquals(world.lines, [
    "INFO Connected by another transport relay=http://relay.test/7ZSFUKGV " +
    'transport="control channel"',
  ]);
  controller.abort();
  await run;
  assertEquals([world.polls.length, world.clock.pendingCount], [1, 0]);
});
