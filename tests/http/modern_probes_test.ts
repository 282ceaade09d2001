/** What a relay does with the probes of a server (docs/protocol.md, "Paths"). */

import { assert, assertEquals } from "@std/assert";
import { PassThrough, Readable } from "node:stream";
import { ClosedError } from "../../lib/base/errors.ts";
import { PROBE_HOLD_MS } from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import { DATA } from "../../lib/wire/modern.ts";
import { encodeRecord } from "../../lib/wire/records.ts";
import { patternOf, toHex } from "../support/bytes.ts";
import { isHeld } from "../support/given_exchange.ts";
import { PolledProcess } from "../support/polled_process.ts";
import { assertText, KEY, RelayWorld } from "../support/relay_world.ts";
import { turn } from "../support/turn.ts";

const NONCE = patternOf(16);
const PROBE = encodeRecord(DATA, NONCE);

async function setUp(): Promise<{ world: RelayWorld; process: PolledProcess }> {
  const world = new RelayWorld();
  return { world, process: await PolledProcess.open(world) };
}

function assertOver({ clock, state }: RelayWorld): void {
  state.sessions.endAll("stopped");
  assertEquals(clock.pendingCount, 0);
}

Deno.test("probe upwards: SEEN comes with the last byte of the nonce, the answer with the end", async () => {
  const { world, process } = await setUp();
  const held = process.poll();
  const body = new PassThrough();
  const reply = process.ask("probe", { body });
  for (let i = 0; i < PROBE.length; i++) {
    assertEquals(await isHeld(held.answer), true, `${i}`);
    body.write(PROBE.subarray(i, i + 1));
    await turn();
  }
  const [seen, ...more] = await process.take(held);
  assert(seen?.type === "seen" && more.length === 0);
  assertEquals(toHex(seen.nonce), toHex(NONCE));
  assertEquals(await isHeld(reply), true);
  body.end();
  assertEquals((await reply).status, 204);
  assertEquals(world.logged("WARN"), []);
  assertOver(world);
});

Deno.test("probe upwards: one that is not ended is answered after 4 s, and read no more", async () => {
  const { world, process } = await setUp();
  const body = new PassThrough();
  const reply = process.ask("probe", { body });
  body.write(PROBE);
  world.clock.advance(PROBE_HOLD_MS - 1);
  assertEquals(await isHeld(reply), true);
  world.clock.advance(1);
  assertEquals((await reply).status, 204);
  assertEquals(body.destroyed, true);
  assertOver(world);
});

Deno.test("probe upwards: one that breaks off, and one that has nothing, are no violation", async () => {
  const { world, process } = await setUp();
  const body = new PassThrough().on("error", () => {});
  const reply = process.ask("probe", { body });
  body.write(PROBE.subarray(0, 10));
  await turn();
  body.destroy(new ClosedError("The peer is gone"));
  assertEquals((await reply).status, 204);
  assertEquals((await process.ask("probe", { body: new Uint8Array() })).status, 204);
  const target = `/7ZSFUKGV/modern/probe/${process.session}`;
  const bare = world.get(target, { method: "POST", headers: ["X-ApiKey", KEY] });
  await assertText(bare, 400, "The probe is empty");
  const held = process.poll();
  assertEquals(await isHeld(held.answer), true);
  assertEquals(world.logged("WARN"), []);
  assertOver(world);
  assertEquals((await held.answer).status, 410);
});

Deno.test("probe upwards: one whose session ends meanwhile is 410", async () => {
  const { world, process } = await setUp();
  const body = new PassThrough();
  const reply = process.ask("probe", { body });
  body.write(PROBE);
  await turn();
  world.state.sessions.endAll("lost");
  body.end();
  assertEquals((await reply).status, 410);
  assertOver(world);
});

Deno.test("probe downwards: IDLE comes at once, END after 4 s, through no cache", async () => {
  const { world, process } = await setUp();
  const { status, headers, body } = await process.ask("probe");
  assertEquals(status, 200);
  assertEquals(headerValue(headers, "content-length"), undefined);
  assertEquals(headerValue(headers, "cache-control"), "no-store");
  assertEquals(headerValue(headers, "x-accel-buffering"), "no");
  assert(body instanceof Readable);
  let hex = "";
  let hasEnded = false;
  body.on("data", (chunk: Uint8Array) => hex += toHex(chunk));
  body.once("end", () => hasEnded = true);
  await turn();
  assertEquals(hex, "25000000000000");
  world.clock.advance(PROBE_HOLD_MS - 1);
  await turn();
  assertEquals([hex, hasEnded], ["25000000000000", false]);
  world.clock.advance(1);
  await turn();
  assertEquals([hex, hasEnded], ["25000000000000" + "230000000000020000", true]);
  assertOver(world);
});

Deno.test("probe downwards: one that is given up leaves nothing behind", async () => {
  const { world, process } = await setUp();
  const { body } = await process.ask("probe");
  assert(body instanceof Readable);
  body.resume();
  await turn();
  body.destroy();
  await turn();
  assertOver(world);
});
