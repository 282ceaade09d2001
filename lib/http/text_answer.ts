/** Short answers of one line of plain text. */

import type { HttpAnswer, RawHeaders } from "./message.ts";

const utf8 = new TextEncoder();

/** One sentence and a line feed, as the original's texts are; never cached. */
export function textAnswer(
  status: number,
  sentence: string,
  headers: RawHeaders = [],
): HttpAnswer & { readonly body: Uint8Array } {
  return {
    status,
    headers: [
      "Content-Type",
      "text/plain; charset=utf-8",
      "Cache-Control",
      "no-store",
      "X-Content-Type-Options",
      "nosniff",
      ...headers,
    ],
    body: utf8.encode(`${sentence}\n`),
  };
}
