import { assert, assertEquals, assertInstanceOf, assertLessOrEqual } from "@std/assert";
import { ClosedError } from "../../lib/base/errors.ts";
import { WebBody } from "../../lib/http/web_body.ts";
import { readBody } from "../support/read_body.ts";
import { turn } from "../support/turn.ts";

function failAtOnce(error: unknown): never {
  throw error;
}

Deno.test("WebBody gives all bytes, and an end; empty chunks are nothing", async () => {
  const chunks = ["a", "", "", "bc", ""].map((text) => new TextEncoder().encode(text));
  const bytes = await readBody(new WebBody(ReadableStream.from(chunks), failAtOnce));
  assertEquals(new TextDecoder().decode(bytes), "abc");
  const empty = new ReadableStream({ start: (controller): void => controller.close() });
  assertEquals((await readBody(new WebBody(empty, failAtOnce))).length, 0);
});

Deno.test("WebBody reads ahead no more than a body may hold", async () => {
  const size = 16 * 1024;
  let given = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller): void {
      given += size;
      controller.enqueue(new Uint8Array(size));
    },
  }, { highWaterMark: 0 });
  const body = new WebBody(stream, failAtOnce);
  await turn();
  assertEquals(given, 0);
  body.once("readable", () => {});
  for (let i = 0; i < 20; i++) await turn();
  assertLessOrEqual(given, 64 * 1024 + size);
  body.destroy();
  await turn();
});

Deno.test("WebBody cancels its stream when it is destroyed, read or not", async () => {
  for (const isRead of [false, true]) {
    const cancelled = Promise.withResolvers<unknown>();
    const body = new WebBody(
      new ReadableStream({ cancel: (reason): void => cancelled.resolve(reason) }),
      failAtOnce,
    );
    body.on("end", () => failAtOnce(new Error("it ended")));
    if (isRead) body.resume();
    await turn();
    body.destroy();
    assertInstanceOf(await cancelled.promise, ClosedError);
    await turn();
    assertEquals(body.readableEnded, false);
  }
});

Deno.test("WebBody fails as its stream does, once, and says why", async () => {
  const failures: unknown[] = [];
  const failure = new Error("disk failure");
  const stream = new ReadableStream({
    pull: (controller): void => controller.error(failure),
    cancel: (): void => void failures.push("cancelled"),
  });
  const body = new WebBody(stream, (error) => failures.push(error));
  body.resume();
  await new Promise<void>((resolve) => body.once("close", () => resolve()));
  assertEquals(failures, [failure]);
  assert(body.destroyed && !body.readableEnded);
});

Deno.test("WebBody fails, and cancels its stream, at a chunk that is no bytes", async () => {
  const failures: unknown[] = [];
  const cancelled: unknown[] = [];
  const stream = new ReadableStream<unknown>({
    start: (controller): void => controller.enqueue("text"),
    cancel: (reason): void => void cancelled.push(reason),
  });
  const body = new WebBody(stream, (error) => failures.push(error));
  body.resume();
  await new Promise<void>((resolve) => body.once("close", () => resolve()));
  const [failure] = failures;
  assertInstanceOf(failure, TypeError);
  assertEquals(failures.length, 1);
  assertEquals(cancelled, [failure]);
});

Deno.test("WebBody says when the stream cannot be cancelled", async () => {
  const failures: unknown[] = [];
  const failure = new Error("stuck");
  const stream = new ReadableStream({ cancel: () => Promise.reject(failure) });
  new WebBody(stream, (error) => failures.push(error)).destroy();
  await turn();
  assertEquals(failures, [failure]);
});
