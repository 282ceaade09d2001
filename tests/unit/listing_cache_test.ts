import { assertEquals } from "@std/assert";
import { LISTING_CACHE_ENTRIES, LISTING_PAGE_ENTRIES } from "../../lib/base/limits.ts";
import type { Located } from "../../lib/files/confinement.ts";
import type { ListedName } from "../../lib/files/directory_listing.ts";
import { ListingCache } from "../../lib/files/listing_cache.ts";

const NAME: ListedName = { entry: { name: "a", kind: "file" }, isDirectory: false };
const MANY: readonly ListedName[] = new Array<ListedName>(LISTING_PAGE_ENTRIES + 1).fill(NAME);
const HALF: readonly ListedName[] = new Array<ListedName>(LISTING_CACHE_ENTRIES / 2).fill(NAME);
const NOW = 1_000_000;

function folder(path: string, mtime: number | null = 0, ino = 1): Located {
  return { path, stat: { kind: "directory", size: 0, mtime, ctime: mtime, dev: 1, ino, links: 2 } };
}

Deno.test("ListingCache keeps the names of a big folder until it changes", () => {
  const cache = new ListingCache();
  cache.set(folder("/a"), MANY, NOW);
  assertEquals(cache.get(folder("/a")) === MANY, true);
  assertEquals(cache.get(folder("/b")), undefined);
  assertEquals(cache.get(folder("/a", 0, 2)), undefined);
  cache.set(folder("/a"), MANY, NOW);
  assertEquals(cache.get(folder("/a", 1)), undefined);
});

Deno.test("ListingCache keeps no small folder, and none that has just changed", () => {
  const cache = new ListingCache();
  cache.set(folder("/small"), [NAME], NOW);
  cache.set(folder("/new", NOW - 1999), MANY, NOW);
  cache.set(folder("/undated", null), MANY, NOW);
  cache.set(folder("/settled", NOW - 2000), MANY, NOW);
  assertEquals(cache.get(folder("/small")), undefined);
  assertEquals(cache.get(folder("/new", NOW - 1999)), undefined);
  assertEquals(cache.get(folder("/undated", null)), undefined);
  assertEquals(cache.get(folder("/settled", NOW - 2000)) === MANY, true);
});

Deno.test("ListingCache drops the folder unused for longest past LISTING_CACHE_ENTRIES", () => {
  const cache = new ListingCache();
  cache.set(folder("/a"), HALF, NOW);
  cache.set(folder("/b"), HALF, NOW);
  cache.get(folder("/a"));
  cache.set(folder("/c"), MANY, NOW);
  assertEquals(cache.get(folder("/b")), undefined);
  assertEquals(cache.get(folder("/a")) === HALF, true);
  assertEquals(cache.get(folder("/c")) === MANY, true);
});
