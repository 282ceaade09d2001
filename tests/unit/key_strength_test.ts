import { assert, assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { EFF_WORDS } from "../../lib/auth/eff_words.ts";
import { estimateGuessesLog10 } from "../../lib/auth/guesses.ts";
import { checkKey } from "../../lib/auth/key_strength.ts";
import { MAX_KEY_CHARS } from "../../lib/base/limits.ts";

const STRONG = "PlaypenCausalPlatformCommodeImproveCatalyze";
const RUNS = { numRuns: 1000 };

const toHex = (text: string): string => new TextEncoder().encode(text).toHex();
const sixWords = fc.uniqueArray(fc.constantFrom(...EFF_WORDS), { minLength: 6, maxLength: 9 });
const capitalise = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);
const randomBytes = (length: number): Uint8Array<ArrayBuffer> =>
  crypto.getRandomValues(new Uint8Array(length));

async function assertAccepted(key: string): Promise<void> {
  assertEquals(await checkKey(key), { ok: true }, key);
}

async function assertRefused(key: string, reason = ""): Promise<void> {
  const verdict = await checkKey(key);
  assert(!verdict.ok, `Accepted ${key}`);
  assertStringIncludes(verdict.reason, reason);
  assert(key.length < 3 || !verdict.reason.includes(key), "The reason holds the key");
}

for (const separator of [" ", "-", "_", ".", ""]) {
  Deno.test(`checkKey accepts six or more words joined by "${separator}" in any case`, async () => {
    await fc.assert(
      fc.asyncProperty(sixWords, async (words) => {
        await assertAccepted(words.join(separator));
        await assertAccepted(words.join(separator).toUpperCase());
        await assertAccepted(words.map(capitalise).join(separator));
      }),
      RUNS,
    );
  });
}

for (const length of [32, 48, 64]) {
  Deno.test(`checkKey accepts base64 of ${length} random bytes, both alphabets, padded or not`, async () => {
    for (let i = 0; i < RUNS.numRuns; i++) {
      const bytes = randomBytes(length);
      await assertAccepted(bytes.toBase64());
      await assertAccepted(bytes.toBase64({ omitPadding: true }));
      await assertAccepted(bytes.toBase64({ alphabet: "base64url" }));
      await assertAccepted(bytes.toBase64({ alphabet: "base64url", omitPadding: true }));
    }
  });
}

Deno.test("checkKey accepts the originals' example and hyphenated words of the list", async () => {
  await assertAccepted(STRONG);
  await assertAccepted("drop-down felt-tip t-shirt yo-yo abacus zoom");
});

Deno.test("checkKey accepts other strong keys by the estimator", async () => {
  for (let i = 0; i < 20; i++) {
    await assertAccepted(randomBytes(32).toHex());
    await assertAccepted(crypto.randomUUID());
  }
  await assertAccepted("x9#Kq!2vLm@7Wz$4Rt&8pN");
  // Words of another list (BIP-39), drawn at random.
  await assertAccepted(
    "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic",
  );
  await assertAccepted(btoa(randomBytes(32).toHex()));
});

for (
  const [key, reason] of [
    ["", "empty"],
    ["a".repeat(MAX_KEY_CHARS + 1), "longer than 1024 characters"],
    [` ${STRONG}`, "white space"],
    [`${STRONG}\n`, "white space"],
    [`Play\npen${STRONG}`, "control character"],
    [`Play\u0000pen${STRONG}`, "control character"],
    [`Play\tpen${STRONG}`, "control character"],
    [`Play\u007fpen${STRONG}`, "control character"],
    [`${STRONG}é`, "outside ASCII"],
    [`${STRONG}€`, "outside ASCII"],
    [`${STRONG}😀`, "outside ASCII"],
  ] as const
) {
  Deno.test(`checkKey refuses a key of ${key.length} characters: ${reason}`, async () => {
    await assertRefused(key, reason);
  });
}

Deno.test("checkKey accepts the longest key and refuses one more character", async () => {
  const longest = (STRONG + "-").repeat(30).slice(0, STRONG.length * 23).padEnd(MAX_KEY_CHARS, "-");
  await assertAccepted(longest);
  await assertRefused(longest + "-", "longer");
});

for (
  const key of [
    "secretpassword",
    "SecretPassword",
    "secret-password",
    "s3cr3tP4ssw0rd",
    "correct horse battery staple",
    "CorrectHorseBatteryStaple",
    "correct-horse-battery-staple",
    "CORRECT_HORSE_BATTERY_STAPLE",
    "correcthorsebatterystaple",
    "correct.horse.battery.staple.correct.horse.battery.staple",
    "Correct-Horse-Battery-Staple-2024!",
    "panoramic nectar precut smith banana handclap",
    "PanoramicNectarPrecutSmithBananaHandclap",
    "your-256-bit-secret",
    "super-secret-jwt-token-with-at-least-32-characters-long",
    "please-change-me-to-a-long-random-string",
    "the quick brown fox jumps over the lazy dog",
    "ToBeOrNotToBeThatIsTheQuestionWhetherTisNoblerInTheMindToSuffer",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "3.14159265358979323846264338327950288419716939937510",
    "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=",
    "AyM1SysPpbyfDfZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  ]
) {
  Deno.test(`checkKey refuses the published "${key}"`, async () => {
    await assertRefused(key, "published example");
  });
}

for (
  const key of [
    "a".repeat(44),
    "a".repeat(88),
    "A".repeat(43) + "=",
    "asdf".repeat(12),
    btoa("a".repeat(64)),
    "abc123".repeat(20),
    "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
    new Uint8Array(64).toBase64(),
    new Uint8Array(64).fill(0xff).toBase64({ alphabet: "base64url" }),
    Uint8Array.from({ length: 64 }, (_, i) => 255 - 3 * i).toBase64(),
    Uint8Array.from({ length: 64 }, (_, i) => i % 2 === 0 ? i : 200).toBase64(),
    Uint8Array.from({ length: 32 }, (_, i) => i).toHex(),
    "Aa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8Ii9Jj0Kk1Ll2Mm3Nn4Oo5Pp6",
  ]
) {
  Deno.test(`checkKey refuses the pattern "${key}"`, async () => {
    await assertRefused(key, "pattern");
  });
}

for (
  const key of [
    btoa("I love my wife and my two children"),
    btoa("my password is password and secret"),
    btoa("correct horse battery staple is it"),
    btoa(btoa("correct horse battery staple is it")),
    toHex("my password is password and secret"),
  ]
) {
  Deno.test(`checkKey judges the text behind "${key}"`, async () => {
    await assertRefused(key, "it encodes a text that is no good key");
  });
}

for (
  const key of [
    "playpen causal platform commode improve",
    "PlaypenCausalPlatformCommodeImprove",
    "playpen-causal-platform-commode-improve-improve-improve",
    "abacus ".repeat(20).trim(),
    "Abacus1Abacus1Abacus1Abdomen1Abdomen1",
    "password".repeat(8),
  ]
) {
  Deno.test(`checkKey finds fewer than six different words in "${key}"`, async () => {
    await assertRefused(key, "fewer than 6 different words");
  });
}

Deno.test("checkKey accepts six different words however often they recur", async () => {
  await assertAccepted(`${STRONG}-${"improve-".repeat(40)}`);
});

for (
  const key of [
    "k",
    "password",
    "hunter2",
    "Tr0ub4dor&3",
    "P@ssw0rd123456",
    "passwordPASSWORDPassword123!@#",
    "passwordpasswordqwertyqwerty1234567890",
    "MyVoiceIsMyPasswordVerifyMe",
    "letmeinletmein123456letmein",
    "iloveyouiloveyouforever1234",
    "trustno1trustno1dragonmonkey",
    "qwertyuiop",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "qwertyuiopasdfghjklzxcvbnmQWERTYUIOPASDFGHJKLZXCVBNM1234567890",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,",
    "zaq12wsxcde34rfvbgt56yhnmju78ik,",
    "!@#$%^&*()_+!@#$%^&*()_+",
    "zyxwvutsrqponmlkjihgfedcba9876543210",
    "12345678901234567890123456789012345678901234",
    "2020-01-01 2021-02-02 2022-03-03 2023-04-04",
    "20200101202102022022030320230404",
    "Summer2024!Winter2025!Spring2026",
    "Monday1January2024Tuesday2February2025",
    "JohnSmith19850612MarySmith19870314",
    "this is a very long password",
    "aaaaaaaaaabbbbbbbbbbccccccccccdddddddddd",
  ]
) {
  Deno.test(`checkKey refuses the weak "${key}"`, async () => {
    await assertRefused(key);
  });
}

Deno.test("checkKey never tells a part of the key", async () => {
  for (const secret of ["hunter2hunter2", "zzqxzzqx zzqx", "zzqxqzé", "zzqxq\u0000z"]) {
    const verdict = await checkKey(secret);
    assert(!verdict.ok);
    assertNotMatch(verdict.reason, /hunter|zzqx/);
  }
});

Deno.test("estimateGuessesLog10 reads the first 40 characters only", () => {
  const weak = "a".repeat(40);
  assertEquals(
    estimateGuessesLog10(weak + "x9Kq2vLm7WzRt8pNx9Kq2vLm7W"),
    estimateGuessesLog10(weak),
  );
  assert(estimateGuessesLog10("x9Kq2vLm7WzRt8pN" + weak) > estimateGuessesLog10(weak) + 10);
});

Deno.test("estimateGuessesLog10 finds words between separators", () => {
  const joined = estimateGuessesLog10("horsehouserivertable");
  assert(estimateGuessesLog10("horse house river table") <= joined);
  assert(estimateGuessesLog10("horse-house-river-table") <= joined);
});
