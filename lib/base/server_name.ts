/** Names of servers. */

import { MAX_SERVER_NAME_CHARS } from "./limits.ts";

// RFC 3986 §2.3: the characters that no URL ever encodes.
const NAME_REGEXP = /^[A-Za-z0-9._~-]+$/;

/**
 * What is wanted in place of a server's name; undefined where it is right. It stands in URLs, so
 * only what stays the same in them.
 */
export function checkServerName(name: string): string | undefined {
  const isName = NAME_REGEXP.test(name) && name.length <= MAX_SERVER_NAME_CHARS &&
    name !== "." && name !== "..";
  return isName
    ? undefined
    : `1 to ${MAX_SERVER_NAME_CHARS} letters, digits and -._~, and neither "." nor ".."`;
}
