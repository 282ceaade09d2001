/** Requests and messages about exchanges that are not this session's: nothing is disturbed. */

import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { PassThrough } from "node:stream";
import type { HttpAnswer } from "../../lib/http/message.ts";
import { decodePollBody, encodeMagicHeader } from "../../lib/wire/http_serde.ts";
import { createId } from "../../lib/wire/create_id.ts";
import {
  encodeAnswer,
  encodeFail,
  encodeInform,
  encodeStreamHead,
} from "../../lib/wire/modern_messages.ts";
import { fromLatin1 } from "../support/bytes.ts";
import { type FakeRequestOptions, readAnswer } from "../support/fake_request.ts";
import { PolledProcess } from "../support/polled_process.ts";
import { readBody } from "../support/read_body.ts";
import { assertText, KEY, OTHER_KEY, RelayWorld, type Visitor } from "../support/relay_world.ts";

const OK = { status: 200, headers: [] };

interface Given {
  readonly id: string;
  readonly visitor: Visitor;
}

/** Somebody who asks about exchanges, and all sorts of exchanges that are not theirs. */
class World extends RelayWorld {
  asker!: PolledProcess;
  neighbour!: PolledProcess;
  stranger!: PolledProcess;
  /** What somebody else still has to answer, by what it is. */
  readonly given: Record<"asker" | "neighbour" | "stranger" | "classic", Given>;
  /** Ids that nobody waits for, by what they are. */
  readonly dead: Record<"over" | "failed" | "never given", string>;

  private constructor() {
    super();
    const none = { id: "", visitor: this.visit("/nosuch") };
    this.given = { asker: none, neighbour: none, stranger: none, classic: none };
    this.dead = { over: "", failed: "", "never given": createId() };
  }

  static async start(): Promise<World> {
    const world = new World();
    world.asker = await PolledProcess.open(world);
    const over = await world.#ask(world.asker, "alpha");
    await world.asker.say(encodeAnswer(over.id, OK, fromLatin1("x")));
    await over.visitor.answer;
    over.visitor.request.finish("delivered");
    world.dead.over = over.id;
    const failed = await world.#ask(world.asker, "alpha");
    await world.asker.say(encodeFail(failed.id));
    assertEquals((await failed.visitor.answer).status, 502);
    failed.visitor.request.finish("delivered");
    world.dead.failed = failed.id;
    world.given.asker = await world.#ask(world.asker, "alpha");
    world.neighbour = await PolledProcess.open(world);
    world.given.neighbour = await world.#ask(world.neighbour, "alpha");
    world.stranger = await PolledProcess.open(world, { name: "beta", key: OTHER_KEY });
    world.given.stranger = await world.#ask(world.stranger, "beta");
    const visitor = world.visit("/servers/alpha/classic");
    const poll = await world.get("/7ZSFUKGV/http_listen/alpha", { headers: ["X-ApiKey", KEY] });
    const [classic] = decodePollBody(Buffer.from(await readBody(poll.body)));
    world.given.classic = { id: classic?.id ?? "", visitor };
    return world;
  }

  async #ask(process: PolledProcess, name: string): Promise<Given> {
    const visitor = this.visit(`/servers/${name}/x`, { method: "PUT", body: new PassThrough() });
    return { id: (await process.takeRequest()).id, visitor };
  }

  /** What is not the asker's. */
  get foreign(): readonly (readonly [what: string, id: string])[] {
    const { neighbour, stranger, classic } = this.given;
    return [
      ...Object.entries(this.dead),
      ...[["neighbour", neighbour.id], ["stranger", stranger.id], ["classic", classic.id]] as const,
    ];
  }

  respond(id: string, headers: readonly string[], body = "classic"): Promise<HttpAnswer> {
    const options: FakeRequestOptions = { method: "POST", headers, body };
    return this.get(`/7ZSFUKGV/http_response/${id}`, options);
  }

  /** Expects that everybody gets the answer of whom they asked, and that nobody was accused. */
  async assertUndisturbed(): Promise<void> {
    for (const name of ["asker", "neighbour", "stranger"] as const) {
      const { id, visitor } = this.given[name];
      assertEquals((await this[name].say(encodeAnswer(id, OK, fromLatin1(name)))).status, 204);
      assertEquals(await readAnswer(await visitor.answer), name);
      assertEquals(visitor.request.informed, []);
      visitor.request.finish("delivered");
    }
    const { id, visitor } = this.given.classic;
    void this.respond(id, ["X-ApiKey", KEY, ...MAGIC]);
    assertEquals(await readAnswer(await visitor.answer), "classic");
    visitor.request.finish("delivered");
    assertEquals(this.logged("WARN"), []);
    this.state.sessions.endAll("stopped");
    assertEquals(this.clock.pendingCount, 0);
  }
}

const MAGIC = ["X-PTTH-2LJYXWC4", encodeMagicHeader({ status: 200, headers: [] })];

for (
  const path of ["answer/ID", "answer/ID/0", "answer/ID/7", "body/ID", "body/ID/0", "body/ID/7"]
) {
  Deno.test(`foreign: ${path} is 410 for whatever is not of the session, and nothing is disturbed`, async () => {
    const world = await World.start();
    for (const [what, id] of world.foreign) {
      const body = path.startsWith("answer") ? encodeStreamHead(OK) : undefined;
      const answer = world.asker.ask(path.replace("ID", id), body === undefined ? {} : { body });
      assertEquals((await answer).status, 410, what);
    }
    await world.assertUndisturbed();
  });
}

Deno.test("foreign: messages about others' exchanges are taken, ignored, and told to the log once", async () => {
  const world = await World.start();
  for (const [what, id] of world.foreign) {
    for (
      const message of [
        encodeInform(id, { status: 103, headers: ["Link", "</forged>"] }),
        encodeAnswer(id, OK, fromLatin1("forged")),
        encodeAnswer(id, OK, fromLatin1("forged again")),
        encodeFail(id),
      ]
    ) {
      assertEquals((await world.asker.say(message)).status, 204, what);
    }
  }
  assertEquals(world.logged("DEBUG"), [
    "DEBUG A message is ignored: its exchange is over, or another's name=alpha",
  ]);
  await world.assertUndisturbed();
});

Deno.test("foreign: a classic answer to what was given by modern is refused, whatever key and head", async () => {
  const world = await World.start();
  for (const { id } of [world.given.asker, world.given.neighbour, world.given.stranger]) {
    for (const key of [[], ["X-ApiKey", KEY], ["X-ApiKey", OTHER_KEY], ["X-ApiKey", "wrong"]]) {
      await assertText(world.respond(id, [...key, ...MAGIC], "forged"), 400, "No visitor waits");
      // A head that cannot be read costs a classic exchange its answer.
      await assertText(world.respond(id, key, "forged"), 400, "missing");
    }
  }
  await world.assertUndisturbed();
});
