/** Exchanges, the queue they wait in and the book they stand in, against a model of all three. */

import { assert, assertEquals } from "@std/assert";
import { Readable } from "node:stream";
import fc from "fast-check";
import {
  MAX_ABANDONED_IDS,
  MAX_GIVEN_PER_SERVER,
  MAX_WAITING_PER_SERVER,
} from "../../lib/base/limits.ts";
import { Exchange, type Protocol } from "../../lib/relay/exchange.ts";
import { ExchangeBook } from "../../lib/relay/exchange_book.ts";
import { type Failure, failureAnswer } from "../../lib/relay/failure.ts";
import { ServerQueue, type Taker } from "../../lib/relay/server_queue.ts";
import { toForwardedRequest, toVisitor } from "../support/exchanges.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { ALPHA } from "../support/relay_world.ts";

const GRACE_MS = 1000;
const ANSWER_TIMEOUT_MS = { classic: 3000, modern: 0 };
const PROTOCOLS = ["modern", "classic"] as const;

/** A process: modern ones are of rank 0, classic ones of rank 1. */
class FakeTaker implements Taker {
  readonly protocol: Protocol;
  readonly rank: number;
  room = 0;
  load = 0;
  /** True where it cannot say to its server what it is given, as with heads that are too large. */
  refuses = false;
  readonly taken: string[] = [];
  readonly told: string[] = [];

  constructor(protocol: Protocol) {
    this.protocol = protocol;
    this.rank = PROTOCOLS.indexOf(protocol);
  }

  get isReady(): boolean {
    return this.room > 0;
  }

  take(exchange: Exchange): void {
    if (this.refuses) return exchange.fail("head_too_large");
    this.room--;
    this.load++;
    this.taken.push(exchange.request.id);
    exchange.give(this.protocol, () => this.told.push(exchange.request.id));
  }

  revoke(): void {}
  stop(): void {}
}

interface RealExchange {
  readonly exchange: Exchange;
  readonly source: Readable;
  finish(): void;
  settledTimes: number;
  status: number | undefined;
}

class Real {
  readonly clock = new ManualClock();
  readonly queue = new ServerQueue();
  readonly book = new ExchangeBook();
  readonly takers = PROTOCOLS.flatMap((protocol) => [
    new FakeTaker(protocol),
    new FakeTaker(protocol),
  ]);
  readonly exchanges: RealExchange[] = [];

  add(): void {
    const { promise, resolve } = Promise.withResolvers<"delivered">();
    const exchange = new Exchange({
      request: toForwardedRequest(String(this.exchanges.length)),
      visitor: toVisitor(promise),
      clock: this.clock,
      graceMs: GRACE_MS,
      answerTimeoutMs: ANSWER_TIMEOUT_MS,
      onSettled: (settled) => {
        real.settledTimes++;
        this.queue.remove(settled);
        this.book.settle(settled);
      },
    });
    const source = new Readable({ read: () => {} }).on("error", () => {});
    const finish = (): void => resolve("delivered");
    const real: RealExchange = { exchange, source, finish, settledTimes: 0, status: undefined };
    this.exchanges.push(real);
    void exchange.answer.then(({ status }) => real.status = status);
    this.book.add(exchange, ALPHA);
    if (!this.queue.add(exchange)) exchange.fail("too_many");
  }
}

interface ModelExchange {
  readonly id: number;
  state: "waiting" | "given" | "begun" | "failed";
  by: ModelTaker | undefined;
  deadline: { readonly at: number; readonly order: number; readonly failure: Failure } | undefined;
  status: number | undefined;
  isFinished: boolean;
  isCut: boolean;
}

interface ModelTaker {
  readonly protocol: Protocol;
  isAttached: boolean;
  refuses: boolean;
  room: number;
  load: number;
  /** When it was attached, so that the first of several as good is known. */
  order: number;
  readonly taken: number[];
  readonly told: number[];
}

/** What is meant to happen, in the plainest of words: lists, and no event calls another. */
class Model {
  now = 0;
  readonly exchanges: ModelExchange[] = [];
  readonly takers: readonly ModelTaker[] = PROTOCOLS.flatMap((protocol) =>
    [0, 1].map(() => ({
      ...{ protocol, isAttached: false, refuses: false, room: 0, load: 0, order: 0 },
      ...{ taken: [], told: [] },
    }))
  );
  readonly abandoned: number[] = [];
  #order = 0;

  get waiting(): readonly ModelExchange[] {
    return this.exchanges.filter(({ state, deadline }) => state === "waiting" && deadline);
  }

  get givenCount(): number {
    return this.exchanges.filter(({ state }) => state === "given").length;
  }

  add(): void {
    const isFull = this.waiting.length >= MAX_WAITING_PER_SERVER ||
      this.givenCount >= MAX_GIVEN_PER_SERVER;
    const exchange: ModelExchange = {
      ...{ id: this.exchanges.length, state: "waiting", by: undefined, deadline: undefined },
      ...{ status: undefined, isFinished: false, isCut: false },
    };
    this.exchanges.push(exchange);
    if (isFull) return this.fail(exchange, "too_many");
    const taker = this.#best();
    if (taker !== undefined) return this.#give(exchange, taker);
    this.#expire(exchange, GRACE_MS, "not_connected");
  }

  /** A taker has become ready. */
  serve(taker: ModelTaker): void {
    for (const exchange of this.waiting) {
      if (taker.room === 0 || this.givenCount >= MAX_GIVEN_PER_SERVER) return;
      this.#give(exchange, taker);
    }
  }

  begin(exchange: ModelExchange): boolean {
    if (exchange.state !== "given") return false;
    this.#settle(exchange, "begun", 200);
    return true;
  }

  fail(exchange: ModelExchange, failure: Failure): void {
    if (exchange.state !== "waiting" && exchange.state !== "given") return;
    const wasGiven = exchange.state === "given";
    if (wasGiven) this.abandoned.push(exchange.id);
    this.#settle(exchange, "failed", failureAnswer(failure).status);
    if (wasGiven) exchange.by?.told.push(exchange.id);
  }

  attach(taker: ModelTaker): void {
    if (taker.isAttached) return;
    taker.isAttached = true;
    taker.order = this.#order++;
  }

  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const [next] = this.exchanges.filter(({ deadline }) => deadline && deadline.at <= end)
        .sort(({ deadline: a }, { deadline: b }) => a && b ? a.at - b.at || a.order - b.order : 0);
      if (next?.deadline === undefined) break;
      this.now = next.deadline.at;
      this.fail(next, next.deadline.failure);
    }
    this.now = end;
  }

  #best(): ModelTaker | undefined {
    const [best] = this.takers.filter(({ isAttached, room }) => isAttached && room > 0)
      .sort((a, b) =>
        PROTOCOLS.indexOf(a.protocol) - PROTOCOLS.indexOf(b.protocol) || a.load - b.load ||
        a.order - b.order
      );
    return best;
  }

  #give(exchange: ModelExchange, taker: ModelTaker): void {
    if (taker.refuses) return this.fail(exchange, "head_too_large");
    exchange.state = "given";
    exchange.by = taker;
    exchange.deadline = undefined;
    taker.room--;
    taker.load++;
    taker.taken.push(exchange.id);
    const timeoutMs = ANSWER_TIMEOUT_MS[taker.protocol];
    if (timeoutMs > 0) this.#expire(exchange, timeoutMs, "answer_timeout");
  }

  #expire(exchange: ModelExchange, ms: number, failure: Failure): void {
    exchange.deadline = { at: this.now + ms, order: this.#order++, failure };
  }

  #settle(exchange: ModelExchange, state: "begun" | "failed", status: number): void {
    const wasFull = exchange.state === "given" && this.givenCount >= MAX_GIVEN_PER_SERVER;
    exchange.state = state;
    exchange.status = status;
    exchange.deadline = undefined;
    if (!wasFull) return;
    for (const waiting of this.waiting) {
      const taker = this.#best();
      if (taker === undefined || this.givenCount >= MAX_GIVEN_PER_SERVER) return;
      this.#give(waiting, taker);
    }
  }
}

/** A step; what it does to each of both. */
class Step implements fc.AsyncCommand<Model, Real> {
  readonly #name: string;
  readonly #act: (model: Model, real: Real) => void;
  readonly #mayRun: (model: Model) => boolean;

  constructor(
    name: string,
    act: (model: Model, real: Real) => void,
    mayRun: (model: Model) => boolean = () => true,
  ) {
    this.#name = name;
    this.#act = act;
    this.#mayRun = mayRun;
  }

  check(model: Model): boolean {
    return this.#mayRun(model);
  }

  async run(model: Model, real: Real): Promise<void> {
    this.#act(model, real);
    // The book hears in a microtask that a visitor has everything, and so does who waits.
    for (let i = 0; i < 3; i++) await Promise.resolve();
    assertAlike(model, real);
  }

  toString(): string {
    return this.#name;
  }
}

function assertAlike(model: Model, real: Real): void {
  for (const [at, taker] of model.takers.entries()) {
    const { taken = [], told = [], room, load } = real.takers[at] ?? {};
    // Where many fail at once, it is in no order that anybody may count on.
    assertEquals({ taken, told: told.toSorted(), room, load }, {
      ...{ taken: taker.taken.map(String), told: taker.told.map(String).sort() },
      ...{ room: taker.room, load: taker.load },
    });
  }
  assertEquals(real.queue.takerCount, model.takers.filter(({ isAttached }) => isAttached).length);
  assertEquals(real.exchanges.map(describe), model.exchanges.map(expect));
  const kinds = real.exchanges.map(({ exchange }) => real.book.find(exchange.request.id).kind);
  for (const [id, kind] of kinds.entries()) {
    const { state, by } = model.exchanges[id] ?? {};
    assertEquals(kind === "open", state === "given" && by?.protocol === "classic");
    assert(kind !== "abandoned" || (state === "failed" && by !== undefined));
  }
  // Which are forgotten first is not told apart: where many fail at once, they have no order.
  const abandonedCount = kinds.filter((kind) => kind === "abandoned").length;
  assertEquals(abandonedCount, Math.min(model.abandoned.length, MAX_ABANDONED_IDS));
  const timers = model.exchanges.filter(({ deadline }) => deadline !== undefined).length;
  assertEquals(real.clock.pendingCount, timers, "there is a timer for each deadline, and no other");
}

/** In a text, since there are thousands to be compared. */
function describe({ exchange, source, settledTimes, status }: RealExchange): string {
  const { isUnanswered, isAbandoned, givenBy } = exchange;
  return [isUnanswered, isAbandoned, givenBy, settledTimes, status, source.destroyed].join();
}

function expect({ state, by, status, isCut }: ModelExchange): string {
  const isAbandoned = state === "failed" && by !== undefined;
  const settledTimes = state === "begun" || state === "failed" ? 1 : 0;
  return [state === "given", isAbandoned, by?.protocol, settledTimes, status, isCut].join();
}

/** A step about one of the exchanges or takers, if there are any. */
function of<T>(from: readonly T[], n: number): T | undefined {
  return from[n % Math.max(from.length, 1)];
}

function unfinishedOf({ exchanges }: Model): readonly ModelExchange[] {
  return exchanges.filter(({ isFinished }) => !isFinished);
}

/** Ends all that is not finished as the server is not allowed any more. */
function revoke(model: Model, real: Real): void {
  real.book.revoke(() => false);
  for (const exchange of unfinishedOf(model)) {
    const wasBegun = exchange.state === "begun";
    model.fail(exchange, "server_lost");
    if (wasBegun) exchange.isCut = true;
  }
}

/** Where the order in which exchanges fail is nobody's to see. */
const hasRoom = ({ givenCount }: Model): boolean => givenCount < MAX_GIVEN_PER_SERVER;

const index = fc.nat(40);
const takerAt = fc.nat(2 * PROTOCOLS.length - 1);

/** A taker comes, or is ready for more or fewer than it was. */
function makeRoom(model: Model, real: Real, at: number, room: number): void {
  const [taker, one] = [model.takers[at], real.takers[at]];
  assert(taker !== undefined && one !== undefined);
  one.room = room;
  real.queue.attach(one);
  real.queue.serve(one);
  taker.room = room;
  model.attach(taker);
  model.serve(taker);
}

function visit(model: Model, real: Real, count: number): void {
  for (let i = 0; i < count; i++) {
    real.add();
    model.add();
  }
}

function begin(model: Model, real: Real, exchange: ModelExchange): void {
  const one = real.exchanges[exchange.id];
  assert(one !== undefined);
  const begun = one.exchange.begin({ status: 200, headers: [], body: one.source });
  assertEquals(begun, model.begin(exchange));
}

function fail(model: Model, real: Real, exchange: ModelExchange, failure: Failure): void {
  real.exchanges[exchange.id]?.exchange.fail(failure);
  model.fail(exchange, failure);
}

const STEPS: readonly fc.Arbitrary<Step>[] = [
  fc.constantFrom(1, 1, 2, 5, 300).map((count) =>
    new Step(`visit ${count}`, (model, real) => visit(model, real, count))
  ),
  fc.tuple(takerAt, fc.constantFrom(0, 1, 2, 5, 2000)).map(([at, room]) =>
    new Step(`room ${at} ${room}`, (model, real) => makeRoom(model, real, at, room))
  ),
  takerAt.map((at) =>
    new Step(`crowd ${at}`, (model, real) => {
      // Some wait, and then there is room for more than may be given.
      makeRoom(model, real, at, MAX_GIVEN_PER_SERVER - 10);
      visit(model, real, MAX_GIVEN_PER_SERVER + 20);
      makeRoom(model, real, at, MAX_GIVEN_PER_SERVER);
    }, ({ exchanges }) => exchanges.length < 3 * MAX_GIVEN_PER_SERVER)
  ),
  fc.boolean().map((isAnswered) =>
    new Step(isAnswered ? "answer all" : "drop all", (model, real) => {
      for (const exchange of unfinishedOf(model)) {
        if (isAnswered) begin(model, real, exchange);
        else fail(model, real, exchange, "visitor_left");
      }
    })
  ),
  takerAt.map((at) =>
    new Step(`detach ${at}`, (model, real) => {
      const [taker, one] = [model.takers[at], real.takers[at]];
      assert(taker !== undefined && one !== undefined);
      real.queue.detach(one);
      taker.isAttached = false;
    })
  ),
  takerAt.map((at) =>
    new Step(`refuse ${at}`, (model, real) => {
      const [taker, one] = [model.takers[at], real.takers[at]];
      assert(taker !== undefined && one !== undefined);
      taker.refuses = one.refuses = !taker.refuses;
    })
  ),
  index.map((n) =>
    new Step(`begin ${n}`, (model, real) => {
      const exchange = of(unfinishedOf(model), n);
      if (exchange !== undefined) begin(model, real, exchange);
    })
  ),
  fc.tuple(index, fc.constantFrom<Failure>("visitor_left", "server_gave_up")).map((
    [n, failure],
  ) =>
    new Step(`fail ${n} ${failure}`, (model, real) => {
      const exchange = of(unfinishedOf(model), n);
      if (exchange !== undefined) fail(model, real, exchange, failure);
    })
  ),
  index.map((n) =>
    new Step(`finish ${n}`, (model, real) => {
      const settled = unfinishedOf(model).filter(({ status }) => status !== undefined);
      const exchange = of(settled, n);
      if (exchange === undefined) return;
      real.exchanges[exchange.id]?.finish();
      exchange.isFinished = true;
    })
  ),
  fc.constantFrom(1, 500, 1000, 3000).map((ms) =>
    new Step(`pass ${ms}`, (model, real) => {
      real.clock.advance(ms);
      model.advance(ms);
    })
  ),
  fc.constant(new Step("revoke", revoke, hasRoom)),
  fc.constant(
    new Step("stop waiting", (model, real) => {
      real.book.failAll("waiting");
      for (const exchange of model.waiting) model.fail(exchange, "relay_stopping");
    }, hasRoom),
  ),
];

Deno.test("model: exchanges are given at most once and settled once, counted right, and leave nothing", async () => {
  const commands = fc.commands([...STEPS], { maxCommands: 60 });
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      const [model, real] = [new Model(), new Real()];
      await fc.asyncModelRun(() => ({ model, real }), steps);
      // Whatever has been: all ends, and nobody waits for ever.
      for (const { exchange } of real.exchanges) exchange.fail("visitor_left");
      let isEmpty = false;
      void real.book.whenEmpty().then(() => isEmpty = true);
      for (const { finish } of real.exchanges) finish();
      for (let i = 0; i < 5; i++) await Promise.resolve();
      assert(isEmpty, "the book is empty");
      assertEquals(real.clock.pendingCount, 0);
      for (const { settledTimes, status } of real.exchanges) {
        assertEquals(settledTimes, 1);
        assert(status !== undefined, "each visitor has an answer");
      }
      const taken = real.takers.flatMap((taker) => taker.taken);
      assertEquals(new Set(taken).size, taken.length, "none is given twice");
    }),
    { numRuns: 300 },
  );
});
