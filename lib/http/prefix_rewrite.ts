/**
 * Answers of an application that believes itself at the root of its host, for visitors who see it
 * below a path: what a browser would follow or keep is made to stay there.
 */

import { headerPairs } from "./headers.ts";
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
  /** Whether a cookie may have a Domain; else it is for the visitors' host alone. */
  readonly keepsCookieDomain?: boolean;
}

/**
 * Fields with every reference moved below the prefix: Location, Content-Location, Refresh, Link, and
 * the Path of Set-Cookie. What is there already stays as it is, since some applications heed
 * X-Forwarded-Prefix.
 */
export function moveBelowPrefix(headers: RawHeaders, place: PublicPlace): RawHeaders {
  const moved: string[] = [];
  for (const [name, value] of headerPairs(headers)) moved.push(name, moveField(name, value, place));
  return moved;
}

function moveField(name: string, value: string, place: PublicPlace): string {
  switch (name.length > 16 ? "" : name.toLowerCase()) {
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

const ABSOLUTE_REGEXP = /^((?:https?:)?\/\/)([^/?#]*)(.*)$/i;

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
  const [, scheme, authority = "", rest = ""] = ABSOLUTE_REGEXP.exec(reference) ?? [];
  if (scheme !== undefined) {
    const path = rest.startsWith("/") ? rest : `/${rest}`;
    const host = authority.toLowerCase();
    if (place.privateAuthorities?.includes(host)) return movePath(path, place);
    return place.authorities.includes(host)
      ? scheme + authority + movePath(path, place)
      : reference;
  }
  return reference.startsWith("/") ? movePath(reference, place) : reference;
}

function movePath(path: string, { prefix, knownPrefixes = [] }: PublicPlace): string {
  return [prefix, ...knownPrefixes].some((known) => isBelow(path, known)) ? path : prefix + path;
}

function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && /^(?:[/?#]|$)/.test(path.slice(prefix.length));
}

// `5; url=/x`, also with quotes (HTML, "shared declarative refresh steps").
const REFRESH_REGEXP = /^(\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?)(["']?)(.*?)(\2\s*)$/i;

function moveRefresh(value: string, place: PublicPlace): string {
  const [, before, quote = "", reference = "", after = ""] = REFRESH_REGEXP.exec(value) ?? [];
  return before === undefined ? value : before + quote + moveReference(reference, place) + after;
}

/** RFC 8288 §3: references stand in angle brackets, which in quoted strings mean nothing. */
function moveLinks(value: string, place: PublicPlace): string {
  return value.replace(
    /<([^>]*)>|"(?:[^"\\]|\\.)*"/g,
    (whole: string, reference: string | undefined) =>
      reference === undefined ? whole : `<${moveReference(reference, place)}>`,
  );
}

/** RFC 6265 §5.2: attributes follow semicolons. Without a Path the request's own folder counts. */
function moveCookie(value: string, place: PublicPlace): string {
  const [cookie = "", ...attributes] = value.split(";");
  const kept = attributes.flatMap((attribute) => {
    const [name = "", ...rest] = attribute.split("=");
    switch (name.trim().toLowerCase()) {
      case "domain":
        return place.keepsCookieDomain ? [attribute] : [];
      case "path": {
        const path = rest.join("=").trim();
        return [path.startsWith("/") ? `${name}=${movePath(path, place)}` : attribute];
      }
      default:
        return [attribute];
    }
  });
  return [cookie, ...kept].join(";");
}
