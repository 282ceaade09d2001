/** What an origin is asked: the head of a visitor's request, as it goes there. Pure. */

import { forEachEndToEnd, headerValue, headerValues } from "../http/headers.ts";
import type { HttpRequest, RawHeaders } from "../http/message.ts";
import { staysBelow } from "../http/path_reading.ts";
import { parseTarget } from "../http/target.ts";
import { QUERY_HEADER } from "../wire/classic.ts";
import type { OriginConfig } from "./origin_config.ts";

/**
 * The target of a visitor's request, or of a field of it, as the origin gets it; undefined for one
 * that is no path, or that reads as one outside of the origin's own.
 */
export function toOriginTarget(
  target: string,
  { path, address, stripsPath }: OriginConfig,
): string | undefined {
  const parts = parseTarget(target);
  if (parts.kind !== "origin") return undefined;
  if (!parts.path.startsWith(path) || !staysBelow(parts.path, path.slice(0, -1))) return undefined;
  const rest = stripsPath ? parts.path.slice(path.length) : parts.path.slice(1);
  return address.basePath + rest + parts.query;
}

const DROPPED: ReadonlySet<string> = new Set([
  "content-length",
  "host",
  "via",
  "x-forwarded-prefix",
  QUERY_HEADER.toLowerCase(),
]);

const VIA = "1.1 ptth_server";

/** Fields of WebDAV with references to what the origin has (RFC 4918 §10.3, §10.4). */
const REFERRING: ReadonlySet<string> = new Set(["destination", "if"]);

/** The fields as they came, less those of this hop; Host comes first (RFC 9110 §7.2). */
export function toOriginHeaders(request: HttpRequest, config: OriginConfig): RawHeaders {
  const { headers } = request;
  const fields: string[] = ["Host", toHost(headers, config)];
  forEachEndToEnd(headers, (name, key, value) => {
    if (DROPPED.has(key)) return;
    fields.push(name, REFERRING.has(key) ? toOriginReferences(value, request, config) : value);
  });
  const prefix = (headerValue(headers, "x-forwarded-prefix") ?? "") +
    (config.stripsPath ? config.path.slice(0, -1) : "");
  if (prefix !== "") fields.push("X-Forwarded-Prefix", prefix);
  const via = headerValues(headers, "via");
  fields.push("Via", via.length === 0 ? VIA : `${via.join(", ")}, ${VIA}`);
  if (request.upgrade !== null) fields.push("Connection", "Upgrade", "Upgrade", request.upgrade);
  else if (headerValue(headers, "te") === "trailers") {
    fields.push("TE", "trailers", "Connection", "TE");
  }
  fields.push(...toFraming(request));
  return fields;
}

/**
 * References of visitors as the origin knows them, without a scheme and an authority, which may be
 * others on the way. One that leads elsewhere stays as it is.
 */
function toOriginReferences(
  value: string,
  { headers }: HttpRequest,
  config: OriginConfig,
): string {
  const forwarded = headerValue(headers, "x-forwarded-prefix") ?? "";
  const hosts = publicHosts(headers);
  const move = (reference: string): string => {
    const target = parseTarget(reference);
    if (target.kind !== "origin" && target.kind !== "absolute") return reference;
    const { path, query } = target;
    const isOwn = target.kind === "origin" || hosts.includes(target.authority.toLowerCase());
    if (!isOwn || !path.startsWith(`${forwarded}/`)) return reference;
    return toOriginTarget(path.slice(forwarded.length) + query, config) ?? reference;
  };
  // In If they stand in brackets, beside locks and entity tags.
  return /^[ \t]*[<(]/.test(value)
    ? value.replace(/<([^<>]*)>/g, (_, reference: string) => `<${move(reference)}>`)
    : move(value);
}

/** How visitors call the host, in lower case: reverse proxies on the way may change it. */
export function publicHosts(headers: RawHeaders): readonly string[] {
  const hosts = ["x-forwarded-host", "host"].map((name) => headerValue(headers, name));
  return hosts.flatMap((host) => host === undefined ? [] : [host.toLowerCase()]);
}

/** Those whose requests say nothing of a body that they lack (RFC 9110 §8.6). */
const BARE_METHODS: ReadonlySet<string> = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "TRACE"]);

/**
 * How the body is framed, by what there is of it and not by what the visitor's fields say of it: a
 * body that nothing announces would be read as a further request.
 */
function toFraming({ method, headers, body, bodyLength, upgrade }: HttpRequest): RawHeaders {
  if (body === null || upgrade !== null) {
    const isBare = BARE_METHODS.has(method) && headerValue(headers, "content-length") !== "0";
    return isBare ? [] : ["Content-Length", "0"];
  }
  if (bodyLength !== null) return ["Content-Length", String(bodyLength)];
  const trailer = headerValue(headers, "trailer");
  // Only there can fields follow the body (RFC 9112 §7.1.2).
  return [...trailer === undefined ? [] : ["Trailer", trailer], "Transfer-Encoding", "chunked"];
}

function toHost(headers: RawHeaders, { host, address }: OriginConfig): string {
  if (host === "origin") return address.authority;
  if (host !== "preserve") return host.authority;
  return headerValue(headers, "host") ?? address.authority;
}
