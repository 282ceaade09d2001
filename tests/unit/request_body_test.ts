import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers/promises";
import { MAX_READ_AHEAD_BYTES, MAX_READ_AHEAD_PIECES } from "../../lib/base/limits.ts";
import { RequestBody } from "../../lib/http/request_body.ts";
import { fromLatin1 } from "../support/bytes.ts";
import { readBody } from "../support/read_body.ts";

interface World {
  readonly body: RequestBody;
  readonly calls: string[];
}

function open(): World {
  const calls: string[] = [];
  const body = new RequestBody({
    started: () => calls.push("started"),
    resume: () => calls.push("resume"),
    giveUp: () => calls.push("giveUp"),
  });
  return { body, calls };
}

Deno.test("RequestBody asks for nothing until somebody reads, and then gives what came early", async () => {
  const { body, calls } = open();
  assert(body.add(fromLatin1("ab")) && body.add(fromLatin1("cd")));
  await setImmediate();
  assertEquals([calls, body.isBeingRead, body.isWanting, body.hasBegun], [[], false, false, true]);
  const read = readBody(body);
  await setImmediate();
  assertEquals([...new Set(calls)], ["started", "resume"]);
  assertEquals([body.isBeingRead, body.isWanting], [true, true]);
  body.add(fromLatin1("ef"));
  body.finish();
  assertEquals(Buffer.from(await read).toString("latin1"), "abcdef");
  assertEquals([body.isWanting, calls.includes("giveUp")], [false, false]);
});

Deno.test("RequestBody that is whole before it is read has its end, and wants nothing", async () => {
  const { body, calls } = open();
  body.add(fromLatin1("ab"));
  body.finish();
  assertEquals(Buffer.from(await readBody(body)).toString("latin1"), "ab");
  assertEquals(calls, ["started"]);
});

Deno.test("RequestBody holds MAX_READ_AHEAD_BYTES and MAX_READ_AHEAD_PIECES before it is read", () => {
  const byBytes = open().body;
  assert(byBytes.add(new Uint8Array(MAX_READ_AHEAD_BYTES - 1)));
  assert(!byBytes.add(new Uint8Array(1)));
  const byPieces = open().body;
  for (let i = 1; i < MAX_READ_AHEAD_PIECES; i++) assert(byPieces.add(new Uint8Array(1)));
  assert(!byPieces.add(new Uint8Array(1)));
});

Deno.test("RequestBody says when its reader has no room, and wants more when it has again", async () => {
  const { body, calls } = open();
  body.on("data", () => {});
  await setImmediate();
  assert(body.isWanting);
  body.pause();
  assert(!body.add(new Uint8Array(body.readableHighWaterMark)));
  assert(!body.isWanting);
  calls.length = 0;
  body.resume();
  await setImmediate();
  assertEquals([calls.includes("resume"), body.isWanting], [true, true]);
});

Deno.test("RequestBody that is given up says so once, takes no more, and fails nobody", async () => {
  const { body, calls } = open();
  body.add(fromLatin1("ab"));
  body.destroy(new Error("no more"));
  assert(!body.add(fromLatin1("cd")));
  body.finish();
  body.destroy();
  await setImmediate();
  assertEquals(calls, ["giveUp"]);
  const { body: whole, calls: none } = open();
  whole.finish();
  whole.destroy();
  await setImmediate();
  assertEquals(none, []);
});
