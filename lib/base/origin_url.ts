/** Where an origin is: a local web application that the server forwards to. Pure. */

export interface OriginAddress {
  /** Name or address without brackets, and port; or the path of a Unix socket. */
  readonly endpoint:
    | { readonly hostname: string; readonly port: number }
    | { readonly socketPath: string };
  readonly isTls: boolean;
  /** What stands in Host where that is the origin's own: host, and port unless it is the usual one. */
  readonly authority: string;
  /** The path in front of all its paths; begins and ends with `/`. */
  readonly basePath: string;
  /** As people are told. */
  readonly text: string;
}

const UNIX_REGEXP = /^unix:(\/[^\s?#]*[^\s?#/])$/;
// The URL class takes more or fewer slashes too, and `\\` for them.
const HTTP_REGEXP = /^https?:\/\/[^\s?#@\\/]+(?:\/[^\s?#\\]*)?$/i;

/**
 * Reads `http://host:port/base/`, `https://…` or `unix:/path/to/socket`; undefined for anything
 * else, so also for user information, a query or a fragment.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseOriginUrl("http://127.0.0.1:3000/")?.authority, "127.0.0.1:3000");
 * assertEquals(parseOriginUrl("unix:/run/app.sock")?.endpoint, { socketPath: "/run/app.sock" });
 * assertEquals(parseOriginUrl("ftp://example.com/"), undefined);
 * ```
 */
export function parseOriginUrl(text: string): OriginAddress | undefined {
  const [, socketPath] = UNIX_REGEXP.exec(text) ?? [];
  if (socketPath !== undefined) {
    const endpoint = { socketPath };
    return { endpoint, isTls: false, authority: "localhost", basePath: "/", text };
  }
  const url = HTTP_REGEXP.test(text) ? URL.parse(text) : null;
  if (url === null || url.port === "0") return undefined;
  const isTls = url.protocol === "https:";
  const usualPort = isTls ? 443 : 80;
  return {
    endpoint: {
      hostname: url.hostname.replace(/^\[(.*)\]$/, "$1"),
      port: url.port === "" ? usualPort : Number(url.port),
    },
    isTls,
    authority: url.host,
    basePath: url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`,
    text: url.href,
  };
}
