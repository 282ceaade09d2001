/** Ranges of IP addresses in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3). */

import { BlockList, isIP } from "node:net";

/** One range; bits of `address` past the prefix do not count. */
export interface Cidr {
  readonly address: string;
  readonly prefixLength: number;
  readonly family: "ipv4" | "ipv6";
}

const PREFIX_REGEXP = /^(?:0|[1-9][0-9]{0,2})$/;

/**
 * A range written `10.0.0.0/8`, `fd00::/8` or, for one address, `192.0.2.1`; undefined where the
 * text is none. Zone indexes (`fe80::1%eth0`) are refused: they name an interface, not a range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseCidr("10.0.0.0/8"), { address: "10.0.0.0", prefixLength: 8, family: "ipv4" });
 * ```
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf("/");
  const address = slash === -1 ? text : text.slice(0, slash);
  const version = isIP(address);
  if (version === 0 || address.includes("%")) return undefined;
  const bits = version === 4 ? 32 : 128;
  const suffix = slash === -1 ? String(bits) : text.slice(slash + 1);
  if (!PREFIX_REGEXP.test(suffix) || Number(suffix) > bits) return undefined;
  return { address, prefixLength: Number(suffix), family: version === 4 ? "ipv4" : "ipv6" };
}

/** Tells whether an address lies in one of some ranges. */
export interface AddressSet {
  /** False for what is no address. `::ffff:192.0.2.1` is the same address as `192.0.2.1`. */
  has(address: string): boolean;
}

/** The union of `ranges`. */
export function createAddressSet(ranges: readonly Cidr[]): AddressSet {
  if (ranges.length === 0) return { has: () => false };
  const list = new BlockList();
  for (const { address, prefixLength, family } of ranges) {
    list.addSubnet(address, prefixLength, family);
  }
  const check = (address: string): boolean => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 4 ? "ipv4" : "ipv6");
  };
  // A check costs 8 µs, and is asked for again and again about the same proxy.
  let last = { address: "", isIn: false };
  return {
    has: (address) => {
      if (address !== last.address) last = { address, isIn: check(address) };
      return last.isIn;
    },
  };
}
