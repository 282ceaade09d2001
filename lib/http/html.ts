/**
 * Pages made on the server: plain HTML, one style sheet inside, no script. Everything that is not
 * a literal of ours goes through {@linkcode escapeHtml}.
 */

import { createHash } from "node:crypto";
import type { RawHeaders } from "./message.ts";

const STYLE = `
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;margin:1rem auto;max-width:60rem;padding:0 1rem;overflow-wrap:anywhere}
h1{font-size:1.2rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .5rem;border-bottom:1px solid color-mix(in srgb,currentColor 15%,transparent);vertical-align:top}
th:nth-child(n+2),td:nth-child(n+2){text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
a{text-decoration:none}
a:hover,a:focus{text-decoration:underline}
nav a{padding-right:1rem}
.gone{opacity:.6}
@media (max-width:34rem){th:nth-child(3),td:nth-child(3){display:none}}
`;

/** Fields of every page of ours: it may use its own style sheet and nothing else whatsoever. */
export const PAGE_HEADERS: RawHeaders = [
  "Content-Type",
  "text/html; charset=utf-8",
  "X-Content-Type-Options",
  "nosniff",
  "Content-Security-Policy",
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; " +
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "Referrer-Policy",
  "same-origin",
];

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

/** A whole page. `title` is text, `body` is HTML. */
export function htmlPage(title: string, body: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${body}
</body>
</html>
`;
}
