/**
 * Pages made on the server: plain HTML, one look. Everything that is not a literal of ours goes
 * through {@linkcode escapeHtml}.
 */

import { createHash } from "node:crypto";
import type { RawHeaders } from "./message.ts";
import { PAGE_STYLE } from "./page_style.ts";

/** Fields of a page that stands alone: its own style sheet, and nothing else whatsoever. */
export const PAGE_HEADERS: RawHeaders = pageHeaders([
  "form-action 'none'",
  `style-src '${sourceHash(PAGE_STYLE)}'`,
]);

/**
 * Fields of a page of ours. `sources` are the directives of its Content-Security-Policy that allow
 * anything; without them it may load and send nothing.
 */
export function pageHeaders(sources: readonly string[]): RawHeaders {
  const policy = ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'self'", ...sources];
  return [
    "Content-Type",
    "text/html; charset=utf-8",
    "X-Content-Type-Options",
    "nosniff",
    "Content-Security-Policy",
    policy.join("; "),
    "Referrer-Policy",
    "same-origin",
  ];
}

/** What names a text in a Content-Security-Policy and in an `integrity` attribute. */
export function sourceHash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

/**
 * Text for HTML content and for quoted attribute values.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(escapeHtml(`<a b="c">`), "&lt;a b=&quot;c&quot;&gt;");
 * ```
 */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => ENTITIES.get(char) ?? char);
}

const OWN_STYLE = `<style>${PAGE_STYLE}</style>`;

/**
 * A whole page. `title` is text, `body` is HTML; `head` is HTML too, and brings the style:
 * by default a sheet within the page, so that it needs no second request.
 */
export function htmlPage(title: string, body: string, head: string = OWN_STYLE): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
${head}
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;
}
