import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { errorAnswer } from "../../lib/http/error_answer.ts";
import { headerValue, headerValues } from "../../lib/http/headers.ts";

function ask(
  accept: string,
): { type: string | undefined; text: string; headers: readonly string[] } {
  const answer = errorAnswer(405, {
    requestHeaders: ["Accept", accept],
    message: "Not <here>",
    headers: ["Allow", "GET"],
  });
  assertEquals(answer.status, 405);
  assert(answer.body instanceof Uint8Array);
  const type = headerValue(answer.headers, "content-type");
  return { type, text: new TextDecoder().decode(answer.body), headers: answer.headers };
}

Deno.test("errorAnswer comes as plain text, HTML or JSON by Accept (RFC 9110 §12.5.1)", () => {
  const plain = ask("*/*");
  assertEquals(plain.type, "text/plain; charset=utf-8");
  assertEquals(plain.text, "Not <here>\n");
  const html = ask("text/html,*/*;q=0.8");
  assertEquals(html.type, "text/html; charset=utf-8");
  assertStringIncludes(html.text, "<h1>405 Method Not Allowed</h1>\n<p>Not &lt;here&gt;");
  const json = ask("application/json");
  assertEquals(json.type, "application/json");
  assertEquals(JSON.parse(json.text), { error: { status: 405, message: "Not <here>" } });
});

Deno.test("errorAnswer is kept by no cache, is not sniffed, and keeps the fields it was given", () => {
  for (const accept of ["*/*", "text/html", "application/json"]) {
    const { headers } = ask(accept);
    assertEquals(headerValues(headers, "cache-control"), ["no-store"]);
    assertEquals(headerValues(headers, "x-content-type-options"), ["nosniff"]);
    assertEquals(headerValues(headers, "vary"), ["Accept"]);
    assertEquals(headerValues(headers, "allow"), ["GET"]);
  }
});
