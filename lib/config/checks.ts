/** Checks of texts in configurations: each gives what is wanted instead, or undefined. */

import { isIP } from "node:net";
import { parseCidr } from "../base/cidr.ts";
import { parseOriginUrl } from "../base/origin_url.ts";

// RFC 3986 §2.3: the characters that no URL ever encodes.
const NAME_REGEXP = /^[A-Za-z0-9._~-]+$/;
const HOST_LABEL_REGEXP = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i;
const HOST_NAME_REGEXP = /^[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?\.?$/i;
const TRIPCODE_BYTES = 32;

/** True where a server's name can be the first part of a host name (RFC 1123 §2.1). */
export function isHostLabel(name: string): boolean {
  return HOST_LABEL_REGEXP.test(name) && name.length <= 63;
}

/** A key's tripcode: 32 bytes in canonical base64. */
export function checkTripcode(text: string): string | undefined {
  return isCanonicalBase64(text, TRIPCODE_BYTES)
    ? undefined
    : "a tripcode, 44 characters of base64 that stand for a key";
}

/** A host to listen on or to be called by, without a port. */
export function checkHost(text: string): string | undefined {
  return isIP(text) !== 0 || HOST_NAME_REGEXP.test(text)
    ? undefined
    : "a host name or an IP address, without a port";
}

/** What stands behind the names of servers in host names. */
export function checkHostSuffix(text: string): string | undefined {
  const labels = text.split(".");
  return text.length <= 253 && labels.length > 1 && labels.every(isHostLabel) && isIP(text) === 0
    ? undefined
    : "a host name of two parts or more, as relay.example.com, without a port";
}

// These would take the relay's own HTTP over, and smuggle requests past it.
const FORBIDDEN_TOKENS = /^(?:h2c?|https?|tls|connect-.*)(?:\/|$)/i;

/** A protocol that a visitor may switch to (RFC 9110 §7.8). */
export function checkUpgradeToken(text: string): string | undefined {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:\/[!#$%&'*+.^_`|~0-9A-Za-z-]+)?$/.test(text) &&
      !FORBIDDEN_TOKENS.test(text)
    ? undefined
    : "the name of a protocol, as spice, and neither HTTP nor TLS";
}

export function checkCidr(text: string): string | undefined {
  return parseCidr(text) === undefined
    ? "a range of addresses, as 10.0.0.0/8 or fd00::/8, or one address"
    : undefined;
}

/** Where a local web application is. */
export function checkOriginUrl(text: string): string | undefined {
  return parseOriginUrl(text) === undefined
    ? "an http:// or https:// URL without user name, password, query and fragment, or unix:/PATH"
    : undefined;
}

/** What an origin gets as Host. */
export function checkHostHeader(text: string): string | undefined {
  const isHost = URL.parse(`http://${text}/`)?.host === text.toLowerCase();
  return isHost ? undefined : "preserve, origin, or a host name and perhaps a port";
}

/** The path of a file below a folder: names between slashes, none of them hidden. */
export function checkPagePath(text: string): string | undefined {
  return text.split("/").every((name) => /^[^.\\\0][^\\\0]*$/.test(name))
    ? undefined
    : "the path of a file in the folder, as 404.html, without names that begin with a dot";
}

/** Names between slashes, which stay the same in URLs. */
export function checkBasePath(text: string): string | undefined {
  const names = text.replace(/^\/|\/$/g, "").split("/");
  return text === "/" || names.every((name) => NAME_REGEXP.test(name) && !/^\.\.?$/.test(name))
    ? undefined
    : 'a path of letters, digits and -._~, as /shared/, without "." and ".."';
}

/** A pattern for single names. */
export function checkNamePattern(text: string): string | undefined {
  return /[/\\\0]/.test(text)
    ? "a pattern for single names, as *.key or private, without slashes"
    : undefined;
}

/** An origin as browsers send it (Fetch §3.1), or the wildcard. */
export function checkCorsOrigin(text: string): string | undefined {
  return text === "*" || (/^https?:/.test(text) && URL.parse(text)?.origin === text)
    ? undefined
    : "* or an origin, as https://example.com, in lower case, without a path or a default port";
}

function isCanonicalBase64(text: string, bytes: number): boolean {
  try {
    const binary = atob(text);
    return binary.length === bytes && btoa(binary) === text;
  } catch {
    // atob refuses what is no base64 at all.
    return false;
  }
}
