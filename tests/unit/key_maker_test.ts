import { assert, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { countWords, EFF_WORDS } from "../../lib/auth/eff_words.ts";
import { createDicewareKey, createRandomKey } from "../../lib/auth/key_maker.ts";
import { checkKey } from "../../lib/auth/key_strength.ts";

const toWords = (key: string): string[] => key.match(/[A-Z][a-z]+/g) ?? [];

Deno.test("EFF_WORDS are 7775 different words of small letters", () => {
  assertEquals(EFF_WORDS.length, 7775);
  assertEquals(new Set(EFF_WORDS).size, 7775);
  assert(EFF_WORDS.every((word) => /^[a-z]{3,9}$/.test(word)));
  assert(EFF_WORDS.includes("tshirt") && EFF_WORDS.includes("yoyo"));
});

Deno.test("countWords needs every letter covered and counts different words only", () => {
  assertEquals(countWords(""), 0);
  assertEquals(countWords("playpen"), 1);
  assertEquals(countWords("playpenplaypencausal"), 2);
  assertEquals(countWords("playpenq"), 0);
  assertEquals(countWords("qplaypen"), 0);
  assertEquals(countWords("tshirtyoyo"), 2);
});

Deno.test("countWords stops counting at six words but not covering", () => {
  const eight = "playpencausalplatformcommodeimprovecatalyzeabacuszoom";
  assertEquals(countWords(eight), 6);
  assertEquals(countWords(eight + "q"), 0);
});

Deno.test("createDicewareKey makes seven different words in CamelCase", async () => {
  for (let i = 0; i < 200; i++) {
    const key = createDicewareKey();
    const words = toWords(key);
    assertEquals(words.join(""), key);
    assertEquals(words.length, 7);
    assertEquals(new Set(words).size, 7);
    assert(words.every((word) => EFF_WORDS.includes(word.toLowerCase())), key);
    assertEquals(await checkKey(key), { ok: true });
  }
});

Deno.test("createDicewareKey draws from the whole list evenly", () => {
  // 70,000 words over ten tenths of the list: 7000 each, standard deviation 79.
  const tenths = new Array<number>(10).fill(0);
  for (let i = 0; i < 700; i++) {
    for (const word of toWords(createDicewareKey(100))) {
      const tenth = Math.floor(EFF_WORDS.indexOf(word.toLowerCase()) * 10 / EFF_WORDS.length);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
  }
  for (const count of tenths) {
    assertGreater(count, 6400);
    assertLess(count, 7600);
  }
});

Deno.test("createDicewareKey makes as many words as asked for, from 6 to 100", () => {
  assertEquals(toWords(createDicewareKey(6)).length, 6);
  assertEquals(toWords(createDicewareKey(100)).length, 100);
  for (const words of [0, 5, 6.5, 101, NaN]) {
    assertThrows(() => createDicewareKey(words), RangeError, "words must be 6-100");
  }
});

Deno.test("createRandomKey makes base64 of 64 bytes, another each time", async () => {
  const keys = Array.from({ length: 100 }, createRandomKey);
  assertEquals(new Set(keys).size, 100);
  for (const key of keys) {
    assertEquals(Uint8Array.fromBase64(key, { lastChunkHandling: "strict" }).length, 64);
    assertEquals(key.length, 88);
    assertEquals(await checkKey(key), { ok: true });
  }
});
