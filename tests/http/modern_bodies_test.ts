/** Which bodies of visitors travel in the message, and which are left unread (docs/protocol.md). */

import { assert, assertEquals } from "@std/assert";
import { PassThrough, Readable } from "node:stream";
import { ClosedError } from "../../lib/base/errors.ts";
import { INLINE_REQUEST_BYTES, INLINE_WAIT_MS } from "../../lib/base/limits.ts";
import { DATA } from "../../lib/wire/modern.ts";
import { encodeAnswer, type ModernRequest } from "../../lib/wire/modern_messages.ts";
import { encodeRecord } from "../../lib/wire/records.ts";
import { concatBytes, fromHex, patternOf, piecesOf, toHex } from "../support/bytes.ts";
import { PolledProcess } from "../support/polled_process.ts";
import { readBody } from "../support/read_body.ts";
import { ALPHA, assertText, RelayWorld, type Visitor } from "../support/relay_world.ts";
import { turn } from "../support/turn.ts";

const TARGET = "/servers/alpha/x";
const END = fromHex("23000000000002 0000");

async function setUp(): Promise<{ world: RelayWorld; process: PolledProcess }> {
  const world = new RelayWorld();
  return { world, process: await PolledProcess.open(world) };
}

/** The answer goes through, and nothing is left. */
async function assertEnds(
  { world, process }: { world: RelayWorld; process: PolledProcess },
  { request, answer }: Visitor,
  id: string,
): Promise<void> {
  await process.say(encodeAnswer(id, { status: 204, headers: [] }, new Uint8Array()));
  assertEquals((await answer).status, 204);
  request.finish("delivered");
  world.state.sessions.endAll("stopped");
  assertEquals(world.clock.pendingCount, 0);
}

/** The body in the message, as hex; or the length of the stream. */
function bodyIn({ body }: ModernRequest): string | number | null {
  return body instanceof Uint8Array ? toHex(body) : body.streamLength;
}

/** A body that counts how often it is asked for more. */
class AskedBody extends Readable {
  asked = 0;

  override _read(): void {
    this.asked++;
    this.push(this.asked === 1 ? "hi" : null);
  }
}

Deno.test("body: none, and one of up to 16 KiB that is there, are in the message", async () => {
  for (const length of [undefined, 0, 1, INLINE_REQUEST_BYTES]) {
    const { world, process } = await setUp();
    const body = length === undefined ? undefined : patternOf(length);
    const visitor = world.visit(TARGET, { method: "POST", ...body === undefined ? {} : { body } });
    const request = await process.takeRequest();
    assertEquals(bodyIn(request), toHex(body ?? new Uint8Array()));
    await assertEnds({ world, process }, visitor, request.id);
  }
});

Deno.test("body: one that is longer, or does not tell its length, is not read until it is asked for", async () => {
  for (const bodyLength of [INLINE_REQUEST_BYTES + 1, 2 ** 40, null]) {
    const { world, process } = await setUp();
    const body = new AskedBody();
    const visitor = world.visit(TARGET, { method: "POST", body, bodyLength });
    const request = await process.takeRequest();
    assertEquals([bodyIn(request), body.asked], [bodyLength, 0]);
    // At once: nobody waited for anything.
    assertEquals(world.clock.monotonic(), 0);
    await assertEnds({ world, process }, visitor, request.id);
    assertEquals(body.asked, 0);
  }
});

Deno.test("body: with Expect it is not read until it is asked for, however small it is", async () => {
  const { world, process } = await setUp();
  const body = new AskedBody();
  const headers = ["Host", "relay.test", "Expect", "100-continue"];
  const visitor = world.visit(TARGET, { method: "POST", headers, body, bodyLength: 2 });
  const request = await process.takeRequest();
  world.clock.advance(INLINE_WAIT_MS);
  await turn();
  assertEquals([bodyIn(request), body.asked], [2, 0]);
  const answer = await process.ask(`body/${request.id}`);
  assertEquals(
    toHex(await readBody(answer.body)),
    toHex(concatBytes([encodeRecord(DATA, new TextEncoder().encode("hi")), END])),
  );
  assert(body.asked > 0);
  await assertEnds({ world, process }, visitor, request.id);
});

Deno.test("body: one that ends within 50 ms is in the message", async () => {
  const { world, process } = await setUp();
  const body = new PassThrough();
  const visitor = world.visit(TARGET, { method: "POST", body, bodyLength: 1000 });
  const taken = process.takeRequest();
  for (const piece of piecesOf(patternOf(1000), 200)) {
    body.write(piece);
    await turn();
    world.clock.advance(INLINE_WAIT_MS / 5 - 1);
  }
  body.end();
  const request = await taken;
  assertEquals(bodyIn(request), toHex(patternOf(1000)));
  await assertEnds({ world, process }, visitor, request.id);
});

for (const early of [0, 1, 999]) {
  for (const how of ["whole", "in segments"]) {
    Deno.test(`body: a small one of which ${early} of 1000 bytes come within 50 ms is a stream, ${how}`, async () => {
      const { world, process } = await setUp();
      const body = new PassThrough();
      const visitor = world.visit(TARGET, { method: "POST", body, bodyLength: 1000 });
      const taken = process.takeRequest();
      const bytes = patternOf(1000);
      if (early > 0) body.write(bytes.slice(0, early));
      await turn();
      world.clock.advance(INLINE_WAIT_MS);
      const request = await taken;
      assertEquals(bodyIn(request), 1000);
      body.write(bytes.slice(early, early + 1));
      const expected = concatBytes([encodeRecord(DATA, bytes), END]);
      const asked = process.ask(how === "whole" ? `body/${request.id}` : `body/${request.id}/0`);
      await turn();
      body.end(bytes.slice(early + 1));
      assertEquals(toHex(await readBody((await asked).body)), toHex(expected));
      await assertEnds({ world, process }, visitor, request.id);
    });
  }
}

Deno.test("body: a visitor that leaves while its small body is waited for is given to nobody", async () => {
  const { world, process } = await setUp();
  const body = new PassThrough().on("error", () => {});
  const { request, answer } = world.visit(TARGET, { method: "POST", body, bodyLength: 1000 });
  const held = process.poll();
  body.write("x");
  await turn();
  request.finish("cut");
  body.destroy(new ClosedError("The peer is gone"));
  await answer;
  world.state.sessions.endAll("stopped");
  assertEquals((await held.answer).status, 410);
  assertEquals(world.clock.pendingCount, 0);
});

Deno.test("body: whoever waits for a small body when the relay stops, or the server is gone, is told at once", async () => {
  for (const what of ["stop", "revoke", "new key"] as const) {
    const { world } = await setUp();
    const body = new PassThrough();
    const { request, answer } = world.visit(TARGET, { method: "POST", body, bodyLength: 1000 });
    body.write("x");
    await turn();
    if (what === "stop") world.state.isStopping = true;
    else world.state.registry.update(what === "revoke" ? [] : [{ ...ALPHA, tripcode: "other" }]);
    world.clock.advance(INLINE_WAIT_MS);
    await turn();
    if (what === "stop") await assertText(answer, 503, "stopping");
    else await assertText(answer, 404, "no server");
    request.finish("delivered");
    world.state.sessions.endAll("stopped");
    assertEquals(world.clock.pendingCount, 0);
  }
});
