import { assert, assertEquals } from "@std/assert";
import { LISTING_SLICE_ENTRIES, MAX_UNBROKEN_MS } from "../../lib/base/limits.ts";
import { Pacer } from "../../lib/base/pacer.ts";
import { inSlices, sortInSlices } from "../../lib/files/slices.ts";

const COUNT = 3 * LISTING_SLICE_ENTRIES + 17;

Deno.test("inSlices gives all items in order, and lets others run where the work is long", async () => {
  const items = Array.from({ length: COUNT }, (_, i) => i);
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const seen: number[] = [];
  const turnsAtSlice: number[] = [];
  for await (const slice of inSlices(items)) {
    assert(slice.length <= LISTING_SLICE_ENTRIES);
    seen.push(...slice);
    turnsAtSlice.push(turns);
    work(MAX_UNBROKEN_MS);
  }
  clearInterval(timer);
  assertEquals(seen, items);
  assertEquals(turnsAtSlice.length, 4);
  assertEquals(new Set(turnsAtSlice).size, 4);
});

Deno.test("inSlices and sortInSlices let what comes by a socket through", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let arrived = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      arrived++;
      connection.close();
    }
  })();
  const peer = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  let arrivedWithin = 0;
  for await (const _ of inSlices(Array.from({ length: 40 * LISTING_SLICE_ENTRIES }, () => 0))) {
    arrivedWithin = arrived;
    work(MAX_UNBROKEN_MS);
  }
  assertEquals(arrivedWithin, 1);
  peer.close();
  listener.close();
  await serving;
});

/** Keeps the thread busy. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

Deno.test("sortInSlices sorts like Array.prototype.sort, stably", async () => {
  for (const count of [0, 1, 2, LISTING_SLICE_ENTRIES, LISTING_SLICE_ENTRIES + 1, COUNT]) {
    const items = Array.from({ length: count }, (_, i) => ({ key: (i * 7919) % 101, i }));
    const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key;
    assertEquals(await sortInSlices(items, compare), items.toSorted(compare));
  }
});

Deno.test("Pacer lets one long work of many go on at a time, with a turn of all others between two", async () => {
  const seen: string[] = [];
  const works = ["a", "b"].map(async (name) => {
    await new Pacer().giveTurn();
    seen.push(name);
  });
  await works[0];
  // However much is done without a turn.
  for (let i = 0; i < 1000; i++) await Promise.resolve();
  assertEquals(seen, ["a"]);
  await works[1];
  assertEquals(seen, ["a", "b"]);
});
