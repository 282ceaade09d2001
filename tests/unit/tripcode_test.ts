import { assert, assertEquals, assertNotEquals } from "@std/assert";
import fc from "fast-check";
import { isTripcode, matchesTripcode, toTripcode } from "../../lib/auth/tripcode.ts";

const KEY = "PlaypenCausalPlatformCommodeImproveCatalyze";
const TRIPCODE = "A9rPwZyY89Ag4TJjMoyYA2NeGOm99Je6rq1s0rg8PfY=";

Deno.test("toTripcode gives the originals' tripcodes", () => {
  assertEquals(toTripcode(KEY), TRIPCODE);
  assertEquals(toTripcode("k"), "XLywzugkuRhmzWf1emZD3ct81DggKQOQQ1E5U8dZJGs=");
});

Deno.test("toTripcode hashes a string as UTF-8 and bytes as they are", () => {
  assertEquals(toTripcode("ü"), toTripcode(new Uint8Array([0xc3, 0xbc])));
  assertNotEquals(toTripcode("ü"), toTripcode(new Uint8Array([0xfc])));
});

Deno.test("isTripcode accepts what toTripcode makes", () => {
  fc.assert(fc.property(fc.string(), (key) => isTripcode(toTripcode(key))));
});

for (
  const [what, text] of [
    ["nothing", ""],
    ["no padding", TRIPCODE.slice(0, -1)],
    ["33 bytes", "A9rPwZyY89Ag4TJjMoyYA2NeGOm99Je6rq1s0rg8PfYA"],
    ["31 bytes", "A9rPwZyY89Ag4TJjMoyYA2NeGOm99Je6rq1s0rg8Pf=="],
    ["stray bits in the last character", TRIPCODE.replace("Y=", "Z=")],
    ["the url-safe alphabet", "A9rPwZyY89Ag4TJjMoyYA2NeGOm99Je6rq1s0rg8-fY="],
    ["white space inside", "A9rPwZyY89Ag4TJjMoyYA2NeGOm99Je6rq1s0rg8 PfY"],
    ["white space behind", TRIPCODE + "\n"],
    ["a character outside ASCII", "é9rPwZyY89Ag4TJjMoyYA2NeGOm99Je6rq1s0rg8PfY="],
  ] as const
) {
  Deno.test(`isTripcode and matchesTripcode refuse ${what}`, () => {
    assertEquals(isTripcode(text), false);
    assertEquals(matchesTripcode(KEY, text), false);
  });
}

Deno.test("matchesTripcode takes the right key, as text and as bytes, and no other", () => {
  assert(matchesTripcode(KEY, TRIPCODE));
  assert(matchesTripcode(new TextEncoder().encode(KEY), TRIPCODE));
  assertEquals(matchesTripcode(KEY.toLowerCase(), TRIPCODE), false);
  assertEquals(matchesTripcode(KEY + " ", TRIPCODE), false);
  assertEquals(matchesTripcode("", TRIPCODE), false);
  assertEquals(matchesTripcode(TRIPCODE, TRIPCODE), false);
});
