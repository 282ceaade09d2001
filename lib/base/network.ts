/** Whose an address is, as far as it tells. */

import { isIPv6 } from "node:net";

/**
 * The address of an IPv4 peer as IPv4 has it: on a socket for both families it comes mapped
 * (RFC 4291 §2.5.5.2). Any other stays as it is.
 */
export function unmapAddress(address: string): string {
  return address.replace(/^::ffff:(?=[0-9.]+$)/, "");
}

/**
 * The address, or of IPv6 the /64: everybody has at least so many addresses to go on from.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(toNetwork("2001:db8::1"), "2001:db8:0:0");
 * assertEquals(toNetwork("192.0.2.1"), "192.0.2.1");
 * ```
 */
export function toNetwork(address: string): string {
  const plain = unmapAddress(dropPort(address).toLowerCase());
  if (!isIPv6(plain)) return plain;
  const [head = "", tail] = plain.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill("0");
  return [...before, ...zeros, ...after].slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, "")).join(":");
}

/** Some proxies write the port as well. */
function dropPort(address: string): string {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\](?::[0-9]+)?|([^:]+):[0-9]+)$/.exec(address) ?? [];
  return bracketed ?? plain ?? address;
}
