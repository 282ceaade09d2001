/** What of a visitor's request the classic protocol can carry (docs/protocol.md, "Visitor's request"). */

import { headerPairs } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";
import { type ClassicMethod, QUERY_HEADER } from "../wire/classic.ts";
import type { ClassicRequest } from "../wire/http_serde.ts";
import type { ForwardedRequest } from "./exchange.ts";
import type { Failure } from "./failure.ts";

// What an original server can parse; others it never answers (docs/protocol.md, "Traps").
const CLASSIC_PATH_REGEXP = /^[!$&'()*+,\-./0-9:;=@A-Z[\\\]^_a-z~%]*$/;

/** Fields that mean nothing without what classic does not carry: bodies, upgrades, trailers. */
const DROPPED: ReadonlySet<string> = new Set([
  "content-length",
  "expect",
  "te",
  "trailer",
  "upgrade",
]);

/** The request as classic says it, or why it cannot. */
export function toClassicRequest(
  { id, method, path, query, headers }: ForwardedRequest,
): ClassicRequest | Failure {
  if (!isClassicMethod(method)) return "method_not_carried";
  if (!isClassicPath(path)) return "bad_target";
  return { id, method, uri: path, headers: toClassicHeaders(headers, query) };
}

/** Names in lower case and each once, with its first value. */
function toClassicHeaders(headers: RawHeaders, query: string): RawHeaders {
  const single = new Map<string, string>();
  for (const [name, value] of headerPairs(headers)) {
    const key = name.toLowerCase();
    if (!DROPPED.has(key) && !single.has(key)) single.set(key, value);
  }
  if (query !== "") single.set(QUERY_HEADER.toLowerCase(), query);
  return [...single].flat();
}

function isClassicPath(path: string): boolean {
  try {
    // Nor does it answer one that is not UTF-8 once decoded.
    decodeURIComponent(path);
  } catch {
    return false;
  }
  return CLASSIC_PATH_REGEXP.test(path);
}

function isClassicMethod(method: string): method is ClassicMethod {
  return method === "GET" || method === "HEAD";
}
