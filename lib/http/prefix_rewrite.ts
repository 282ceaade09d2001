/**
 * Answers of an application that believes itself at the root of its host, for visitors who see it
 * below a path: what a browser would follow or keep is made to stay there.
 */

import { hostOf } from "./host.ts";
import type { RawHeaders } from "./message.ts";

/** Where visitors see what the application calls `/`. */
export interface PublicPlace {
  /** What is put before its paths; begins with `/`, without one at its end; or "". */
  readonly prefix: string;
  /** Prefixes of paths that are where visitors see them already, beside `prefix`. */
  readonly knownPrefixes?: readonly string[];
  /**
   * Authorities in absolute URLs that mean this application, in lower case. URLs with another one
   * are left alone.
   */
  readonly authorities: readonly string[];
  /** Such of its authorities that visitors cannot reach: URLs with one lose scheme and authority. */
  readonly privateAuthorities?: readonly string[];
  /** Whether a cookie may have a Domain that is not private; else it is for the visitors' host alone. */
  readonly keepsCookieDomain?: boolean;
  /** A host whose subdomains are others' too: no cookie may have it, or one above it, as Domain. */
  readonly sharedHost?: string | undefined;
}

/** Lengths of the names of fields that have references. */
const MOVED_LENGTHS: ReadonlySet<number> = new Set(
  ["location", "content-location", "refresh", "link", "set-cookie"].map(({ length }) => length),
);

/**
 * Fields with every reference moved below the prefix: Location, Content-Location, Refresh, Link, and
 * the Path of Set-Cookie. What is there already stays as it is, since some applications heed
 * X-Forwarded-Prefix.
 */
export function moveBelowPrefix(headers: RawHeaders, place: PublicPlace): RawHeaders {
  let moved: string[] | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const value = headers[i + 1] ?? "";
    const now = moveField(headers[i] ?? "", value, place);
    // Most answers have nothing to move.
    if (now !== value) (moved ??= [...headers])[i + 1] = now;
  }
  return moved ?? headers;
}

function moveField(name: string, value: string, place: PublicPlace): string {
  switch (MOVED_LENGTHS.has(name.length) ? name.toLowerCase() : "") {
    case "location":
    case "content-location":
      return moveReference(value, place);
    case "refresh":
      return moveRefresh(value, place);
    case "link":
      return moveLinks(value, place);
    case "set-cookie":
      return moveCookie(value, place);
    default:
      return value;
  }
}

// Browsers read `\` as `/` (URL Standard, "special authority ignore slashes state"). Where one stands
// for the `//` before a host, it is there to deceive, and stays below the prefix as any path.
const ABSOLUTE_REGEXP = /^((?:https?:)?\/\/)([^\\/?#]+)(.*)$/i;

/**
 * A URI reference as visitors need it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const place = { prefix: "/servers/me", authorities: ["relay.example.com"] };
 * assertEquals(moveReference("/login?a", place), "/servers/me/login?a");
 * assertEquals(moveReference("/servers/me/x", place), "/servers/me/x");
 * assertEquals(moveReference("login", place), "login");
 * assertEquals(
 *   moveReference("https://relay.example.com/x", place),
 *   "https://relay.example.com/servers/me/x",
 * );
 * assertEquals(moveReference("https://elsewhere.example/x", place), "https://elsewhere.example/x");
 * ```
 */
export function moveReference(reference: string, place: PublicPlace): string {
  const text = trim(reference);
  const move = (path: string): string =>
    place.prefix === "" ? path : movePath(resolveDots(path), place);
  const [, scheme, authority = "", rest = ""] = ABSOLUTE_REGEXP.exec(text) ?? [];
  if (scheme === undefined) return /^[\\/]/.test(text) ? move(text) : reference;
  const path = /^[\\/]/.test(rest) ? rest : `/${rest}`;
  const host = authority.toLowerCase();
  const hostAlone = host.replace(/^https/i.test(scheme) ? /:443$/ : /:80$/, "");
  const isAmong = (list: readonly string[] = []): boolean =>
    list.includes(host) || list.includes(hostAlone);
  if (isAmong(place.privateAuthorities)) return move(path);
  return isAmong(place.authorities) ? scheme + authority + move(path) : reference;
}

function movePath(path: string, { prefix, knownPrefixes = [] }: PublicPlace): string {
  return [prefix, ...knownPrefixes].some((known) => isBelow(path, known)) ? path : prefix + path;
}

/**
 * An absolute path, perhaps with query and fragment, as browsers read it (URL Standard, "path
 * state"): behind a prefix, `/../x` would be something else than `/x`.
 */
function resolveDots(reference: string): string {
  const end = reference.search(/[?#]|$/);
  const path = reference.slice(0, end);
  // Most paths have nothing in them that is read otherwise.
  if (!/[\\\t]|\/(?:\.|%2e)/i.test(path)) return reference;
  const kept: string[] = [];
  const names = path.replaceAll("\t", "").split(/[\\/]/).slice(1);
  for (const [i, name] of names.entries()) {
    const plain = name.replaceAll(/%2e/gi, ".");
    if (plain === "..") kept.pop();
    if (plain !== "." && plain !== "..") kept.push(name);
    else if (i === names.length - 1) kept.push("");
  }
  return `/${kept.join("/")}${reference.slice(end)}`;
}

function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && /^(?:[/?#]|$)/.test(path.slice(prefix.length));
}

// `5; url=/x`, with and without quotes (HTML, "shared declarative refresh steps").
const REFRESH_REGEXP =
  /^([ \t]*[\d.]+(?:[ \t]*[;,][ \t]*|[ \t]+)(?:url[ \t]*=[ \t]*)?)(["']?)(.*)$/i;

function moveRefresh(value: string, place: PublicPlace): string {
  const [, before, quote = "", rest = ""] = REFRESH_REGEXP.exec(value) ?? [];
  if (before === undefined) return value;
  const end = quote === "" ? -1 : rest.indexOf(quote);
  const reference = end < 0 ? rest : rest.slice(0, end);
  return before + quote + moveReference(reference, place) + rest.slice(reference.length);
}

/** RFC 8288 §3: references stand in angle brackets, which in quoted strings mean nothing. */
function moveLinks(value: string, place: PublicPlace): string {
  // What is not closed is taken to the end, or else a long field of such takes for ever.
  return value.replace(
    /<([^>]*)(>|$)|"(?:[^"\\]|\\.?)*(?:"|$)/g,
    (whole: string, reference: string | undefined, close: string) =>
      reference === undefined || close === "" ? whole : `<${moveReference(reference, place)}>`,
  );
}

/** RFC 6265 §5.2: attributes follow semicolons. Without a Path the request's own folder counts. */
function moveCookie(value: string, place: PublicPlace): string {
  const [cookie = "", ...attributes] = value.split(";");
  const kept = attributes.flatMap((attribute) => {
    const [name = "", ...rest] = attribute.split("=");
    const content = trim(rest.join("="));
    switch (trim(name).toLowerCase()) {
      case "domain":
        return keepsDomain(content, place) ? [attribute] : [];
      case "path":
        return [content.startsWith("/") ? `${name}=${movePath(content, place)}` : attribute];
      default:
        return [attribute];
    }
  });
  return [cookie, ...kept].join(";");
}

/** Browsers refuse a cookie for a host that is not theirs. */
function keepsDomain(domain: string, place: PublicPlace): boolean {
  const { keepsCookieDomain = false, privateAuthorities = [], sharedHost } = place;
  const host = hostOf(domain.replace(/^\./, ""));
  const isShared = sharedHost !== undefined && `.${sharedHost}`.endsWith(`.${host}`);
  return keepsCookieDomain && !isShared &&
    !privateAuthorities.some((authority) => hostOf(authority) === host);
}

/** Without white space around it; not that of Unicode, which may be a part of a character here. */
function trim(text: string): string {
  const isSpace = (at: number): boolean => text[at] === " " || text[at] === "\t";
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(start)) start++;
  while (end > start && isSpace(end - 1)) end--;
  return text.slice(start, end);
}
