import { assert, assertEquals, assertLessOrEqual, assertRejects } from "@std/assert";
import { Readable } from "node:stream";
import { ClosedError } from "../../lib/base/errors.ts";
import { toReadableStream } from "../../lib/http/readable_stream.ts";
import { CountedSource } from "../support/counted_source.ts";
import { turn } from "../support/turn.ts";

function bodyOf(...chunks: readonly (string | Uint8Array)[]): Readable {
  return Readable.from(chunks.map((chunk) => Uint8Array.from(bytesOf(chunk))), {
    objectMode: false,
  });
}

function bytesOf(chunk: string | Uint8Array): Uint8Array {
  return typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk;
}

Deno.test("toReadableStream gives all bytes, and an end", async () => {
  const text = await new Response(toReadableStream(bodyOf("one ", "two ", "three"))).text();
  assertEquals(text, "one two three");
  assertEquals(await new Response(toReadableStream(bodyOf())).text(), "");
});

Deno.test("toReadableStream takes nothing before it is read, and then no more than is read", async () => {
  const size = 64 * 1024;
  const source = new CountedSource(size);
  const stream = toReadableStream(source);
  await turn();
  assertEquals(source.given, 0);
  const reader = stream.getReader();
  for (let i = 1; i <= 3; i++) {
    assertEquals((await reader.read()).value?.length, size);
    await turn();
    // The one that was read, and one ahead.
    assertLessOrEqual(source.given, (i + 1) * size);
  }
  await reader.cancel();
  assert(source.destroyed);
});

Deno.test("toReadableStream fails where the body is destroyed, without a word or with one", async () => {
  for (const error of [undefined, new Error("disk failure")]) {
    const body = new Readable({ read: (): void => {} });
    body.push("part");
    const reader = toReadableStream(body).getReader();
    assertEquals((await reader.read()).value?.length, 4);
    const read = reader.read();
    body.destroy(error);
    const failure = await assertRejects(() => read, ClosedError, "The body broke off");
    assertEquals(failure.cause, error);
  }
});

Deno.test("toReadableStream fails at once where the body was destroyed before", async () => {
  const body = bodyOf("x").destroy();
  await turn();
  await assertRejects(() => new Response(toReadableStream(body)).text(), ClosedError);
});

Deno.test("toReadableStream never takes away memory that others use", async () => {
  const whole = new TextEncoder().encode("before|chunk|behind");
  for (const [from, to] of [[7, 12], [0, whole.length]]) {
    const body = Readable.from([whole.subarray(from, to)], { objectMode: false });
    const { value } = await toReadableStream(body).getReader().read();
    assertEquals(new TextDecoder().decode(value), "before|chunk|behind".slice(from, to));
    assertEquals(new TextDecoder().decode(whole), "before|chunk|behind");
  }
});

Deno.test("toReadableStream hands owned chunks over without a copy", async () => {
  class Owned extends Readable {
    readonly ownsChunks = true;
    override _read(): void {}
  }
  const chunk = new Uint8Array([1, 2, 3]);
  const body = new Owned();
  body.push(chunk);
  const { value } = await toReadableStream(body).getReader().read();
  assertEquals(value, new Uint8Array([1, 2, 3]));
  assertEquals(chunk.length, 0);
});

Deno.test("toReadableStream can be read into memory of the reader's, to its end", async () => {
  const body = new Readable({ read: (): void => {} });
  body.push("abcde");
  const reader = toReadableStream(body).getReader({ mode: "byob" });
  const first = await reader.read(new Uint8Array(3));
  assertEquals(first.value, new TextEncoder().encode("abc"));
  const second = await reader.read(new Uint8Array(3));
  assertEquals(second.value, new TextEncoder().encode("de"));
  const last = reader.read(new Uint8Array(3));
  await turn();
  body.push(null);
  assertEquals((await last).done, true);
});
