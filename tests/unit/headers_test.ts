import { assertEquals, assertLess } from "@std/assert";
import fc from "fast-check";
import {
  endToEndHeaders,
  headerValue,
  headerValues,
  isValidHeader,
} from "../../lib/http/headers.ts";

Deno.test("headerValue gives the first value by any case, headerValues all in order", () => {
  const headers = ["X-A", "1", "x-b", "2", "x-a", "3"];
  assertEquals(headerValue(headers, "x-a"), "1");
  assertEquals(headerValues(headers, "x-a"), ["1", "3"]);
  assertEquals(headerValue(headers, "x-c"), undefined);
  assertEquals(headerValues(headers, "x-c"), []);
  // A value is not a name.
  assertEquals(headerValue(["x-b", "x-a", "x-a", "4"], "x-a"), "4");
});

const HOP_BY_HOP = [
  "Connection",
  "Keep-Alive",
  "Proxy-Connection",
  "Proxy-Authenticate",
  "Proxy-Authorization",
  "TE",
  "Trailer",
  "Transfer-Encoding",
  "Upgrade",
];

for (const name of HOP_BY_HOP) {
  Deno.test(`endToEndHeaders drops ${name} and keeps its neighbours (RFC 9110 §7.6.1)`, () => {
    const kept = ["X-Before", "1", `X-${name}`, "2", `${name}-X`, "3"];
    for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
      assertEquals(endToEndHeaders([...kept.slice(0, 2), spelling, "v", ...kept.slice(2)]), kept);
    }
  });
}

Deno.test("endToEndHeaders drops what any Connection names, spaces and empty items aside", () => {
  const headers = ["connection", " X-One ,, \tx-two", "X-ONE", "1", "X-Two", "2", "X-Three", "3"];
  headers.push("Connection", "x-four", "X-Four", "4", "X-Four-A", "5", "x-one", "6");
  assertEquals(endToEndHeaders(headers), ["X-Three", "3", "X-Four-A", "5"]);
});

Deno.test("endToEndHeaders is not misled by a Connection that looks like a pattern", () => {
  const headers = ["Connection", "*, x.a, ", "X-A", "1", "*", "2"];
  assertEquals(endToEndHeaders(headers), ["X-A", "1"]);
});

Deno.test("endToEndHeaders is done at once with a Connection that names very much", () => {
  // Ten times what a head may have: what grows with the square takes many seconds.
  const names = Array.from({ length: 50_000 }, (_, i) => `x-hop-${10_000 + i}`);
  const others = Array.from({ length: 10_000 }, (_, i) => [`x-end-${10_000 + i}`, "1"]).flat();
  const start = performance.now();
  assertEquals(endToEndHeaders(["Connection", names.join(","), ...others]), others);
  assertLess(performance.now() - start, 2000);
});

Deno.test("endToEndHeaders keeps order, case, repeats and bytes of all else", () => {
  const name = fc.constantFrom("A", "b", "X-C", "x-c", "Set-Cookie");
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string())), (pairs) => {
      const headers = pairs.flat();
      assertEquals(endToEndHeaders(headers), headers);
      assertEquals(endToEndHeaders(["Connection", "close", ...headers]), headers);
    }),
  );
});

const validity: readonly (readonly [string, string, boolean])[] = [
  ["X-Name", "value", true],
  ["x!#$%&'*+.^_`|~0", "\t \x21\x7e\x80\xff", true],
  ["X", "", true],
  ["", "value", false],
  ["X Name", "value", false],
  ["X:", "value", false],
  ["X\r\nY", "value", false],
  ["X\n", "value", false],
  ["N\xe4me", "value", false],
  ["X", "a\r\nSet-Cookie: b", false],
  ["X", "a\n", false],
  ["X", "\x00", false],
  ["X", "\x7f", false],
  ["X", "\u0100", false],
];

for (const [name, value, expected] of validity) {
  const text = JSON.stringify(`${name}: ${value}`);
  Deno.test(`isValidHeader says ${expected} of ${text} (RFC 9110 §5.1, §5.5)`, () => {
    assertEquals(isValidHeader(name, value), expected);
  });
}
