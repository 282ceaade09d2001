/** The addresses by which a file server can be visited. */

import { isIPv4, isIPv6 } from "node:net";
import { isLoopbackHost } from "../http/host.ts";
import { type ListenAddress, toListenUrl } from "../http/listen_address.ts";

/** An address of this computer. */
export interface LocalAddress {
  readonly family: string;
  readonly address: string;
}

/** True for the addresses that stand for all of this computer's. */
export function isAnyHost(host: string): boolean {
  return host === "0.0.0.0" || (isIPv6(host) && /^[0:]+$/.test(host));
}

/**
 * The URLs of what listens on `address`: where that is on all of this computer's addresses, one
 * each, those first that another computer can use.
 */
export function toReachableUrls(
  address: ListenAddress,
  { scheme, basePath, locals }: {
    readonly scheme: "http" | "https";
    readonly basePath: string;
    readonly locals: readonly LocalAddress[];
  },
): readonly string[] {
  const toUrl = (host: string): string =>
    `${toListenUrl({ host, port: address.port }, scheme).replace(/\/$/, "")}${basePath}`;
  if (!isAnyHost(address.host)) return [toUrl(address.host)];
  const hosts = locals.map((local) => local.address)
    .filter((host) => isIPv4(host) || (isIPv6(address.host) && !isLinkLocal(host)))
    .filter((host) => !isLoopbackHost(host));
  return [...hosts.sort(byFamily), isIPv6(address.host) ? "::1" : "127.0.0.1"].map(toUrl);
}

/** It means something only together with an interface, which a URL cannot name (RFC 6874). */
function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}

/** IPv4 first: it is what can be typed. */
function byFamily(a: string, b: string): number {
  return Number(isIPv6(a)) - Number(isIPv6(b));
}
