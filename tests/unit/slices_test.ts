import { assert, assertEquals } from "@std/assert";
import { LISTING_SLICE_ENTRIES } from "../../lib/base/limits.ts";
import { inSlices, sortInSlices } from "../../lib/files/slices.ts";

const COUNT = 3 * LISTING_SLICE_ENTRIES + 17;

Deno.test("inSlices gives all items in order, and lets others run in between", async () => {
  const items = Array.from({ length: COUNT }, (_, i) => i);
  let turns = 0;
  let timer = setImmediate(function count(): void {
    turns++;
    timer = setImmediate(count);
  });
  const seen: number[] = [];
  const turnsAtSlice: number[] = [];
  for await (const slice of inSlices(items)) {
    assert(slice.length <= LISTING_SLICE_ENTRIES);
    seen.push(...slice);
    turnsAtSlice.push(turns);
  }
  clearImmediate(timer);
  assertEquals(seen, items);
  assertEquals(turnsAtSlice.length, 4);
  assertEquals(new Set(turnsAtSlice).size, 4);
});

Deno.test("sortInSlices sorts like Array.prototype.sort, stably", async () => {
  for (const count of [0, 1, 2, LISTING_SLICE_ENTRIES, LISTING_SLICE_ENTRIES + 1, COUNT]) {
    const items = Array.from({ length: count }, (_, i) => ({ key: (i * 7919) % 101, i }));
    const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key;
    assertEquals(await sortInSlices(items, compare), items.toSorted(compare));
  }
});
