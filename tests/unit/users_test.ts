import { assert, assertEquals } from "@std/assert";
import { Users } from "../../lib/auth/users.ts";

const HASH = "scrypt$16$8$1$MDEyMzQ1Njc4OWFiY2RlZg==$gEeb/KeWbm5g+kBQOFr1yJbkjBxxxDOkhSmrSXFFwOg=";

Deno.test("Users.check takes a right name and password together only", async () => {
  const parsed = Users.parse(`# users\r\n\r\nalice:${HASH}\r\nbj\u00f6rn:${HASH}\n`);
  assert(parsed.ok);
  assertEquals(await parsed.users.check("alice", "secret"), true);
  assertEquals(await parsed.users.check("bjo\u0308rn", "secret"), true);
  assertEquals(await parsed.users.check("alice", "wrong"), false);
  assertEquals(await parsed.users.check("Alice", "secret"), false);
  assertEquals(await parsed.users.check("constructor", "secret"), false);
});

Deno.test("Users.parse names the line of a fault, and never quotes it", () => {
  const cases: [text: string, line: number | undefined, reason: string][] = [
    ["", undefined, "there is no user in it"],
    ["# none\n\n", undefined, "there is no user in it"],
    ["alice", 1, "it must be NAME:HASH"],
    [`\n:${HASH}`, 2, "it must be NAME:HASH"],
    [`a b:${HASH}`, 1, "it must be NAME:HASH"],
    [`a\u001b:${HASH}`, 1, "it must be NAME:HASH"],
    [`a\u202e:${HASH}`, 1, "it must be NAME:HASH"],
    [`${"a".repeat(65)}:${HASH}`, 1, "it must be NAME:HASH"],
    [`alice:${HASH}\nbob:secret`, 2, "the hash is of another form"],
    [`alice:${HASH}\nalice:${HASH}`, 2, "this user is there already"],
  ];
  for (const [text, line, reason] of cases) {
    const wanted = line === undefined ? { ok: false, reason } : { ok: false, line, reason };
    assertEquals<unknown>(Users.parse(text), wanted);
  }
});
