import { assertEquals } from "@std/assert";
import { MAX_GIVEN_PER_SERVER } from "../../lib/base/limits.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { Exchange } from "../../lib/relay/exchange.ts";
import { ServerQueue, type Taker } from "../../lib/relay/server_queue.ts";
import { toForwardedRequest, toVisitor } from "../support/exchanges.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** Takes as many as it has room for. */
class FakeTaker implements Taker {
  readonly taken: Exchange[] = [];
  room = Infinity;
  readonly rank: number;

  constructor(rank = 0) {
    this.rank = rank;
  }

  get isReady(): boolean {
    return this.taken.length < this.room;
  }

  get load(): number {
    return this.taken.length;
  }

  get ids(): string[] {
    return this.taken.map(({ request }) => request.id);
  }

  take(exchange: Exchange): void {
    exchange.give("modern");
    this.taken.push(exchange);
  }

  revoke(): void {}
  stop(): void {}
}

function setUp(): { queue: ServerQueue; add: (id: string) => Exchange } {
  const queue = new ServerQueue();
  const clock = new ManualClock();
  return {
    queue,
    add: (id) => {
      const exchange = new Exchange({
        request: toForwardedRequest(id),
        visitor: toVisitor(),
        clock,
        graceMs: 10_000,
        answerTimeoutMs: { classic: 30_000, modern: 60_000 },
        onSettled: (settled) => queue.remove(settled),
      });
      assertEquals(queue.add(exchange), true);
      return exchange;
    },
  };
}

const DONE = textAnswer(200, "done");

Deno.test("ServerQueue gives to the taker of the lowest rank, and of those to the one with the fewest", () => {
  const { queue, add } = setUp();
  const [first, second, classic] = [new FakeTaker(), new FakeTaker(), new FakeTaker(1)];
  for (const taker of [classic, first, second]) queue.attach(taker);
  for (const id of ["a", "b", "c", "d"]) add(id);
  assertEquals([first.ids, second.ids, classic.ids], [["a", "c"], ["b", "d"], []]);
  first.room = 0;
  add("e");
  second.room = 0;
  add("f");
  assertEquals([first.load, second.ids, classic.ids], [2, ["b", "d", "e"], ["f"]]);
});

Deno.test("ServerQueue gives a taker that is ready all that waits, in order, as far as it goes", () => {
  const { queue, add } = setUp();
  const taker = new FakeTaker();
  taker.room = 0;
  queue.attach(taker);
  for (const id of ["a", "b", "c", "d"]) add(id);
  add("gone").fail("visitor_left");
  taker.room = 3;
  queue.serve(taker);
  assertEquals(taker.ids, ["a", "b", "c"]);
  taker.room = Infinity;
  queue.serve(taker);
  assertEquals(taker.ids, ["a", "b", "c", "d"]);
});

Deno.test("ServerQueue gives what waits as soon as fewer than MAX_GIVEN_PER_SERVER are unanswered", () => {
  const { queue, add } = setUp();
  const taker = new FakeTaker();
  queue.attach(taker);
  for (let i = 0; i < MAX_GIVEN_PER_SERVER - 1; i++) add(`${i}`);
  taker.room = 0;
  for (const id of ["a", "b", "c"]) add(id);
  taker.room = Infinity;
  // It becomes ready, once; and has room for all of them from now on.
  queue.serve(taker);
  assertEquals(taker.ids.at(-1), "a");
  taker.taken[0]?.begin(DONE);
  assertEquals(taker.ids.at(-1), "b");
  taker.taken[1]?.fail("server_gave_up");
  assertEquals(taker.ids.at(-1), "c");
});

Deno.test("ServerQueue gives nothing to a taker that is gone", () => {
  const { queue, add } = setUp();
  const taker = new FakeTaker();
  queue.attach(taker);
  queue.detach(taker);
  add("a");
  assertEquals(taker.taken, []);
  const next = new FakeTaker();
  queue.attach(next);
  queue.serve(next);
  assertEquals(next.ids, ["a"]);
});
