/** The address by which a visitor has come, as far as a request tells it. */

import { headerValue } from "./headers.ts";
import { isAuthority } from "./host.ts";
import type { HttpRequest } from "./message.ts";
import { parseTarget } from "./target.ts";

/**
 * Scheme, host and path of a request, without its query, as the visitor's browser has them:
 * `https://relay.example.com/servers/me/files/a%20b/`; undefined where the request does not tell.
 *
 * X-Forwarded-Proto, -Host and -Prefix are believed: whoever sets them falsely gets a false answer,
 * and nobody else does as long as the answer is not stored. Where `servedPath` is not the request's
 * whole path, it has come by a tunnel, and without X-Forwarded-Prefix its beginning is not known.
 */
export function publicAddress(
  request: Pick<HttpRequest, "target" | "headers">,
  servedPath: string,
): string | undefined {
  const { headers } = request;
  const target = parseTarget(request.target);
  if (target.kind !== "origin" && target.kind !== "absolute") return undefined;
  const prefix = headerValue(headers, "x-forwarded-prefix");
  if (target.path !== servedPath && prefix === undefined) return undefined;
  const host = firstOf(headerValue(headers, "x-forwarded-host")) ??
    (target.kind === "absolute" ? target.authority : headerValue(headers, "host")) ?? "";
  const scheme = firstOf(headerValue(headers, "x-forwarded-proto"))?.toLowerCase() ?? "http";
  if (host === "" || !isAuthority(host) || !/^https?$/.test(scheme)) return undefined;
  const path = `${prefix?.replace(/\/+$/, "") ?? ""}${target.path}`;
  // What an address cannot hold as it is was no prefix of one.
  return /^\/[!#-;=?-\[\]_a-z~]*$/.test(path) ? `${scheme}://${host}${path}` : undefined;
}

// Each proxy on the way may add its own; the first one is the visitor's.
function firstOf(value: string | undefined): string | undefined {
  return value?.split(",")[0]?.trim();
}
