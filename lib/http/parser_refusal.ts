/**
 * The status for a head that the engine's parser refused: it tells only that it did, and the bytes
 * it had (RFC 9112 §3, RFC 9110 §15.5–15.6).
 */

import { METHODS } from "node:http";
import { MAX_TARGET_BYTES } from "../base/limits.ts";

/** Status and one sentence for the peer. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** Of a load balancer that is not known as one. Its second version is no text. */
const PROXY_HEADER_REGEXP = /^PROXY (?:TCP[46]|UNKNOWN)(?: |$)/;
const TOKEN_REGEXP = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** `code` is the parser's error code, `head` what it was given, one character per byte. */
export function toParserRefusal(code: string, head: string): Refusal {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return { status: 408, reason: "The request did not arrive in time" };
  }
  const lineEnd = head.search(/\r?\n/);
  const line = lineEnd < 0 ? head : head.slice(0, lineEnd);
  const [method = "", target = "", version = ""] = line.split(" ");
  if (PROXY_HEADER_REGEXP.test(line)) {
    return { status: 400, reason: "A PROXY header is not taken from this address" };
  }
  if (TOKEN_REGEXP.test(method) && lineEnd >= 0 && !METHODS.includes(method)) {
    return method === "PRI"
      ? { status: 505, reason: "This server speaks HTTP/1.1" }
      : { status: 501, reason: "The method is not known here" };
  }
  if (/^HTTP\/[0-9]+\.[0-9]+$/.test(version) && !version.startsWith("HTTP/1.")) {
    return { status: 505, reason: "This server speaks HTTP/1.1" };
  }
  if (target.length > MAX_TARGET_BYTES) {
    return { status: 414, reason: `The target is longer than ${MAX_TARGET_BYTES} bytes` };
  }
  if (code === "HPE_HEADER_OVERFLOW") {
    return { status: 431, reason: "The request head is too large" };
  }
  return { status: 400, reason: "The request is not valid HTTP/1.1" };
}
