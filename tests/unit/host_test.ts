import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { hostOf, isAuthority, isLoopbackHost } from "../../lib/http/host.ts";

const authorities: readonly (readonly [string, boolean])[] = [
  ["", true],
  ["example.com", true],
  ["example.com:8080", true],
  ["example.com:", true], // RFC 3986 §3.2.3: the port may be empty
  ["[::1]", true],
  ["[::1]:80", true],
  ["[::ffff:127.0.0.1]:80", true],
  ["a_b.example", true],
  ["%41.example", true],
  ["a b", false],
  ["user@host", false],
  ["host/path", false],
  ["host?x", false],
  ["host#x", false],
  ["host\\x", false],
  ["::1", false],
  ["[::1", false],
  ["[::1]x", false],
  ["[]", false],
  ["host:port", false],
  ["host:123456", false],
  ["host:80:80", false],
  ["a,b", true], // sub-delims are allowed in a reg-name
  ["%4", false],
  ["h\xff", false],
  ["h\r\n", false],
  ["h\n", false],
];

for (const [text, expected] of authorities) {
  Deno.test(`isAuthority(${JSON.stringify(text)}) is ${expected} (RFC 3986 §3.2)`, () => {
    assertEquals(isAuthority(text), expected);
  });
}

Deno.test("isAuthority admits nothing that could end a host or begin a path", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assertEquals(isAuthority(text) && /[\s/?#@\\"<>]/.test(text), false);
    }),
  );
});

const hosts: readonly (readonly [string, string])[] = [
  ["Example.COM:80", "example.com"],
  ["example.com.", "example.com"],
  ["example.com.:80", "example.com"],
  ["[::1]:80", "::1"],
  ["[::1]", "::1"],
  ["[FE80::1]", "fe80::1"],
  ["127.0.0.1:", "127.0.0.1"],
  ["", ""],
];

for (const [authority, host] of hosts) {
  Deno.test(`hostOf("${authority}") is "${host}"`, () => assertEquals(hostOf(authority), host));
}

const loopback: readonly (readonly [string, boolean])[] = [
  ["localhost", true],
  ["app.localhost", true],
  ["127.0.0.1", true],
  ["127.1.2.3", true],
  ["::1", true],
  ["localhost.evil.test", false],
  ["127.0.0.1.evil.test", false],
  ["evil-localhost", false],
  ["notlocalhost", false],
  ["0.0.0.0", false],
  ["::", false],
  ["192.168.0.1", false],
  ["::ffff:127.0.0.1", true],
  ["::ffff:192.0.2.1", false],
  ["128.0.0.1", false],
  ["", false],
];

for (const [host, expected] of loopback) {
  Deno.test(`isLoopbackHost("${host}") is ${expected}`, () => {
    assertEquals(isLoopbackHost(host), expected);
  });
}
