import { assertEquals, assertLess } from "@std/assert";
import { isStrongMatch, isWeakMatch, parseEtagList } from "../../lib/http/etag.ts";

Deno.test("parseEtagList reads lists of strong and weak tags (RFC 9110 §8.8.3, §5.6.1)", () => {
  const rows: [value: string, tags: "*" | string[]][] = [
    ["*", "*"],
    [" * ", "*"],
    ['"a"', ['"a"']],
    ['"a", W/"b","c"', ['"a"', 'W/"b"', '"c"']],
    [',, "a" ,', ['"a"']],
    ['"with,comma", ""', ['"with,comma"', '""']],
    ['"\xe9"', ['"\xe9"']],
  ];
  for (const [value, tags] of rows) assertEquals(parseEtagList(value), tags, value);
});

Deno.test("parseEtagList skips what is no tag and keeps its neighbours", () => {
  const rows: [value: string, tags: string[]][] = [
    ["", []],
    ["a", []],
    ['a, "b"', ['"b"']],
    ['w/"a", "b"', ['"b"']],
    ['"a b", "c"', ['"c"']],
    ['"unclosed', []],
    ['*, "a"', ['"a"']],
  ];
  for (const [value, tags] of rows) assertEquals(parseEtagList(value), tags, value);
});

Deno.test("parseEtagList takes linear time on hostile fields", () => {
  const start = performance.now();
  for (const part of ['"', '"a', 'W/"', '" ', ",", '",', 'W/,"']) {
    parseEtagList(part.repeat(50_000));
  }
  assertLess(performance.now() - start, 2000);
});

Deno.test("isStrongMatch and isWeakMatch follow the table of RFC 9110 §8.8.3.2", () => {
  const rows: [a: string, b: string, strong: boolean, weak: boolean][] = [
    ['W/"1"', 'W/"1"', false, true],
    ['W/"1"', 'W/"2"', false, false],
    ['W/"1"', '"1"', false, true],
    ['"1"', '"1"', true, true],
  ];
  for (const [a, b, strong, weak] of rows) {
    assertEquals([isStrongMatch(a, b), isWeakMatch(a, b)], [strong, weak], `${a} ${b}`);
    assertEquals([isStrongMatch(b, a), isWeakMatch(b, a)], [strong, weak], `${b} ${a}`);
  }
});
