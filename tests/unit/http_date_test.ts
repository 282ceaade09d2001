import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatHttpDate, parseHttpDate } from "../../lib/http/http_date.ts";

const NOW = Date.UTC(2026, 10, 23);
const EXAMPLE = Date.UTC(1994, 10, 6, 8, 49, 37);

Deno.test("parseHttpDate reads the three formats (RFC 9110 §5.6.7)", () => {
  assertEquals(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT", NOW), EXAMPLE);
  assertEquals(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT", NOW), EXAMPLE);
  assertEquals(parseHttpDate("Sun Nov  6 08:49:37 1994", NOW), EXAMPLE);
  assertEquals(
    parseHttpDate("Wed Nov 16 08:49:37 1994", NOW),
    Date.UTC(1994, 10, 16, 8, 49, 37),
  );
});

Deno.test("parseHttpDate takes a two-digit year over 50 years ahead as past (RFC 9110 §5.6.7)", () => {
  const year = (text: string): number =>
    new Date(parseHttpDate(`Monday, 23-Nov-${text} 00:00:00 GMT`, NOW) ?? NaN).getUTCFullYear();
  assertEquals([year("26"), year("76"), year("77"), year("99"), year("00")], [
    2026,
    2076,
    1977,
    1999,
    2000,
  ]);
});

Deno.test("parseHttpDate refuses everything else", () => {
  const texts = ["", "0", "yesterday", "2026-11-23T00:00:00Z", "Sun, 6 Nov 1994 08:49:37 GMT"];
  texts.push("Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC");
  texts.push("Sun, 06 nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT");
  texts.push(
    "Sun, 06 Nov 1994 24:49:37 GMT",
    "Sun, 06 Nov 1994 08:60:37 GMT",
    "Xyz Nov  6 08:49:37 1994",
  );
  texts.push("Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:69 GMT");
  for (const text of texts) assertEquals(parseHttpDate(text, NOW), undefined, text);
});

Deno.test("parseHttpDate accepts a leap second and years before 100", () => {
  assertEquals(parseHttpDate("Sat, 31 Dec 2016 23:59:60 GMT", NOW), Date.UTC(2017, 0, 1));
  assertEquals(parseHttpDate("Sat, 01 Jan 0050 00:00:00 GMT", NOW), Date.parse("0050-01-01"));
});

Deno.test("formatHttpDate rounds down to the second and is read back (RFC 9110 §5.6.7)", () => {
  assertEquals(formatHttpDate(EXAMPLE + 999), "Sun, 06 Nov 1994 08:49:37 GMT");
  fc.assert(fc.property(fc.integer({ min: 0, max: 253402300799 }), (second) => {
    assertEquals(parseHttpDate(formatHttpDate(second * 1000), NOW), second * 1000);
  }));
});
