import { assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { escapeHtml, htmlPage, PAGE_HEADERS } from "../../lib/http/html.ts";
import { headerValue } from "../../lib/http/headers.ts";

Deno.test("escapeHtml leaves nothing that ends a text or a quoted value", () => {
  assertEquals(
    escapeHtml(`"><script>alert('&amp;')</script>`),
    "&quot;&gt;&lt;script&gt;alert(&#39;&amp;amp;&#39;)&lt;/script&gt;",
  );
});

Deno.test("htmlPage escapes its title", () => {
  assertStringIncludes(htmlPage("</title><b>", "<p>x"), "<title>&lt;/title&gt;&lt;b&gt;</title>");
});

Deno.test("PAGE_HEADERS allow exactly the style sheet that the page holds", () => {
  const [, style = ""] = /<style>([^]*)<\/style>/.exec(htmlPage("", "")) ?? [];
  const hash = createHash("sha256").update(style).digest("base64");
  const policy = headerValue(PAGE_HEADERS, "content-security-policy") ?? "";
  assertStringIncludes(policy, `style-src 'sha256-${hash}'`);
  assertStringIncludes(policy, "default-src 'none'");
  assertEquals(/unsafe|script-src/.test(policy), false);
});
