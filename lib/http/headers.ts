/** Reading and filtering raw header lists (RFC 9110 §5, §7.6.1). */

import type { RawHeaders } from "./message.ts";

/** The first value of a field, or undefined. `name` is lower case. */
export function headerValue(headers: RawHeaders, name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const key = headers[i];
    if (key !== undefined && key.length === name.length && key.toLowerCase() === name) {
      return headers[i + 1];
    }
  }
  return undefined;
}

/** All values of a field, in order. `name` is lower case. */
export function headerValues(headers: RawHeaders, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const key = headers[i] ?? "";
    if (key.length === name.length && key.toLowerCase() === name) values.push(headers[i + 1] ?? "");
  }
  return values;
}

/** All fields but those of this name, which is lower case. */
export function withoutField(headers: RawHeaders, name: string): string[] {
  return [...headerPairs(headers)].filter(([key]) => key.toLowerCase() !== name).flat();
}

/** The fields one by one, names as sent. */
export function* headerPairs(headers: RawHeaders): Generator<readonly [string, string]> {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    yield [headers[i] ?? "", headers[i + 1] ?? ""];
  }
}

// RFC 9110 §7.6.1, and fields that other implementations treat as theirs.
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** The fields without those that are meant for one connection only (RFC 9110 §7.6.1). */
export function endToEndHeaders(headers: RawHeaders): string[] {
  const kept: string[] = [];
  forEachEndToEnd(headers, (name, _key, value) => kept.push(name, value));
  return kept;
}

/** The same one by one; `key` is the name in lower case. */
export function forEachEndToEnd(
  headers: RawHeaders,
  take: (name: string, key: string, value: string) => void,
): void {
  const named = connectionNames(headers);
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const key = name.toLowerCase();
    if (!HOP_BY_HOP.has(key) && !named.has(key)) take(name, key, headers[i + 1] ?? "");
  }
}

const NO_NAMES: ReadonlySet<string> = new Set();

/** What the Connection fields name, in lower case. A set, since they may be tens of thousands. */
function connectionNames(headers: RawHeaders): ReadonlySet<string> {
  const values = headerValues(headers, "connection");
  if (values.length === 0) return NO_NAMES;
  return new Set(values.join(",").toLowerCase().split(",").map((name) => name.trim()));
}

const NAME_REGEXP = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE_REGEXP = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

/** True if a field can stand in a head as it is (RFC 9110 §5.1, §5.5). */
export function isValidHeader(name: string, value: string): boolean {
  return NAME_REGEXP.test(name) && VALUE_REGEXP.test(value);
}

/** Fields that decide how a message is framed, routed or understood (RFC 9110 §6.5.1). */
const NO_TRAILERS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  "authorization",
  "cache-control",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "cookie",
  "date",
  "expect",
  "host",
  "location",
  "set-cookie",
]);

/** True if a field can stand behind a body. */
export function isTrailer(name: string, value: string): boolean {
  return isValidHeader(name, value) && !NO_TRAILERS.has(name.toLowerCase());
}
