import { assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { renderMarkdown } from "../../lib/files/markdown.ts";

const REFUSED = [
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "java&#x09;script:alert(1)",
  "&#106;avascript:alert(1)",
  "javascript&colon;alert(1)",
  "vbscript:x",
  "data:text/html,<script>alert(1)</script>",
  "data:image/png;base64,AA==",
  "file:///etc/passwd",
  "blob:x",
  "//evil.example/x",
  "/\\evil.example",
  "/from/the/top",
  "https:evil",
  "http:/evil",
];

Deno.test("renderMarkdown links nowhere but to the web, a mail program and relative places", () => {
  for (const url of REFUSED) {
    for (const text of [`[a](${url})`, `[a](<${url}>)`, `<${url}>`, `[a]\n\n[a]: ${url}`]) {
      assertNotMatch(renderMarkdown(text), /<a |<img|href=|src=/, text);
    }
  }
  const allowed = ["https://a.example/?b=c", "HTTP://a.example", "mailto:a@b.example"];
  for (const url of allowed) {
    assertStringIncludes(
      renderMarkdown(`[a](${url})`),
      `<a href="${url}" rel="nofollow noopener">a</a>`,
    );
  }
  for (const url of ["b.md", "./b/", "../c?x=1", "#place", "a%20b"]) {
    assertEquals(renderMarkdown(`[a](${url})`), `<p><a href="${url}">a</a></p>\n`);
  }
});

Deno.test("renderMarkdown shows images from beside it, and of others what they show in words", () => {
  assertEquals(
    renderMarkdown('![alt "a"](b.png)'),
    '<p><img src="b.png" alt="alt &quot;a&quot;" loading="lazy"></p>\n',
  );
  for (const url of [...REFUSED, "https://tracker.example/x.png", "mailto:x"]) {
    assertNotMatch(renderMarkdown(`![words](${url})`), /<img|src=/, url);
  }
  assertEquals(renderMarkdown("![words <b>](https://a.example/x.png)"), "<p>words &lt;b&gt;</p>\n");
});

const EVIL = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<div\nonclick=x>",
  "<!-- x --><b>",
  '```"><script>x\ncode</script>\n```',
  '[a](b "\\"><script>")',
  '![a"><script>](b.png)',
  "[a](b\"onmouseover='x')",
  "| <script> |\n|-|\n| <b onclick=x> |",
  "<a href='javascript:x'>y</a>",
  "# <svg/onload=x>",
  "\u0000<script>",
];

Deno.test("renderMarkdown lets no tag or attribute of the text through", () => {
  for (const text of EVIL) {
    for (const [tag] of renderMarkdown(text).matchAll(/<[a-z!](?:[^>"]|"[^"]*")*>/gi)) {
      const bare = tag.replace(/"[^"]*"/g, "");
      assertNotMatch(bare, /script|svg|div|onclick|onerror|<b\b|<!|\son\w/, text);
    }
  }
});

Deno.test("renderMarkdown begins headings below the page's own, and uses no style attributes", () => {
  assertEquals(renderMarkdown("# a\n###### b"), "<h2>a</h2>\n<h6>b</h6>\n");
  const table = renderMarkdown("| a | b |\n|--:|:-:|\n| 1 | 2 |\n");
  assertStringIncludes(table, '<th class="right">a</th>');
  assertStringIncludes(table, '<td class="center">2</td>');
  assertNotMatch(table, /style=/);
});
