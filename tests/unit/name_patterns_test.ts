import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { createNameTest } from "../../lib/files/name_patterns.ts";

Deno.test("createNameTest fits whole names, whatever their case and form", () => {
  const rows: [pattern: string, fits: string[], others: string[]][] = [
    ["*.key", [".key", "a.key", "A.KEY", "a.b.key", "ſ.key"], ["a.keys", "akey", "a.key "]],
    ["private", ["private", "PRIVATE", "Private"], ["private2", "my private", ""]],
    ["s?cret*", ["secret", "SECRET.txt", "s🐙cret"], ["scret", "seecret"]],
    ["*", ["", "a", "line\nbreak"], []],
    ["a*b*c", ["abc", "axxbyyc", "abbcc"], ["ab", "acb", "abcd"]],
    ["café", ["cafe\u0301", "CAFE\u0301"], ["cafe"]],
    ["secret", ["ſecret", "SECRET", "se\u200ccret\ufeff"], []],
    ["a.[b]{c}+$", ["a.[b]{c}+$"], ["a.b", "axb"]],
    ["\\*", ["\\", "\\x"], ["*"]],
    ["straße", ["straße", "STRAẞE"], ["strasse"]],
  ];
  for (const [pattern, fits, others] of rows) {
    const test = createNameTest(["unrelated", pattern]);
    for (const name of fits) assert(test(name), `${pattern} ${name}`);
    for (const name of others) assert(!test(name), `${pattern} ${name}`);
  }
  assertEquals(createNameTest([])("a"), false);
});

Deno.test("createNameTest agrees with a regular expression", () => {
  const text = fc.array(fc.constantFrom("a", "b", "*", "?", "."), { maxLength: 8 });
  fc.assert(
    fc.property(text, text, (pattern, name) => {
      const source = pattern.join("").replaceAll(".", "\\.").replaceAll("?", ".")
        .replaceAll("*", ".*");
      const expected = new RegExp(`^${source}$`, "s").test(name.join(""));
      assertEquals(createNameTest([pattern.join("")])(name.join("")), expected);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("createNameTest takes no ages over many stars", () => {
  const test = createNameTest([`${"*a".repeat(100)}b`]);
  const start = performance.now();
  assertEquals(test("a".repeat(255)), false);
  assert(performance.now() - start < 1000);
});
