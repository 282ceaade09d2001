import { assertEquals } from "@std/assert";
import { BATCH_FLUSH_BYTES } from "../../lib/base/limits.ts";
import { Batch } from "../../lib/wire/batch.ts";

/** A batch, and how many bytes each part of each flush had. */
function open(): { batch: Batch; flushed: number[][] } {
  const flushed: number[][] = [];
  const batch = new Batch((records) => flushed.push(records.map(({ length }) => length)));
  return { batch, flushed };
}

const record = (length: number): Uint8Array => new Uint8Array(length);

Deno.test("Batch hands over together what was added in one turn of the microtasks", async () => {
  const { batch, flushed } = open();
  batch.add(record(1));
  batch.add(record(2), record(3));
  assertEquals([flushed, batch.byteLength], [[], 6]);
  await Promise.resolve();
  assertEquals([flushed, batch.byteLength], [[[1, 2, 3]], 0]);
  batch.add(record(4));
  await Promise.resolve();
  assertEquals(flushed, [[1, 2, 3], [4]]);
});

Deno.test("Batch hands over many bytes at once, in order, and on demand what is left", async () => {
  const { batch, flushed } = open();
  batch.add(record(1));
  batch.add(record(1), record(BATCH_FLUSH_BYTES - 2));
  assertEquals(flushed, [[1, 1, BATCH_FLUSH_BYTES - 2]]);
  batch.add(record(2));
  batch.flush();
  batch.flush();
  await Promise.resolve();
  assertEquals(flushed, [[1, 1, BATCH_FLUSH_BYTES - 2], [2]]);
});
