/** What no handler may ever see, and how it is refused. */

import { Buffer } from "node:buffer";
import { MAX_HEADER_COUNT, MAX_TARGET_BYTES } from "../base/limits.ts";
import { encodeHead } from "./encode_head.ts";
import { headerValue, headerValues } from "./headers.ts";
import { isAuthority } from "./host.ts";
import type { HttpAnswer, HttpRequest } from "./message.ts";
import type { Refusal } from "./parser_refusal.ts";
import { textAnswer } from "./text_answer.ts";

/** Why a request is refused (RFC 9112 §3.2, §6.1, RFC 9110 §9.3.8, §10.1.1); undefined if it is not. */
export function checkRequest(
  request: Pick<HttpRequest, "headers" | "target" | "method" | "httpVersion">,
): Refusal | undefined {
  const hosts = headerValues(request.headers, "host");
  if (hosts.length > 1 || !isAuthority(hosts[0] ?? "")) {
    return { status: 400, reason: "The Host field is not valid" };
  }
  if (request.target.length > MAX_TARGET_BYTES) {
    return { status: 414, reason: `The target is longer than ${MAX_TARGET_BYTES} bytes` };
  }
  if (request.headers.length > 2 * MAX_HEADER_COUNT) {
    return { status: 431, reason: `There are more than ${MAX_HEADER_COUNT} header fields` };
  }
  const coding = headerValues(request.headers, "transfer-encoding").join(",").toLowerCase();
  if (coding !== "" && request.httpVersion === "1.0") {
    // RFC 9112 §6.1: the framing is faulty, whatever the parser made of it.
    return { status: 400, reason: "HTTP/1.0 has no Transfer-Encoding" };
  }
  if (coding !== "" && coding.trim() !== "chunked") {
    return { status: 501, reason: "Only the transfer coding chunked is known here" };
  }
  const expectation = headerValue(request.headers, "expect")?.toLowerCase();
  if (expectation !== undefined && expectation !== "100-continue") {
    return { status: 417, reason: "The expectation is not known here" };
  }
  if (request.method === "TRACE") {
    return { status: 405, reason: "TRACE is not served here" };
  }
  return undefined;
}

export function toRefusalAnswer(
  { status, reason }: Refusal,
): HttpAnswer & { readonly body: Uint8Array } {
  // RFC 9110 §15.5.6: a 405 names what is allowed.
  return textAnswer(status, reason, status === 405 ? ["Allow", "GET, HEAD, OPTIONS"] : []);
}

/** The whole refusal, for where the engine has no response object; the connection's last bytes. */
export function toRefusalBytes(refusal: Refusal): Uint8Array {
  const { status, headers, body } = toRefusalAnswer(refusal);
  const head = encodeHead(status, [
    ...headers,
    ...["Content-Length", String(body.length), "Date", new Date().toUTCString()],
    ...["Connection", "close"],
  ]);
  return Buffer.concat([head, body]);
}
