/** The Host field and authorities (RFC 9110 §7.2, RFC 3986 §3.2). */

import { MAX_AUTHORITY_CHARS } from "../base/limits.ts";

// reg-name of unreserved, sub-delims and percent-encoded bytes, or an IP literal; then a port.
const AUTHORITY_REGEXP =
  /^(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?$/;

/**
 * True for `uri-host [":" port]` without user information; the empty string counts too, for a
 * target that has no authority (RFC 9112 §3.2).
 */
export function isAuthority(text: string): boolean {
  return text.length <= MAX_AUTHORITY_CHARS && AUTHORITY_REGEXP.test(text);
}

/** The host of an authority: lower case, without port, brackets and the root's dot. */
export function hostOf(authority: string): string {
  return authority.replace(/:[0-9]*$/, "").replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "")
    .toLowerCase();
}

/** True for names and addresses that only ever mean this computer. */
export function isLoopbackHost(host: string): boolean {
  const [, mapped] = /^::ffff:([0-9.]+)$/.exec(host) ?? [];
  if (mapped !== undefined) return isLoopbackHost(mapped);
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" ||
    /^127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$/.test(host);
}
