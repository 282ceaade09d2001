/** Servers that visitors reach by a host of their own (docs/protocol.md, "Routes"). Pure. */

import { hostOf } from "../http/host.ts";
import type { HttpRequest } from "../http/message.ts";
import { parseTarget } from "../http/target.ts";
import { toAuthority } from "./forwarding.ts";
import type { VisitRoute } from "./routes.ts";

/** The route of a request to a server's own host; undefined for one to any other host. */
export function toHostRoute(
  request: Pick<HttpRequest, "target" | "headers">,
  suffix: string | undefined,
): VisitRoute | undefined {
  if (suffix === undefined) return undefined;
  const name = toLabel(toAuthority(request), suffix);
  if (name === undefined) return undefined;
  const target = parseTarget(request.target);
  if (target.kind === "bad") return undefined;
  const { path, query } = target.kind === "asterisk" ? { path: "*", query: "" } : target;
  return { kind: "visit", name, path, query, prefix: "", hostSuffix: suffix };
}

/**
 * The server's name in an authority that has passed the listener, in lower case: the label before
 * the suffix, in `NAME.SUFFIX` and `ANYTHING.NAME.SUFFIX` alike. Undefined where the host does not
 * end in the suffix.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(toLabel("Home.relay.example.com:8080", "relay.example.com"), "home");
 * assertEquals(toLabel("a.home.relay.example.com", "relay.example.com"), "home");
 * assertEquals(toLabel("relay.example.com", "relay.example.com"), undefined);
 * ```
 */
export function toLabel(authority: string, suffix: string): string | undefined {
  const host = hostOf(authority);
  const end = `.${suffix}`;
  if (!host.endsWith(end)) return undefined;
  const labels = host.slice(0, -end.length);
  return labels.slice(labels.lastIndexOf(".") + 1);
}

// RFC 1123 §2.1.
const LABEL_REGEXP = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** The host of a server; undefined where a host name cannot hold its name, or there are none. */
export function hostNameOf(
  { name }: { readonly name: string },
  suffix: string | undefined,
): string | undefined {
  const label = name.toLowerCase();
  return suffix === undefined || !LABEL_REGEXP.test(label) ? undefined : `${label}.${suffix}`;
}
