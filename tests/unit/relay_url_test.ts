import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { toBaseUrls, toPollUrl, toResponseUrl } from "../../lib/server/relay_url.ts";

const table: readonly (readonly [string, string, string])[] = [
  ["https://r.test", "https://r.test/7ZSFUKGV", "https://r.test"],
  ["https://r.test/", "https://r.test/7ZSFUKGV", "https://r.test"],
  ["https://r.test///", "https://r.test/7ZSFUKGV", "https://r.test"],
  ["https://r.test/7ZSFUKGV", "https://r.test/7ZSFUKGV", "https://r.test"],
  ["https://r.test/7ZSFUKGV//", "https://r.test/7ZSFUKGV", "https://r.test"],
  ["https://r.test/p", "https://r.test/p/7ZSFUKGV", "https://r.test/p"],
  ["https://r.test/p/7ZSFUKGV/", "https://r.test/p/7ZSFUKGV", "https://r.test/p"],
  // Only a whole segment is the prefix.
  ["https://r.test/x7ZSFUKGV", "https://r.test/x7ZSFUKGV/7ZSFUKGV", "https://r.test/x7ZSFUKGV"],
  ["HTTP://R.Test:8080/P", "http://r.test:8080/P/7ZSFUKGV", "http://r.test:8080/P"],
  ["http://[::1]:4000", "http://[::1]:4000/7ZSFUKGV", "http://[::1]:4000"],
];

for (const [given, first, second] of table) {
  Deno.test(`toBaseUrls reads ${given}`, () => {
    const [likeliest, other] = toBaseUrls(given);
    assertEquals(new Set([likeliest, other]), new Set([first, second]));
    // What the user wrote with the prefix, or the relay's own default, is tried first.
    assertEquals(likeliest, first);
  });
}

Deno.test("toPollUrl and toResponseUrl keep name and id one segment", () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }).filter((name) =>
        name !== "." && name !== ".." && name.isWellFormed()
      ),
      (name) => {
        const { href, pathname, search, hash } = toPollUrl("http://r.test/p/7ZSFUKGV", name);
        assertEquals(href.startsWith("http://r.test/p/7ZSFUKGV/http_listen/"), true);
        assertEquals(pathname.split("/").length, 5);
        assertEquals(decodeURIComponent(pathname.split("/")[4] ?? ""), name);
        assertEquals([search, hash], ["", ""]);
      },
    ),
  );
  assertEquals(
    toResponseUrl("http://r.test", "../http_listen/x?y").href,
    "http://r.test/http_response/..%2Fhttp_listen%2Fx%3Fy",
  );
});
