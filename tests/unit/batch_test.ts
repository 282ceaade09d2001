import { assertEquals } from "@std/assert";
import { setImmediate } from "node:timers/promises";
import { BATCH_FLUSH_BYTES } from "../../lib/base/limits.ts";
import { Batch } from "../../lib/wire/batch.ts";

/** A batch, and how many bytes each record of each flush had. */
function open(): { batch: Batch; flushed: number[][] } {
  const flushed: number[][] = [];
  const batch = new Batch((records) => flushed.push(records.map(({ length }) => length)));
  return { batch, flushed };
}

const record = (length: number): Uint8Array => new Uint8Array(length);

Deno.test("Batch hands over at the end of the microtasks what was added in them", async () => {
  const { batch, flushed } = open();
  batch.add(record(1));
  void Promise.resolve().then(() => batch.add(record(2)));
  assertEquals(flushed, []);
  await Promise.resolve().then(() => {});
  await Promise.resolve();
  assertEquals(flushed.flat(), [1, 2]);
  assertEquals(batch.byteLength, 0);
  batch.close();
});

Deno.test("Batch waits for the end of a round once a round has brought more than one", async () => {
  const { batch, flushed } = open();
  batch.add(record(1));
  batch.add(record(2));
  await setImmediate();
  assertEquals(flushed, [[1, 2]]);
  batch.add(record(3));
  await Promise.resolve().then(() => {});
  batch.add(record(4));
  assertEquals([flushed.length, batch.byteLength], [1, 7]);
  await setImmediate();
  assertEquals(flushed, [[1, 2], [3, 4]]);
  // A round of one, and no longer is anything waited for.
  batch.add(record(5));
  await setImmediate();
  batch.add(record(6));
  await Promise.resolve().then(() => {});
  assertEquals(flushed, [[1, 2], [3, 4], [5], [6]]);
  batch.close();
});

Deno.test("Batch hands over many bytes at once, and what is left when it is closed", () => {
  const { batch, flushed } = open();
  batch.add(record(BATCH_FLUSH_BYTES));
  assertEquals(flushed, [[BATCH_FLUSH_BYTES]]);
  batch.add(record(1));
  batch.close();
  assertEquals(flushed, [[BATCH_FLUSH_BYTES], [1]]);
});
