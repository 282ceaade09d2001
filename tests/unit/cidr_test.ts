import { assertEquals } from "@std/assert";
import { createAddressSet, parseCidr } from "../../lib/base/cidr.ts";

Deno.test("parseCidr reads ranges and single addresses", () => {
  assertEquals(parseCidr("192.0.2.1"), {
    address: "192.0.2.1",
    prefixLength: 32,
    family: "ipv4",
  });
  assertEquals(parseCidr("fd00::/8"), { address: "fd00::", prefixLength: 8, family: "ipv6" });
  assertEquals(parseCidr("0.0.0.0/0")?.prefixLength, 0);
  assertEquals(parseCidr("::1")?.prefixLength, 128);
});

Deno.test("parseCidr refuses what is no range", () => {
  const cases = [
    ["", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0/8"],
    ["10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "010.0.0.0/8", "fe80::1%eth0", "localhost", " ::1"],
  ].flat();
  for (const text of cases) assertEquals(parseCidr(text), undefined, text);
});

function setOf(...texts: string[]): ReturnType<typeof createAddressSet> {
  return createAddressSet(texts.map(parseCidr).filter((range) => range !== undefined));
}

Deno.test("createAddressSet holds what lies in one of the ranges, and nothing beside", () => {
  const set = setOf("10.0.0.0/8", "192.0.2.7", "fd00::/8", "2001:db8::/127");
  const inside = ["10.0.0.0", "10.255.255.255", "192.0.2.7", "fdff::1", "2001:db8::1"];
  const outside = ["9.255.255.255", "11.0.0.0", "192.0.2.8", "fe00::1", "2001:db8::2", "::1"];
  for (const address of inside) assertEquals(set.has(address), true, address);
  for (const address of [...outside, "", "10.0.0", "x"]) {
    assertEquals(set.has(address), false, address);
  }
  assertEquals(setOf().has("127.0.0.1"), false);
});

Deno.test("createAddressSet takes a v4-mapped address for the v4 one, both ways (RFC 4291 §2.5.5.2)", () => {
  assertEquals(setOf("10.0.0.0/8").has("::ffff:10.1.2.3"), true);
  assertEquals(setOf("10.0.0.0/8").has("::ffff:11.1.2.3"), false);
  assertEquals(setOf("::ffff:10.0.0.0/104").has("10.1.2.3"), true);
  assertEquals(setOf("::ffff:10.0.0.0/104").has("11.1.2.3"), false);
});

Deno.test("createAddressSet ignores the bits past the prefix", () => {
  assertEquals(setOf("10.1.2.3/8").has("10.9.9.9"), true);
});
