/** The header fields that a server gets with a visitor's request (docs/semantics.md, "Headers"). */

import { isIPv6 } from "node:net";
import type { AddressSet } from "../base/cidr.ts";
import { endToEndHeaders, headerPairs, headerValue, headerValues } from "../http/headers.ts";
import type { HttpRequest, RawHeaders } from "../http/message.ts";
import { parseTarget } from "../http/target.ts";
import { API_KEY_HEADER, MAGIC_HEADER, QUERY_HEADER } from "../wire/classic.ts";

/** Fields about the hops before this one: set here, and never passed on as they came. */
const ORIGIN_FIELDS = ["forwarded", "x-real-ip"];
const ORIGIN_PREFIX = "x-forwarded-";

/** Fields of the relay's own, and of a body, which classic does not carry. */
const DROPPED: ReadonlySet<string> = new Set([
  API_KEY_HEADER.toLowerCase(),
  MAGIC_HEADER.toLowerCase(),
  QUERY_HEADER.toLowerCase(),
  "content-length",
  "expect",
]);

export interface ForwardingOptions {
  /** Peers whose word on the hops before them is taken. */
  readonly trustedProxies: AddressSet;
  /** The target's query, with its "?"; "" where there is none. */
  readonly query: string;
  /** What stands before the path that the server sees, as in "/servers/NAME". */
  readonly prefix: string;
}

/**
 * Names in lower case and each once, with its first value, since classic carries no more. The
 * relay's word on where the request came from replaces or, behind a trusted proxy, continues the
 * one that came with it.
 */
export function toServerHeaders(request: HttpRequest, options: ForwardingOptions): RawHeaders {
  const isTrusted = options.trustedProxies.has(request.remoteAddress);
  const headers = new Map<string, string>();
  for (const [name, value] of headerPairs(endToEndHeaders(request.headers))) {
    const key = name.toLowerCase();
    if (DROPPED.has(key) || headers.has(key) || isOriginField(key)) continue;
    headers.set(key, value);
  }
  const inbound = (name: string): string | undefined =>
    isTrusted ? headerValues(request.headers, name).join(", ") || undefined : undefined;
  const via = headerValues(request.headers, "via");
  const target = parseTarget(request.target);
  // RFC 9112 §3.2.2: the authority of an absolute target wins over the Host field.
  const host = target.kind === "absolute"
    ? target.authority
    : headerValue(request.headers, "host") ?? "";
  const proto = inbound("x-forwarded-proto") ?? "http";
  headers.set("x-forwarded-for", list(inbound("x-forwarded-for"), request.remoteAddress));
  headers.set("x-forwarded-proto", proto);
  headers.set("x-forwarded-host", inbound("x-forwarded-host") ?? host);
  headers.set("x-forwarded-prefix", (inbound("x-forwarded-prefix") ?? "") + options.prefix);
  headers.set("forwarded", list(inbound("forwarded"), toForwarded(request, { host })));
  headers.set("via", list(...via, `${request.httpVersion} ptth_relay`));
  if (options.query !== "") headers.set(QUERY_HEADER.toLowerCase(), options.query);
  return [...headers].flat();
}

/**
 * The visitor's own address: the peer's, or behind trusted proxies the last one in
 * X-Forwarded-For that is not a trusted proxy's.
 */
export function toVisitorAddress(request: HttpRequest, trustedProxies: AddressSet): string {
  const hops = headerValues(request.headers, "x-forwarded-for").join(",").split(",")
    .map((hop) => hop.trim()).filter((hop) => hop !== "");
  let address = request.remoteAddress;
  while (trustedProxies.has(address)) {
    const before = hops.pop();
    if (before === undefined) break;
    address = before;
  }
  return address;
}

function isOriginField(key: string): boolean {
  return key.startsWith(ORIGIN_PREFIX) || ORIGIN_FIELDS.includes(key);
}

function list(...items: (string | undefined)[]): string {
  return items.filter((item) => item !== undefined).join(", ");
}

/** One element of Forwarded (RFC 7239 §4). */
function toForwarded(request: HttpRequest, { host }: { host: string }): string {
  const { remoteAddress } = request;
  const node = isIPv6(remoteAddress) ? `"[${remoteAddress}]"` : remoteAddress || "unknown";
  // A host with a port or brackets is no token (RFC 7239 §4); it never holds a quote or backslash.
  return `for=${node};host="${host}";proto=http`;
}
