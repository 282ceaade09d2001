/**
 * The request target, taken apart as text (RFC 9112 §3.2). Nothing is decoded, joined or
 * normalised, and no URL class is asked: what decides here is what goes on to the next hop.
 */

import { isAuthority } from "./host.ts";

/** A path as sent, beginning with `/`, and the query with its `?`, or `""` where there is none. */
interface PathAndQuery {
  readonly path: string;
  readonly query: string;
}

export type Target =
  | ({ readonly kind: "origin" } & PathAndQuery)
  | ({
    readonly kind: "absolute";
    readonly scheme: "http" | "https";
    /** Host and optional port, as sent; it wins over the Host field (RFC 9112 §3.2.2). */
    readonly authority: string;
  } & PathAndQuery)
  | { readonly kind: "asterisk" }
  | { readonly kind: "bad"; readonly reason: string };

// Controls and spaces end a target on the wire. Bytes above 127 pass: curl sends them.
// deno-lint-ignore no-control-regex
const FORBIDDEN_REGEXP = /[\u0000-\u0020\u007f\u0100-\uffff]/;
const ABSOLUTE_REGEXP = /^(https?):\/\/([^/?]*)(.*)$/is;

/**
 * Splits a raw request target.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseTarget("/a%2fb/..?x=1"), { kind: "origin", path: "/a%2fb/..", query: "?x=1" });
 * ```
 */
export function parseTarget(raw: string): Target {
  if (FORBIDDEN_REGEXP.test(raw)) {
    return { kind: "bad", reason: "a character that a target cannot hold" };
  }
  if (raw.startsWith("/")) {
    const { path, query } = splitQuery(raw);
    return { kind: "origin", path, query };
  }
  if (raw === "*") return { kind: "asterisk" };
  const [, scheme, authority = "", rest = ""] = ABSOLUTE_REGEXP.exec(raw) ?? [];
  if (scheme === undefined) return { kind: "bad", reason: "neither a path nor an http URL" };
  // RFC 9110 §4.2.4: user information before an `@` is an attempt to mislead.
  if (authority === "" || !isAuthority(authority)) {
    return { kind: "bad", reason: "a malformed authority" };
  }
  return {
    kind: "absolute",
    scheme: scheme.toLowerCase() === "https" ? "https" : "http",
    authority,
    ...splitQuery(rest.startsWith("/") ? rest : `/${rest}`),
  };
}

function splitQuery(textWithFragment: string): PathAndQuery {
  // Never sent by a browser (RFC 9110 §7.1); the original cuts it off, and so must all who look.
  const fragment = textWithFragment.indexOf("#");
  const text = fragment < 0 ? textWithFragment : textWithFragment.slice(0, fragment);
  const mark = text.indexOf("?");
  if (mark < 0) return { path: text, query: "" };
  return { path: text.slice(0, mark), query: text.slice(mark) };
}
