/** A loop of polls against a relay that answers as the test says, over time moved by hand. */

import { assert, assertEquals } from "@std/assert";
import { POLL_PARK_MS } from "../../lib/base/limits.ts";
import { PollLoop, type PollLoopOptions } from "../../lib/server/poll_loop.ts";
import type { RelayAnswer, RelayRequest } from "../../lib/server/relay_request.ts";
import { type ClassicRequest, encodePollBody } from "../../lib/wire/http_serde.ts";
import { ManualClock } from "./manual_clock.ts";
import { createMemoryLog } from "./memory_log.ts";
import { turn } from "./turn.ts";

/** What a poll brings; "held": 204 after as long as a relay holds it. */
export type Reply = Partial<RelayAnswer> | Error | "held";

export interface World {
  readonly clock: ManualClock;
  readonly loop: PollLoop;
  readonly polls: RelayRequest[];
  /** When each poll came, on the clock. */
  readonly times: number[];
  readonly taken: { readonly request: ClassicRequest; readonly baseUrl: string }[];
  readonly connected: string[];
  readonly lines: string[];
  /** What the relay answers; a held poll ends with 204, as a relay that nobody visits ends it. */
  reply: (request: RelayRequest) => Reply;
  whenRoom: () => Promise<void>;
  runModern: PollLoopOptions["runModern"];
  random: number;
}

export interface WorldOptions {
  readonly relayUrl?: string;
  readonly reply?: World["reply"];
}

export function setUp(options: WorldOptions = {}): World {
  const clock = new ManualClock();
  const { log, lines } = createMemoryLog(clock);
  const world: World = {
    clock,
    lines,
    polls: [],
    times: [],
    taken: [],
    connected: [],
    reply: options.reply ?? (() => "held"),
    whenRoom: () => Promise.resolve(),
    runModern: () => Promise.reject(new TypeError("No modern relay here")),
    random: 0.5,
    loop: new PollLoop({
      name: "my_server",
      apiKey: "the key",
      relayUrl: options.relayUrl ?? "http://relay.test",
      client: { request: (request) => answer(world, request) },
      clock,
      log,
      random: () => world.random,
      onRequest: (request, baseUrl) => world.taken.push({ request, baseUrl }),
      whenRoom: () => world.whenRoom(),
      onConnected: (baseUrl) => world.connected.push(baseUrl),
      runModern: (baseUrl, options) => world.runModern(baseUrl, options),
    }),
  };
  return world;
}

function answer(world: World, request: RelayRequest): Promise<RelayAnswer> {
  world.polls.push(request);
  world.times.push(world.clock.monotonic());
  const reply = world.reply(request);
  if (reply instanceof Error) return Promise.reject(reply);
  if (reply !== "held") return Promise.resolve(toAnswer(reply));
  return new Promise((resolve, reject) => {
    const timer = world.clock.after(POLL_PARK_MS, () => resolve(toAnswer({ status: 204 })));
    request.signal.addEventListener("abort", () => {
      world.clock.clear(timer);
      reject(new Error("aborted"));
    }, { once: true });
  });
}

function toAnswer(reply: Partial<RelayAnswer>): RelayAnswer {
  return { status: 200, headers: [], body: new Uint8Array(), isBodySent: true, ...reply };
}

/** Runs the loop for `ms` on the clock, timer by timer, then ends it. */
export async function runFor(world: World, ms: number): Promise<void> {
  const controller = new AbortController();
  const run = world.loop.run(controller.signal);
  await pass(world, ms);
  controller.abort();
  await run;
  assertEquals(world.clock.pendingCount, 0);
}

/** Time passes, timer by timer. */
export async function pass({ clock }: World, ms: number): Promise<void> {
  const end = clock.monotonic() + ms;
  for (;;) {
    await turn();
    const delay = clock.nextDelay;
    assert(delay !== undefined, "The loop neither waits nor polls");
    if (clock.monotonic() + delay > end) break;
    clock.advance(delay);
  }
  clock.advance(end - clock.monotonic());
}

export const EMPTY = { status: 200, body: encodePollBody([]) };
export const DOWN = new Error("Cannot reach relay");

export function batch(...ids: string[]): Partial<RelayAnswer> {
  return {
    body: encodePollBody(ids.map((id) => ({ id, method: "GET", uri: `/${id}`, headers: [] }))),
  };
}

export function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - (times[i] ?? 0));
}

export function linesWith(world: World, part: string): string[] {
  return world.lines.filter((line) => line.includes(part));
}
