/** Whatever processes and visitors do, in any order: at most once, answered once, nothing left. */

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { MAX_GIVEN_PER_SERVER, MODERN_ANSWER_TIMEOUT_MS } from "../../lib/base/limits.ts";
import { createId } from "../../lib/wire/create_id.ts";
import { decodePollBody, encodeMagicHeader } from "../../lib/wire/http_serde.ts";
import { DATA } from "../../lib/wire/modern.ts";
import {
  encodeAnswer,
  encodeFail,
  encodeLeave,
  encodePing,
  encodeStreamHead,
} from "../../lib/wire/modern_messages.ts";
import { encodeEmptyRecord, encodeRecord } from "../../lib/wire/records.ts";
import { concatBytes, fromHex, fromLatin1 } from "../support/bytes.ts";
import { ControlledProcess } from "../support/controlled_process.ts";
import { readAnswer } from "../support/fake_request.ts";
import { type HeldPoll, messagesIn, PolledProcess } from "../support/polled_process.ts";
import { readBody } from "../support/read_body.ts";
import { ALPHA, KEY, RelayWorld } from "../support/relay_world.ts";
import { turn } from "../support/turn.ts";

const OK = { status: 200, headers: [] };
const END = fromHex("23000000000002 0000");

interface Process {
  readonly id: string;
  readonly session: string;
  /** Exchanges that it has been given and has said nothing of. */
  readonly work: string[];
  poll(isLost: boolean): void;
  breakPoll(): void;
  say(record: Uint8Array): void;
  lose(): void;
}

interface Asked {
  leave(): void;
  readonly over: Promise<void>;
}

class World extends RelayWorld {
  readonly processes: Process[] = [];
  readonly visitors: Asked[] = [];
  /** Who was given each exchange, in order. */
  readonly given: { readonly id: string; readonly by: string }[] = [];
  readonly #replies: Promise<unknown>[] = [];

  ask(hasBody: boolean): void {
    const body = hasBody ? new PassThrough().on("error", () => {}) : undefined;
    const { request, answer } = this.visit("/servers/alpha/x", {
      ...body === undefined ? {} : { method: "POST", body },
    });
    const over = answer.then(async (received) => {
      // A visitor reads what it gets; an engine cuts it where that breaks off.
      const text = await readAnswer(received).catch(() => undefined);
      request.finish(text === undefined ? "cut" : "delivered");
      body?.destroy();
      if (received.status === 200 && text !== undefined) {
        const [id, by] = text.split(" ");
        assertEquals(this.given.filter((one) => one.id === id), [{ id, by }]);
      } else assert([200, 400, 404, 502, 503, 504].includes(received.status));
    });
    this.visitors.push({ over, leave: () => request.finish("cut") });
  }

  async openPolled(id: string, successorOf?: string): Promise<void> {
    const options = { process: id, ...successorOf === undefined ? {} : { successorOf } };
    const process = await PolledProcess.open(this, options);
    const { session } = process;
    const work: string[] = [];
    let held: HeldPoll | undefined;
    this.processes.push({
      id,
      session,
      work,
      poll: (isLost) => {
        const poll = process.poll();
        held = poll;
        this.#replies.push(poll.answer.then(async ({ status, body }) => {
          if (status !== 200) return;
          if (!isLost) process.received++;
          for (const message of messagesIn(await readBody(body))) {
            if (message.type !== "request") continue;
            this.given.push({ id: message.request.id, by: session });
            if (!isLost) work.push(message.request.id);
          }
        }));
      },
      breakPoll: () => held?.request.finish("cut"),
      say: (record) => this.#replies.push(process.say(record)),
      lose: () => this.state.sessions.find(session)?.end("lost"),
    });
  }

  async openControlled(id: string, successorOf?: string): Promise<void> {
    const options = { process: id, ...successorOf === undefined ? {} : { successorOf } };
    const process = (await ControlledProcess.open(this, options)).read();
    const { session } = process;
    const work: string[] = [];
    const { push } = process.messages;
    process.messages.push = (...messages) => {
      for (const message of messages) {
        if (message.type !== "request") continue;
        this.given.push({ id: message.request.id, by: session });
        work.push(message.request.id);
      }
      return push.apply(process.messages, messages);
    };
    this.processes.push({
      id,
      session,
      work,
      poll: () => {},
      breakPoll: () => {},
      say: (record) => void process.say(record),
      lose: () => process.sends.end(),
    });
  }

  /** A classic poll, whose exchanges are answered at once. */
  pollClassic(): void {
    const headers = ["X-ApiKey", KEY];
    this.#replies.push(
      this.get("/7ZSFUKGV/http_listen/alpha", { headers }).then(async ({ status, body }) => {
        if (status !== 200) return;
        for (const { id } of decodePollBody(Buffer.from(await readBody(body)))) {
          this.given.push({ id, by: "classic" });
          this.#replies.push(this.get(`/7ZSFUKGV/http_response/${id}`, {
            method: "POST",
            headers: [
              ...["X-ApiKey", KEY],
              ...["X-PTTH-2LJYXWC4", encodeMagicHeader({ status: 200, headers: [] })],
            ],
            body: `${id} classic`,
          }));
        }
      }),
    );
  }

  /** An answer by a stream, from whatever session. */
  upload(session: string, path: string, body: Uint8Array): void {
    const headers = ["X-ApiKey", KEY];
    const target = `/7ZSFUKGV/modern/answer/${session}/${path}`;
    this.#replies.push(this.get(target, { method: "POST", headers, body }));
  }

  /** Time passes until everybody has an answer; then nothing may be left. */
  async assertOver(): Promise<void> {
    for (const { session } of this.processes) this.state.sessions.find(session)?.end("lost");
    let isOver = false;
    const over = Promise.all(this.visitors.map((visitor) => visitor.over)).then(() =>
      isOver = true
    );
    // At least as long as a poll is held.
    for (let i = 0; i < 100 && (i < 3 || !isOver); i++) {
      await turn();
      this.clock.advance(MODERN_ANSWER_TIMEOUT_MS / 50);
    }
    await turn();
    assert(isOver, "A visitor waits for ever");
    await over;
    await this.state.book.whenEmpty();
    await Promise.all(this.#replies);
    assertEquals(new Set(this.given.map(({ id }) => id)).size, this.given.length);
    for (const { id } of this.given) assert(this.state.book.find(id).kind !== "open");
    assertEquals(this.state.sessions.of("alpha"), []);
    const [server] = this.state.registry.servers;
    assertEquals(server?.queue.takerCount ?? 0, 0);
    assertEquals(this.clock.pendingCount, 0);
  }
}

/** What may happen; `n` chooses among those whom it may happen to. */
type Step = (world: World, n: number) => void | Promise<void>;

function pick<T>(from: readonly T[], n: number): T | undefined {
  return from[n % Math.max(from.length, 1)];
}

/** Something that is said of an exchange that the process was given. */
function onWork(act: (world: World, process: Process, id: string) => void): Step {
  return (world, n) => {
    const process = pick(world.processes.filter(({ work }) => work.length > 0), n);
    const id = process?.work.shift();
    if (process !== undefined && id !== undefined) act(world, process, id);
  };
}

function textOf({ session }: Process, id: string): Uint8Array {
  return fromLatin1(`${id} ${session}`);
}

const STEPS: Readonly<Record<string, Step>> = {
  visit: (world) => world.ask(false),
  upload: (world) => world.ask(true),
  leave: (world, n) => pick(world.visitors, n)?.leave(),
  openPolled: (world) => world.openPolled(createId()),
  openControlled: (world) => world.openControlled(createId()),
  replace: (world, n) => {
    const { id } = pick(world.processes, n) ?? { id: createId() };
    return n % 2 === 0 ? world.openPolled(id) : world.openControlled(id);
  },
  succeed: (world, n) => {
    const { id, session } = pick(world.processes, n) ?? { id: createId(), session: "" };
    return n % 2 === 0 ? world.openControlled(id, session) : world.openPolled(id, session);
  },
  poll: (world, n) => pick(world.processes, n)?.poll(false),
  pollLost: (world, n) => pick(world.processes, n)?.poll(true),
  breakPoll: (world, n) => pick(world.processes, n)?.breakPoll(),
  pollClassic: (world) => world.pollClassic(),
  answer: onWork((_world, process, id) => process.say(encodeAnswer(id, OK, textOf(process, id)))),
  answerTwice: onWork((_world, process, id) => {
    for (let i = 0; i < 2; i++) process.say(encodeAnswer(id, OK, textOf(process, id)));
  }),
  badAnswer: onWork((_world, process, id) =>
    process.say(encodeAnswer(id, { status: 200, headers: ["a b", ""] }, textOf(process, id)))
  ),
  fail: onWork((_world, process, id) => process.say(encodeFail(id))),
  stream: onWork((world, process, id) => {
    const data = encodeRecord(DATA, textOf(process, id));
    world.upload(process.session, id, concatBytes([encodeStreamHead(OK), data, END]));
  }),
  cutStream: onWork((world, { session }, id) =>
    world.upload(session, id, concatBytes([encodeStreamHead(OK), encodeRecord(DATA, END)]))
  ),
  segment: onWork((world, process, id) => {
    const data = encodeRecord(DATA, textOf(process, id));
    world.upload(process.session, `${id}/0`, concatBytes([encodeStreamHead(OK), data]));
    world.upload(process.session, `${id}/1`, END);
  }),
  foreign: (world, n) => {
    const process = pick(world.processes, n);
    const { id = "" } = pick(world.given, n) ?? {};
    if (process === undefined || id === "" || process.work.includes(id)) return;
    const body = fromLatin1(`forged ${process.session}`);
    const isOwn = world.given.some((one) => one.id === id && one.by === process.session);
    if (!isOwn) process.say(encodeAnswer(id, OK, body));
  },
  ping: (world, n) => pick(world.processes, n)?.say(encodePing()),
  sayLeave: (world, n) => pick(world.processes, n)?.say(encodeLeave()),
  lose: (world, n) => pick(world.processes, n)?.lose(),
  violate: (world, n) => pick(world.processes, n)?.say(encodeEmptyRecord(0x7f)),
  revoke: (world) => world.state.registry.update([]),
  restore: (world) => world.state.registry.update([ALPHA]),
  pass: (world, n) => world.clock.advance((n + 1) * 700),
};

/** So that there is work in most runs; others happen once in a while. */
const OFTEN = [
  "visit",
  "visit",
  "visit",
  "upload",
  "poll",
  "poll",
  "poll",
  "answer",
  "stream",
  "restore",
];

Deno.test("property: every exchange is given at most once, every visitor answered once, nothing is left", async () => {
  const names = [...OFTEN, ...OFTEN, ...Object.keys(STEPS)];
  const step = fc.tuple(fc.constantFrom(...names), fc.nat(11), fc.boolean());
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 100 }), async (steps) => {
      const world = new World({}, [ALPHA]);
      await world.openPolled(createId());
      await world.openControlled(createId());
      for (const [name, n, goesOnAtOnce] of steps) {
        // None opens for a name that is not there, or has sixteen.
        const isOpening = /^(?:open|replace|succeed)/.test(name);
        const isFull = world.state.registry.servers.length === 0 ||
          world.state.sessions.of("alpha").length >= 16;
        if (isOpening && isFull) continue;
        await STEPS[name]?.(world, n);
        if (!goesOnAtOnce) await turn();
      }
      await world.assertOver();
    }),
    { numRuns: 300 },
  );
});

/** Ways that an exchange ends; after each the server may have as many again. */
const ENDS: Readonly<Record<string, (world: RelayWorld, process: PolledProcess) => Promise<void>>> =
  {
    "answered": async (world, process) => {
      const { request, answer } = world.visit("/servers/alpha/x");
      const { id } = await process.takeRequest();
      await process.say(encodeAnswer(id, OK, fromLatin1("x")));
      assertEquals((await answer).status, 200);
      request.finish("delivered");
    },
    "failed": async (world, process) => {
      const { request, answer } = world.visit("/servers/alpha/x");
      const { id } = await process.takeRequest();
      await process.say(encodeFail(id));
      assertEquals((await answer).status, 502);
      request.finish("delivered");
    },
    "left": async (world, process) => {
      const { request, answer } = world.visit("/servers/alpha/x");
      await process.takeRequest();
      request.finish("cut");
      await answer;
    },
    "left while it waited": async (world) => {
      const { request, answer } = world.visit("/servers/alpha/x");
      request.finish("cut");
      await answer;
    },
    "lost with its poll": async (world, process) => {
      const { request, answer } = world.visit("/servers/alpha/x");
      assertEquals((await process.poll().answer).status, 200);
      process.poll().request.finish("cut");
      assertEquals((await answer).status, 502);
      request.finish("delivered");
    },
    "too large for a message": async (world, process) => {
      const headers = Array.from({ length: 40 }, (_, i) => [`X-${i}`, "a".repeat(2000)]).flat();
      process.poll();
      const { request, answer } = world.visit("/servers/alpha/x", { headers });
      assertEquals((await answer).status, 431);
      request.finish("delivered");
    },
  };

for (const [what, end] of Object.entries(ENDS)) {
  Deno.test(`exchanges: those that are ${what} do not count any more`, async () => {
    const world = new RelayWorld();
    const process = await PolledProcess.open(world);
    for (let i = 0; i <= MAX_GIVEN_PER_SERVER; i++) await end(world, process);
    const { request, answer } = world.visit("/servers/alpha/last");
    let taken = await process.takeRequest();
    while (taken.target !== "/last") taken = await process.takeRequest();
    await process.say(encodeAnswer(taken.id, OK, fromLatin1("fine")));
    assertEquals(await readAnswer(await answer), "fine");
    request.finish("delivered");
    world.state.sessions.endAll("stopped");
    await turn();
    assertEquals(world.clock.pendingCount, 0);
  });
}
