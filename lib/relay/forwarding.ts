/** The header fields that a server gets with a visitor's request (docs/semantics.md, "Headers"). */

import type { AddressSet } from "../base/cidr.ts";
import { forEachEndToEnd, headerPairs, headerValue, headerValues } from "../http/headers.ts";
import type { HttpRequest, RawHeaders } from "../http/message.ts";
import { parseTarget } from "../http/target.ts";
import { API_KEY_HEADER, MAGIC_HEADER, QUERY_HEADER } from "../wire/classic.ts";
import { MODERN_HEADER, PROCESS_HEADER, SUCCESSOR_HEADER } from "../wire/modern.ts";

/** Fields about the hops before this one that are set here. */
const REPLACED: ReadonlySet<string> = new Set([
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-prefix",
  "x-forwarded-proto",
]);

/** Those and others that say something of the hops before; only a trusted proxy's are passed on. */
const ORIGIN_PREFIX = "x-forwarded-";
const ORIGIN_FIELD = "x-real-ip";

/**
 * Fields of the relay's own; and Proxy, which is none of HTTP, but by CGI (RFC 3875 §4.1.18) the
 * variable HTTP_PROXY, which names the proxy of all that a program fetches (CVE-2016-5385).
 */
const DROPPED: ReadonlySet<string> = new Set(
  [API_KEY_HEADER, MAGIC_HEADER, QUERY_HEADER, MODERN_HEADER, PROCESS_HEADER, SUCCESSOR_HEADER]
    .map((name) => name.toLowerCase()).concat("proxy"),
);

export interface ForwardingOptions {
  /** Peers whose word on the hops before them is taken. */
  readonly trustedProxies: AddressSet;
  /** What stands before the path that the server sees, as in "/servers/NAME"; "" in host mode. */
  readonly prefix: string;
}

/** Where a request came from, as far as the relay knows and believes it. */
export interface Provenance {
  /** The visitor's own address. */
  readonly address: string;
  /** Host and port that the request was sent to. */
  readonly host: string;
  /** Host and port as the visitor has them. */
  readonly authority: string;
  /** What stands before the path that the server sees, a reverse proxy's prefix included. */
  readonly prefix: string;
  /** True if the peer is a proxy whose word is taken. */
  readonly isTrusted: boolean;
}

/** Reads where a request came from. */
export function toProvenance(request: HttpRequest, options: ForwardingOptions): Provenance {
  const isTrusted = options.trustedProxies.has(request.remoteAddress);
  const host = toAuthority(request);
  const inbound = isTrusted ? headerValue(request.headers, "x-forwarded-host") : undefined;
  const prefix = isTrusted ? headerValue(request.headers, "x-forwarded-prefix") : undefined;
  return {
    address: isTrusted ? toVisitorAddress(request, options.trustedProxies) : request.remoteAddress,
    host,
    authority: inbound ?? host,
    prefix: (prefix?.replace(/\/+$/, "") ?? "") + options.prefix,
    isTrusted,
  };
}

/** The authority that a request was sent to. */
export function toAuthority(request: Pick<HttpRequest, "target" | "headers">): string {
  // RFC 9112 §3.2.2: the authority of an absolute target wins over the Host field.
  const target = request.target.startsWith("/") ? undefined : parseTarget(request.target);
  return target?.kind === "absolute"
    ? target.authority
    : headerValue(request.headers, "host") ?? "";
}

/**
 * The fields as they came, less those of this hop, and with the relay's word on where the request
 * came from: it replaces or, behind a trusted proxy, continues the one that came with it.
 */
export function toServerHeaders(
  request: HttpRequest,
  { host, prefix, isTrusted }: Provenance,
): RawHeaders {
  const fields: string[] = [];
  // RFC 9112 §3.2.2: what an absolute target names takes the place of Host, which may lie.
  if (host !== "") fields.push("Host", host);
  forEachEndToEnd(request.headers, (name, key, value) => {
    if (key === "host" || isMisspelled(key)) return;
    if (DROPPED.has(key) || REPLACED.has(key) || (!isTrusted && isOriginField(key))) return;
    fields.push(name, value);
  });
  const inbound = (name: string): string | undefined =>
    isTrusted ? headerValues(request.headers, name).join(", ") || undefined : undefined;
  fields.push("X-Forwarded-For", list(inbound("x-forwarded-for"), request.remoteAddress));
  fields.push("X-Forwarded-Proto", inbound("x-forwarded-proto") ?? "http");
  fields.push("X-Forwarded-Host", inbound("x-forwarded-host") ?? host);
  if (prefix !== "") fields.push("X-Forwarded-Prefix", prefix);
  fields.push("Forwarded", list(inbound("forwarded"), toForwarded(request, { host })));
  const via = headerValues(request.headers, "via").join(", ") || undefined;
  fields.push("Via", list(via, `${request.httpVersion} ptth_relay`));
  addTransportFields(fields, request);
  return fields;
}

/**
 * Trailer fields as they came, less those that only heads have from here on: some programs put them
 * to the fields of the head.
 */
export function toServerTrailers(trailers: RawHeaders): RawHeaders {
  const fields: string[] = [];
  for (const [name, value] of headerPairs(trailers)) {
    const key = name.toLowerCase();
    if (!isOurs(key) && !isMisspelled(key)) fields.push(name, value);
  }
  return fields;
}

/** What is meant for one hop, and goes on because every hop after this one does as it says. */
function addTransportFields(fields: string[], { headers, upgrade }: HttpRequest): void {
  if (upgrade !== null) fields.push("Upgrade", upgrade);
  const codings = headerValues(headers, "te");
  const takesTrailers = codings.length > 0 &&
    codings.join(",").toLowerCase().split(",").some((coding) => coding.trim() === "trailers");
  // RFC 9110 §6.5.1: whether the visitor takes trailer fields.
  if (takesTrailers) fields.push("TE", "trailers");
  const trailer = headerValue(headers, "trailer");
  if (trailer !== undefined) fields.push("Trailer", trailer);
}

/**
 * The visitor's own address: the peer's, or behind trusted proxies the last one in
 * X-Forwarded-For that is not a trusted proxy's.
 */
function toVisitorAddress(request: HttpRequest, trustedProxies: AddressSet): string {
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

/** True if nobody but relay, and proxies that it trusts, may say so to a server. */
function isOurs(key: string): boolean {
  return DROPPED.has(key) || REPLACED.has(key) || isOriginField(key);
}

/** The same with `_`: to CGI and WSGI (RFC 3875 §4.1.18) it is one field with that with `-`. */
function isMisspelled(key: string): boolean {
  return key.includes("_") && isOurs(key.replaceAll("_", "-"));
}

function isOriginField(key: string): boolean {
  return key.startsWith(ORIGIN_PREFIX) || key === ORIGIN_FIELD;
}

function list(before: string | undefined, last: string): string {
  return before === undefined ? last : `${before}, ${last}`;
}

/** One element of Forwarded (RFC 7239 §4). */
function toForwarded(request: HttpRequest, { host }: { host: string }): string {
  const { remoteAddress } = request;
  const isIPv6 = remoteAddress.includes(":");
  const node = isIPv6 ? `"[${remoteAddress}]"` : remoteAddress || "unknown";
  // A host with a port or brackets is no token (RFC 7239 §4); it never holds a quote or backslash.
  return `for=${node};host="${host}";proto=http`;
}
