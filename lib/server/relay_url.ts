/** Where a relay takes polls and answers (docs/protocol.md, "Routes"). */

import { CLASSIC_PREFIX, LISTEN_ROUTE, RESPONSE_ROUTE } from "../wire/classic.ts";
import { MODERN_ROUTE } from "../wire/modern.ts";

/**
 * The base URLs that `relayUrl` may mean, likeliest first, none with a slash at its end: people
 * give it with or without the protocol's prefix, behind any prefix of a reverse proxy.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(toBaseUrls("https://r.example/p/"), [
 *   "https://r.example/p/7ZSFUKGV",
 *   "https://r.example/p",
 * ]);
 * ```
 */
export function toBaseUrls(relayUrl: string): readonly [string, string] {
  const given = new URL(relayUrl).href.replace(/\/+$/, "");
  if (!given.endsWith(CLASSIC_PREFIX)) return [given + CLASSIC_PREFIX, given];
  return [given, given.slice(0, -CLASSIC_PREFIX.length)];
}

/** Where the server of this name polls. */
export function toPollUrl(baseUrl: string, name: string): URL {
  return new URL(baseUrl + LISTEN_ROUTE + encodeURIComponent(name));
}

/** Where visitors find the server of this name; an original relay has but the longer spelling. */
export function toVisitorUrl(
  baseUrl: string,
  name: string,
  { isClassic }: { readonly isClassic: boolean },
): string {
  const root = baseUrl.endsWith(CLASSIC_PREFIX)
    ? baseUrl.slice(0, -CLASSIC_PREFIX.length)
    : baseUrl;
  return `${root}${isClassic ? "/frontend" : ""}/servers/${encodeURIComponent(name)}/`;
}

/** Where the answer of an exchange goes. */
export function toResponseUrl(baseUrl: string, id: string): URL {
  return new URL(baseUrl + RESPONSE_ROUTE + encodeURIComponent(id));
}

/** A route of the modern protocol: `toModernUrl(base, "answer", session, id)`. */
export function toModernUrl(baseUrl: string, ...names: readonly (string | number)[]): URL {
  return new URL(baseUrl + MODERN_ROUTE + names.map(encodeURIComponent).join("/"));
}
