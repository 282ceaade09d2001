/** What no handler may ever see, and how it is refused. */

import { isAuthority } from "./host.ts";
import type { HttpAnswer } from "./message.ts";
import type { Refusal, RequestHead } from "./request_head.ts";
import { textAnswer } from "./text_answer.ts";

const BAD_HOST: Refusal = { status: 400, reason: "The Host field is not valid" };
const UNKNOWN_EXPECTATION: Refusal = { status: 417, reason: "The expectation is not known here" };
const NO_CONNECT: Refusal = { status: 405, reason: "CONNECT is not served here" };
const NO_TRACE: Refusal = { status: 405, reason: "TRACE is not served here" };

/** Why a request is refused (RFC 9112 §3.2, RFC 9110 §9.3.6, §9.3.8, §10.1.1), if it is. */
export function checkRequest(
  { host, hostCount, httpVersion, expectation, method }: Pick<
    RequestHead,
    "host" | "hostCount" | "httpVersion" | "expectation" | "method"
  >,
): Refusal | undefined {
  // Only HTTP/1.0 knows requests without one.
  if (hostCount > 1 || (hostCount === 0 && httpVersion === "1.1")) return BAD_HOST;
  if (host !== null && !isAuthority(host)) return BAD_HOST;
  if (expectation !== null && expectation !== "100-continue") return UNKNOWN_EXPECTATION;
  if (method === "CONNECT") return NO_CONNECT;
  return method === "TRACE" ? NO_TRACE : undefined;
}

export function toRefusalAnswer(
  { status, reason }: Refusal,
): HttpAnswer & { readonly body: Uint8Array } {
  // RFC 9110 §15.5.6: a 405 names what is allowed.
  return textAnswer(status, reason, status === 405 ? ["Allow", "GET, HEAD, OPTIONS"] : []);
}
