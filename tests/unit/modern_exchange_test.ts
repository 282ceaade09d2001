/** How an answer finds its way to the relay, at the server's end of modern. */

import { assert, assertEquals } from "@std/assert";
import { PassThrough, Readable } from "node:stream";
import {
  INLINE_ANSWER_BYTES,
  INLINE_WAIT_MS,
  MAX_CHANNEL_BACKLOG_BYTES,
  MAX_TEXTS,
} from "../../lib/base/limits.ts";
import type { HttpAnswer } from "../../lib/http/message.ts";
import { createId } from "../../lib/wire/create_id.ts";
import { encodeCancel } from "../../lib/wire/modern_messages.ts";
import { fromLatin1, patternOf } from "../support/bytes.ts";
import type { Asked } from "../support/fake_relay.ts";
import { SESSION, SessionWorld } from "../support/session_world.ts";

/** The POSTs of an answer. */
function uploadsOf({ relay }: SessionWorld, id: string): Asked[] {
  return relay.of(`answer/${SESSION}/${id}`);
}

/** A session that is asked once, and answers so. */
async function ask(
  world: SessionWorld,
  answer: HttpAnswer,
  method = "GET",
): Promise<string> {
  world.handler = () => answer;
  const id = world.give(createId(), { method });
  await world.pass(300);
  return id;
}

const SMALL: readonly (readonly [what: string, answer: () => HttpAnswer, method?: string])[] = [
  ["no body", () => ({ status: 200, headers: [], body: null })],
  [
    "bytes at the bound",
    () => ({ status: 200, headers: [], body: patternOf(INLINE_ANSWER_BYTES) }),
  ],
  ["a stream that ends at once", () => ({ status: 200, headers: [], body: ending("x") })],
  [
    "a stream of a small length",
    () => ({ status: 200, headers: ["Content-Length", "1"], body: ending("x") }),
  ],
  ["an endless body to HEAD", () => ({ status: 200, headers: [], body: endless() }), "HEAD"],
  ["an endless body of 204", () => ({ status: 204, headers: [], body: endless() })],
  ["an endless body of 304", () => ({ status: 304, headers: [], body: endless() })],
];

function ending(text: string): Readable {
  return Readable.from([fromLatin1(text)], { objectMode: false });
}

function endless(): Readable {
  return new PassThrough();
}

for (const [what, answer, method] of SMALL) {
  Deno.test(`ModernExchange: ${what} is one message`, async () => {
    const world = await SessionWorld.start("streams");
    const given = answer();
    const id = await ask(world, given, method);
    const [said, ...more] = world.channel.said;
    assert(said?.type === "answer" && said.id === id);
    assertEquals([more, uploadsOf(world, id)], [[], []]);
    if (given.body instanceof Readable) assertEquals(given.body.destroyed, true);
    await world.end();
  });
}

const LARGE: readonly (readonly [what: string, answer: () => HttpAnswer])[] = [
  ["bytes over the bound", () => ({ status: 200, headers: [], body: patternOf(65_537) })],
  ["a stream that does not end", () => ({ status: 200, headers: [], body: writing("x") })],
  ["a stream without a byte", () => ({ status: 200, headers: [], body: new PassThrough() })],
  [
    "a stream of a great length",
    () => ({ status: 200, headers: ["Content-Length", "65537"], body: new PassThrough() }),
  ],
  [
    "a small stream that takes its time",
    () => ({ status: 200, headers: ["Content-Length", "2"], body: writing("x") }),
  ],
  [
    "a small stream with trailers",
    () => ({ status: 200, headers: [], body: ending("x"), trailers: () => ["a", "b"] }),
  ],
  ["a switch of protocols", () => ({ status: 101, headers: [], body: new PassThrough() })],
];

function writing(text: string): Readable {
  const stream = new PassThrough();
  stream.write(text);
  return stream;
}

for (const [what, answer] of LARGE) {
  for (const up of ["streams", "segments"] as const) {
    Deno.test(`ModernExchange: ${what} is a stream, where the path is of ${up}`, async () => {
      const world = await SessionWorld.start(up);
      world.relay.reply = () => "held";
      const id = await ask(world, answer());
      const [upload] = uploadsOf(world, id);
      assertEquals(upload?.path, `answer/${SESSION}/${id}${up === "streams" ? "" : "/0"}`);
      assertEquals(upload?.received()[0], 0x21);
      assertEquals(world.channel.said, []);
      // Nobody waits for the rest.
      world.session.receive(encodeCancel(id));
      await world.pass(100);
      assertEquals(world.channel.said, []);
      await world.end();
    });
  }
}

Deno.test("ModernExchange: a small answer does not wait behind much that is to be sent", async () => {
  const world = await SessionWorld.start("streams");
  world.relay.reply = () => ({ status: 200 });
  world.channel.backlog = MAX_CHANNEL_BACKLOG_BYTES + 1;
  const id = await ask(world, { status: 200, headers: [], body: fromLatin1("hello") });
  assertEquals([uploadsOf(world, id).length, world.channel.said], [1, []]);
  // One without a body is no larger than that it is to be told.
  await ask(world, { status: 204, headers: [], body: null });
  assertEquals(world.channel.said.length, 1);
  await world.end();
});

Deno.test("ModernExchange: where a proxy refuses a stream, that answer fails and later ones go in segments", async () => {
  const world = await SessionWorld.start("streams");
  world.relay.reply = ({ path }) =>
    path.split("/").length === 3 ? { status: 413 } : { status: 200 };
  const answer = (): HttpAnswer => ({ status: 200, headers: [], body: patternOf(100_000) });
  const first = await ask(world, answer());
  assertEquals(world.channel.said, [{ type: "fail", id: first }]);
  assertEquals(await world.requests[0]?.finished, "cut");
  const second = await ask(world, answer());
  assertEquals(uploadsOf(world, second).map(({ path }) => path), [`answer/${SESSION}/${second}/0`]);
  assertEquals(world.channel.said.length, 1);
  const distrusts = world.lines.filter((line) => line.includes("Streams do not pass"));
  assertEquals(distrusts, [
    'WARN Streams do not pass to the relay: answers go in segments reason="the answer is 413"',
  ]);
  await world.end();
});

Deno.test("ModernExchange: what the relay itself refuses says nothing of the path", async () => {
  for (const status of [400, 409, 410]) {
    const world = await SessionWorld.start("streams");
    world.relay.reply = () => ({ status });
    const id = await ask(world, { status: 200, headers: [], body: patternOf(100_000) });
    assertEquals(world.channel.said, [{ type: "fail", id }]);
    assertEquals((await world.session.path?.kind)?.up, "streams");
    await world.end();
  }
});

Deno.test("ModernExchange: interim answers go at once, none too large or behind the answer", async () => {
  const world = await SessionWorld.start();
  world.handler = async (request) => {
    request.inform(103, Array<string>(MAX_TEXTS + 2).fill("a"));
    request.inform(103, ["Link", "</a>"]);
    await new Promise((resolve) => world.clock.after(INLINE_WAIT_MS, () => resolve(undefined)));
    request.inform(102, []);
    return { status: 200, headers: [], body: null };
  };
  const id = world.give();
  await world.pass(200);
  world.requests[0]?.inform(103, []);
  assertEquals(
    world.channel.said.map((said) => said.type === "inform" ? said.head.status : said.type),
    [103, 102, "answer"],
  );
  assert(world.channel.said.every((said) => "id" in said && said.id === id));
  await world.end();
});
