import { assert, assertEquals, assertLess } from "@std/assert";
import { isAsciiText, isPatterned, isScrambled } from "../../lib/auth/random_look.ts";

const randomBytes = (length: number): Uint8Array<ArrayBuffer> =>
  crypto.getRandomValues(new Uint8Array(length));
const row = (toValue: (i: number) => number): Uint8Array =>
  Uint8Array.from({ length: 32 }, (_, i) => toValue(i));

Deno.test("isPatterned sees constants, periods up to 8, counting and woven rows", () => {
  assert(isPatterned(row(() => 7)));
  assert(isPatterned(row((i) => i)));
  assert(isPatterned(row((i) => 255 - 5 * i)));
  assert(isPatterned(row((i) => i % 2 === 0 ? i : 99)));
  const period = randomBytes(8);
  assert(isPatterned(row((i) => period[i % 8] ?? 0)));
});

Deno.test("isPatterned passes random bytes and their base64", () => {
  for (let i = 0; i < 1000; i++) {
    const bytes = randomBytes(32);
    assertEquals(isPatterned(bytes), false);
    assertEquals(isPatterned(new TextEncoder().encode(bytes.toBase64())), false);
  }
});

Deno.test("isAsciiText tells text from bytes by a single byte", () => {
  const text = new TextEncoder().encode("two lines\r\nof ~ text");
  assert(isAsciiText(text));
  for (const byte of [0x00, 0x1f, 0x7f, 0x80, 0xff]) {
    assertEquals(isAsciiText(new Uint8Array([...text, byte])), false);
  }
});

Deno.test("isScrambled passes nearly all base64 of random bytes", () => {
  let failures = 0;
  for (let i = 0; i < 1000; i++) if (!isScrambled(randomBytes(32).toBase64())) failures++;
  // 3 are to be expected.
  assertLess(failures, 20);
});

for (
  const [what, text] of [
    ["one case", "k7d0x2m9q4w1z8p3v6b5n2c7j4h1g8f3s6a9"],
    ["CamelCase without digits", "IfMusicBeTheFoodOfLovePlayOnGiveMeExcess"],
    ["long runs of a kind", "abcmdkelqpXMWPQKDLAS1940582736plmoknij"],
    ["the same again in other case", "1qAz2WsX3eDc4RfV1QaZ2wSx3EdC4rFv"],
  ] as const
) {
  Deno.test(`isScrambled refuses ${what}`, () => assertEquals(isScrambled(text), false));
}

Deno.test("isScrambled passes the same kinds without those faults", () => {
  assert(isScrambled("k7D0x2M9q4W1z8P3v6B5n2C7j4H1g8F3s6A9"));
  assert(isScrambled("1qAz2WsX3eDc4RfV5tGb6YhN7uJm8Ik"));
});
