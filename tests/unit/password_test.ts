import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import {
  createDummyHash,
  hashPassword,
  matchesPassword,
  parsePasswordHash,
} from "../../lib/auth/password.ts";

const SALT = "MDEyMzQ1Njc4OWFiY2RlZg==";
// RFC 7914 in Python: hashlib.scrypt(b"secret", salt=b"0123456789abcdef", n=16, r=8, p=1, dklen=32)
const HASH = "gEeb/KeWbm5g+kBQOFr1yJbkjBxxxDOkhSmrSXFFwOg=";
const TEXT = `scrypt$16$8$1$${SALT}$${HASH}`;

function parse(text: string): NonNullable<ReturnType<typeof parsePasswordHash>> {
  const parsed = parsePasswordHash(text);
  assert(parsed !== undefined, text);
  return parsed;
}

Deno.test("matchesPassword agrees with another scrypt, and takes no other password", async () => {
  assertEquals(await matchesPassword("secret", parse(TEXT)), true);
  for (const wrong of ["Secret", "secret ", ""]) {
    assertEquals(await matchesPassword(wrong, parse(TEXT)), false);
  }
});

Deno.test("hashPassword salts: two hashes of a password differ, and both match", async () => {
  const hashes = [await hashPassword("é"), await hashPassword("e\u0301")];
  assertNotEquals(hashes[0], hashes[1]);
  for (const text of hashes) {
    assertMatch(text, /^scrypt\$32768\$8\$3\$[^$]{24}\$[^$]{44}$/);
    assertEquals(await matchesPassword("\u00e9", parse(text)), true);
    assertEquals(await matchesPassword("e", parse(text)), false);
  }
});

Deno.test("createDummyHash costs the same, and no password has it", async () => {
  const dummy = createDummyHash(parse(TEXT));
  assertEquals(dummy.costs, parse(TEXT).costs);
  assertEquals(await matchesPassword("secret", dummy), false);
});

Deno.test("parsePasswordHash refuses other forms, and costs that would hurt", () => {
  const bad = [
    "",
    "secret",
    "$2y$05$abcdefghijklmnopqrstuv",
    TEXT.replace("scrypt", "bcrypt"),
    TEXT.replace("$16$", "$15$"),
    TEXT.replace("$16$", "$1$"),
    TEXT.replace("$16$", "$4194304$"),
    TEXT.replace("$8$1$", "$8$17$"),
    TEXT.replace("$8$1$", "$0$1$"),
    TEXT.replace(SALT, "MDEy"),
    TEXT.replace(SALT, "=MDE"),
    TEXT.slice(0, -4),
    `${TEXT}$`,
  ];
  for (const text of bad) assertEquals(parsePasswordHash(text), undefined, text);
});
