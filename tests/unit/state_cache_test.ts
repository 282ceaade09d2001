import { assertEquals } from "@std/assert";
import { SETTLED_AGE_MS } from "../../lib/base/limits.ts";
import type { Located } from "../../lib/files/confinement.ts";
import type { FileStat } from "../../lib/files/file_system.ts";
import { isMeaningful, isSettled, StateCache } from "../../lib/files/state_cache.ts";

const NOW = 1_000_000;
const STAT: FileStat = {
  kind: "file",
  size: 1,
  mtime: 5000,
  ctime: 6000,
  dev: 1,
  ino: 1,
  links: 1,
};

function file(path: string, changes: Partial<FileStat> = {}): Located {
  return { path, stat: { ...STAT, ...changes } };
}

function cacheOf(capacity: number): StateCache<string> {
  return new StateCache({ capacity, weigh: (text) => text.length });
}

Deno.test("StateCache gives a value only for the very state that it was made from", () => {
  const changes: Partial<FileStat>[] = [
    { size: 2 },
    { mtime: 5001 },
    { ctime: 6001 },
    { ino: 2 },
    { dev: 2 },
  ];
  for (const change of changes) {
    const cache = cacheOf(10);
    cache.set(file("/a"), "value", NOW);
    assertEquals(cache.get(file("/a")), "value");
    assertEquals(cache.get(file("/b")), undefined);
    assertEquals(cache.get(file("/a", change)), undefined, JSON.stringify(change));
    assertEquals(cache.get(file("/a")), undefined, "it will not be the old file again");
  }
});

Deno.test("StateCache keeps what was used last, within its capacity", () => {
  const cache = cacheOf(10);
  cache.set(file("/a"), "aaaa", NOW);
  cache.set(file("/b"), "bbbb", NOW);
  cache.set(file("/huge"), "x".repeat(11), NOW);
  assertEquals(cache.get(file("/huge")), undefined);
  cache.get(file("/a"));
  cache.set(file("/c"), "cccc", NOW);
  assertEquals(["/a", "/b", "/c"].map((path) => cache.get(file(path))), [
    "aaaa",
    undefined,
    "cccc",
  ]);
  cache.set(file("/a"), "a", NOW);
  cache.set(file("/d"), "ddddd", NOW);
  assertEquals(["/a", "/c", "/d"].map((path) => cache.get(file(path))), ["a", "cccc", "ddddd"]);
});

Deno.test("StateCache keeps nothing made from a file that may change without looking different", () => {
  const cache = cacheOf(10);
  cache.set(file("/new", { ctime: NOW - SETTLED_AGE_MS + 1 }), "x", NOW);
  assertEquals(cache.get(file("/new", { ctime: NOW - SETTLED_AGE_MS + 1 })), undefined);
});

Deno.test("isSettled goes by the date that nobody can set, where there is one", () => {
  const old = NOW - SETTLED_AGE_MS;
  const rows: [dates: Pick<FileStat, "ctime" | "mtime">, settled: boolean][] = [
    [{ ctime: old, mtime: NOW }, true],
    [{ ctime: old + 1, mtime: 5000 }, false],
    [{ ctime: old, mtime: NOW + 5000 }, true],
    [{ ctime: null, mtime: old }, true],
    [{ ctime: null, mtime: old + 1 }, false],
    [{ ctime: null, mtime: 1000 }, false],
    [{ ctime: null, mtime: null }, false],
    [{ ctime: old, mtime: 0 }, true],
  ];
  for (const [dates, settled] of rows) {
    assertEquals(isSettled({ ...STAT, ...dates }, NOW), settled, JSON.stringify(dates));
  }
  assertEquals([null, 0, 1999, 2000].map(isMeaningful), [false, false, false, true]);
});
