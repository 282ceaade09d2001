import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  MAX_GIVEN_PER_SERVER,
  MAX_WAITING_PER_SERVER,
  POLL_GAP_MS,
} from "../../lib/base/limits.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { ClassicDesk, type PollOutcome } from "../../lib/relay/classic_desk.ts";
import { Exchange, type ForwardedRequest } from "../../lib/relay/exchange.ts";
import { ServerQueue } from "../../lib/relay/server_queue.ts";
import { toForwardedRequest, toVisitor } from "../support/exchanges.ts";
import { ManualClock } from "../support/manual_clock.ts";

const forever = new AbortController().signal;

/** A queue, and exchanges that leave it when they are settled, as the relay has it. */
function setUp(): {
  clock: ManualClock;
  queue: ServerQueue;
  desk: ClassicDesk;
  create: (id: string, changes?: Partial<ForwardedRequest>) => Exchange;
  poll: (signal?: AbortSignal) => Promise<PollOutcome>;
} {
  const clock = new ManualClock();
  const queue = new ServerQueue();
  const desk = new ClassicDesk(clock, queue);
  return {
    clock,
    queue,
    desk,
    create: (id, changes) =>
      new Exchange({
        request: toForwardedRequest(id, changes),
        visitor: toVisitor(),
        clock,
        graceMs: 10_000,
        answerTimeoutMs: { classic: 30_000, modern: 60_000 },
        onSettled: (exchange) => queue.remove(exchange),
      }),
    poll: (signal = forever) => desk.poll({ parkMs: 25_000, signal }),
  };
}

function idsOf(outcome: PollOutcome): string[] {
  return outcome.kind === "exchanges" ? outcome.exchanges.map(({ request }) => request.id) : [];
}

/** A server that has polled before, so that its next poll is parked. */
async function setUpConnected(): Promise<ReturnType<typeof setUp>> {
  const world = setUp();
  assertEquals(await world.poll(), { kind: "welcome" });
  return world;
}

Deno.test("ClassicDesk gives a poll all that waits, in order, and counts it as given", async () => {
  const { queue, create, poll } = setUp();
  const exchanges = ["a", "b", "c"].map((id) => create(id));
  for (const exchange of exchanges) assertEquals(queue.add(exchange), true);
  assertEquals(idsOf(await poll()), ["a", "b", "c"]);
  assertEquals(exchanges.map((exchange) => exchange.wasGiven), [true, true, true]);
});

Deno.test("ClassicDesk ends a parked poll with the next exchange", async () => {
  const { queue, desk, create, poll } = await setUpConnected();
  const parked = poll();
  assertEquals(desk.isParked, true);
  queue.add(create("a"));
  assertEquals(idsOf(await parked), ["a"]);
  assertEquals(desk.isParked, false);
});

Deno.test("ClassicDesk welcomes the first poll after a gap, and parks the next", async () => {
  const { clock, desk, poll } = setUp();
  assertEquals(desk.isGap, true);
  assertEquals(await poll(), { kind: "welcome" });
  assertEquals(desk.isGap, false);
  clock.advance(POLL_GAP_MS);
  const parked = poll();
  assertEquals(desk.isParked, true);
  clock.advance(25_000);
  assertEquals(await parked, { kind: "idle" });
  clock.advance(POLL_GAP_MS + 1);
  assertEquals(await poll(), { kind: "welcome" });
});

Deno.test("ClassicDesk gives a waiting exchange to the first poll after a gap at once", async () => {
  const { queue, create, poll } = setUp();
  queue.add(create("a"));
  assertEquals(idsOf(await poll()), ["a"]);
});

Deno.test("ClassicDesk lets a newer poll take over", async () => {
  const { queue, create, poll } = await setUpConnected();
  const first = poll();
  const second = poll();
  assertEquals(await first, { kind: "replaced" });
  queue.add(create("a"));
  assertEquals(idsOf(await second), ["a"]);
});

Deno.test("ClassicDesk never gives anything to a poll whose connection is dead", async () => {
  const { queue, create, poll } = await setUpConnected();
  const controller = new AbortController();
  const parked = poll(controller.signal);
  controller.abort();
  assertEquals(await parked, { kind: "left" });
  const exchange = create("a");
  queue.add(exchange);
  assertEquals(await poll(AbortSignal.abort()), { kind: "left" });
  assertEquals(exchange.wasGiven, false);
  assertEquals(idsOf(await poll()), ["a"]);
});

Deno.test("ServerQueue forgets an exchange whose visitor left, and keeps its neighbours", async () => {
  const { queue, create, poll } = setUp();
  const [a, b] = [create("a"), create("b")];
  queue.add(a);
  queue.add(b);
  a.fail("visitor_left");
  assertEquals(idsOf(await poll()), ["b"]);
});

Deno.test("ClassicDesk tells the parked poll why it ends", async () => {
  for (const [kind, end] of [["stopping", "stop"], ["revoked", "revoke"]] as const) {
    const { queue, poll } = await setUpConnected();
    const parked = poll();
    queue[end]();
    assertEquals(await parked, { kind });
    queue[end]();
  }
});

Deno.test("ClassicDesk refuses what classic cannot carry, and gives the rest", async () => {
  const { queue, create, poll } = await setUpConnected();
  const posted = create("posted", { method: "POST" });
  queue.add(posted);
  queue.add(create("plain"));
  assertEquals(idsOf(await poll()), ["plain"]);
  assertEquals([(await posted.answer).status, posted.wasGiven], [400, false]);
  const parked = poll();
  const odd = create("odd", { path: "/|" });
  queue.add(odd);
  assertEquals((await odd.answer).status, 400);
  queue.add(create("next"));
  assertEquals(idsOf(await parked), ["next"]);
});

Deno.test("ServerQueue takes MAX_WAITING_PER_SERVER exchanges and no more", async () => {
  const { queue, create, poll } = setUp();
  for (let i = 0; i < MAX_WAITING_PER_SERVER; i++) assertEquals(queue.add(create(`${i}`)), true);
  assertEquals(queue.add(create("more")), false);
  assertEquals(idsOf(await poll()).length, MAX_WAITING_PER_SERVER);
  assertEquals(queue.add(create("again")), true);
});

Deno.test("ServerQueue takes no more while MAX_GIVEN_PER_SERVER are not answered", async () => {
  const { queue, create, poll } = setUp();
  const given: Exchange[] = [];
  while (given.length < MAX_GIVEN_PER_SERVER) {
    const exchange = create(`${given.length}`);
    assertEquals(queue.add(exchange), true);
    await poll();
    given.push(exchange);
  }
  assertEquals(queue.add(create("more")), false);
  given[0]?.begin(textAnswer(200, "done"));
  assertEquals(queue.add(create("again")), true);
});

Deno.test("property: every exchange is given at most once, and none that waits is lost", async () => {
  const action = fc.constantFrom("add", "poll", "leave", "hang up");
  await fc.assert(fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
    const { queue, create, poll, clock } = setUp();
    const waiting: string[] = [];
    const given: string[] = [];
    const exchanges: Exchange[] = [];
    const polls: Promise<void>[] = [];
    let controller = new AbortController();
    for (const [i, what] of actions.entries()) {
      if (what === "add") {
        const exchange = create(`${i}`);
        exchanges.push(exchange);
        queue.add(exchange);
      } else if (what === "poll") {
        controller = new AbortController();
        polls.push(poll(controller.signal).then((outcome) => void given.push(...idsOf(outcome))));
      } else if (what === "leave") exchanges.find((one) => !one.wasGiven)?.fail("visitor_left");
      else controller.abort();
    }
    polls.push(poll().then((outcome) => void given.push(...idsOf(outcome))));
    clock.advance(25_000);
    await Promise.all(polls);
    for (const one of exchanges) if (one.wasGiven) waiting.push(one.request.id);
    assertEquals(given.toSorted(), waiting.toSorted());
    assertEquals(new Set(given).size, given.length);
  }));
});
