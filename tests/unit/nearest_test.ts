import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { findNearest } from "../../lib/config/nearest.ts";

const WORDS = ["host", "port", "relay_url", "file_server_root", "trusted_proxies"];

Deno.test("findNearest takes the fewest edits, at most two, and less than half of the word", () => {
  const cases: [word: string, nearest: string | undefined][] = [
    ["prot", "port"],
    ["hosts", "host"],
    ["relay-url", "relay_url"],
    ["relay_utl_", "relay_url"],
    ["rly_url", "relay_url"],
    ["rl_url", undefined],
    ["po", undefined],
    ["part", "port"],
    ["past", undefined],
    ["", undefined],
    ["relay_url", "relay_url"],
  ];
  for (const [word, nearest] of cases) assertEquals(findNearest(word, WORDS), nearest, word);
});

Deno.test("findNearest prefers the nearer candidate, then the earlier one", () => {
  assertEquals(findNearest("admin_prt", ["admin_host", "admin_port"]), "admin_port");
  assertEquals(findNearest("gost", ["host", "most"]), "host");
  assertEquals(findNearest("x", []), undefined);
});

Deno.test("findNearest undoes any one edit of a word", () => {
  const edit = fc.record({
    word: fc.constantFrom(...WORDS),
    at: fc.nat({ max: 3 }),
    letter: fc.constantFrom(..."xyz09_"),
    kind: fc.constantFrom("add", "drop", "change", "swap"),
  });
  fc.assert(fc.property(edit, ({ word, at, letter, kind }) => {
    const [before, here, next, after] = [
      word.slice(0, at),
      word.slice(at, at + 1),
      word.slice(at + 1, at + 2),
      word.slice(at + 2),
    ];
    const edited = {
      add: before + letter + here + next + after,
      drop: before + next + after,
      change: before + letter + next + after,
      swap: before + next + here + after,
    }[kind];
    assertEquals(findNearest(edited, WORDS), word);
  }));
});
