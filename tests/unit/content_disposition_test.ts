import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { attachment } from "../../lib/http/content_disposition.ts";

Deno.test("attachment sends a plain name once, quoted (RFC 6266 §4.3)", () => {
  assertEquals(attachment("a b (1).zip"), 'attachment; filename="a b (1).zip"');
  assertEquals(attachment("a;b,c'd.zip"), `attachment; filename="a;b,c'd.zip"`);
});

Deno.test("attachment escapes quotes and backslashes, and sends them in UTF-8 too", () => {
  assertEquals(
    attachment(`a"b\\c.zip`),
    String.raw`attachment; filename="a\"b\\c.zip"; filename*=UTF-8''a%22b%5Cc.zip`,
  );
  // Some readers decode the quoted form.
  assertEquals(
    attachment("%41.zip"),
    `attachment; filename="%41.zip"; filename*=UTF-8''%2541.zip`,
  );
});

Deno.test("attachment has a fallback for what is not ASCII (RFC 8187 §3.2)", () => {
  assertEquals(
    attachment("é 🐙'*.zip"),
    `attachment; filename="_ _'*.zip"; filename*=UTF-8''%C3%A9%20%F0%9F%90%99%27%2A.zip`,
  );
  assertEquals(
    attachment("\ud83d.zip"),
    `attachment; filename="_.zip"; filename*=UTF-8''%EF%BF%BD.zip`,
  );
});

Deno.test("attachment gives a safe field for any text, and the text can be had back", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("a\r\nSet-Cookie: x=1", "\0"),
  );
  fc.assert(fc.property(text, (name) => {
    const field = attachment(name);
    const [, quoted, , extended] =
      /^attachment; filename="((?:[^"\\]|\\.)*)"(; filename\*=UTF-8''([\w!#$&+.^`|~%-]*))?$/
        .exec(field) ?? [];
    assert(quoted !== undefined, field);
    assert(/^[\x20-\x7e]*$/.test(field));
    assertEquals(extended === undefined ? quoted : decodeURIComponent(extended), name);
  }));
});
