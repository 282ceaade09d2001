/** Short answers that say what went wrong, in the form that the client reads best. */

import { STATUS_TEXT } from "@std/http";
import { preferredType } from "./accept.ts";
import { escapeHtml, htmlPage, PAGE_HEADERS } from "./html.ts";
import type { HttpAnswer, RawHeaders } from "./message.ts";
import { textAnswer } from "./text_answer.ts";

const encoder = new TextEncoder();

export interface ErrorAnswerOptions {
  /** The request's fields: Accept chooses among plain text, HTML and JSON. */
  readonly requestHeaders: RawHeaders;
  /**
   * One fixed sentence for the visitor, without a final period; default: the status' own name.
   * Never a path of this computer or a message of an exception.
   */
  readonly message?: string;
  /** More fields for the answer, such as Allow. */
  readonly headers?: RawHeaders;
}

/** An answer with an error status, a short body, and no place in any cache. */
export function errorAnswer(status: number, options: ErrorAnswerOptions): HttpAnswer {
  const name = STATUS_TEXT[status] ?? "Error";
  const message = options.message ?? name;
  const type = preferredType(options.requestHeaders, [
    "text/plain",
    "text/html",
    "application/json",
  ]);
  const headers = [...options.headers ?? [], "Vary", "Accept"];
  if (type === "text/plain") return textAnswer(status, message, headers);
  headers.push("Cache-Control", "no-store");
  if (type === "text/html") {
    const title = `${status} ${name}`;
    const page = htmlPage(title, `<h1>${title}</h1>\n<p>${escapeHtml(message)}`);
    return { status, headers: [...PAGE_HEADERS, ...headers], body: encoder.encode(page) };
  }
  headers.push("Content-Type", type, "X-Content-Type-Options", "nosniff");
  const json = JSON.stringify({ error: { status, message } });
  return { status, headers, body: encoder.encode(`${json}\n`) };
}
