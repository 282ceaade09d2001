import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { toEntryName } from "../../lib/archive/entry_name.ts";

const FILE = { isFolder: false };

Deno.test("toEntryName keeps ordinary names, and ends that of a folder in a slash", () => {
  for (const name of ["a b", "100%", "%41.txt", "é 🐙", "ab:c", "..a", "-rf", "%2F", "c"]) {
    assertEquals(toEntryName(["top", name], FILE), `top/${name}`);
  }
  assertEquals(toEntryName(["a", "b"], { isFolder: true }), "a/b/");
});

Deno.test("toEntryName encodes backslashes, controls and drives, and what looks encoded", () => {
  assertEquals(toEntryName(["..\\..\\x"], FILE), "..%5C..%5Cx");
  assertEquals(toEntryName(["a\nb\u001b[2J\u007f"], FILE), "a%0Ab%1B[2J%7F");
  assertEquals(toEntryName(["C:", "c:evil.txt"], FILE), "C%3A/c%3Aevil.txt");
  assertEquals(toEntryName(["a%0Ab"], FILE), "a%250Ab");
  assertEquals(toEntryName(["a%250Ab"], FILE), "a%25250Ab");
});

Deno.test("toEntryName refuses names that lead elsewhere (zip-slip)", () => {
  for (const path of [[], [""], ["."], ["a", ".."], ["/etc"], ["a/b"], ["a", ""]]) {
    assertThrows(() => toEntryName(path, FILE), TypeError);
  }
});

Deno.test("toEntryName gives two paths two names, none of which leaves its folder", () => {
  const name = fc.oneof(
    fc.string({ unit: fc.constantFrom("a", "%", "2", "5", "0", "C", ":", "\\", "\n", ".", " ") }),
    fc.string({ unit: "grapheme" }),
  ).filter((text) => !["", ".", ".."].includes(text) && !text.includes("/"));
  const path = fc.array(name, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(path, path, (a, b) => {
      const [x, y] = [toEntryName(a, FILE), toEntryName(b, FILE)];
      if (JSON.stringify(a) === JSON.stringify(b)) assertEquals(x, y);
      else assertNotEquals(x, y);
      // deno-lint-ignore no-control-regex
      assert(!/[\\\x00-\x1f\x7f]|^\/|^[a-z]:|(?:^|\/)\.{0,2}(?:\/|$)/i.test(x), x);
    }),
    { numRuns: 2000 },
  );
});
