import { assert, assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../lib/base/errors.ts";
import { proxyFor, readProxySettings } from "../../lib/server/proxy_settings.ts";

const HTTP = new URL("http://relay.example.com/x");
const HTTPS = new URL("https://relay.example.com/x");

/** The address of the proxy that the environment names for a URL. */
function addressFor(url: URL | string, environment: Readonly<Record<string, string>>): unknown {
  const settings = readProxySettings((name) => environment[name]);
  return proxyFor(new URL(url), settings)?.address;
}

Deno.test("proxyFor takes the variable of the relay's scheme, then ALL_PROXY", () => {
  const environment = { http_proxy: "http://h:1", https_proxy: "http://s:2", all_proxy: "a:3" };
  assertEquals(addressFor(HTTP, environment), "h:1");
  assertEquals(addressFor(HTTPS, environment), "s:2");
  assertEquals(addressFor(HTTP, { HTTPS_PROXY: "http://s:2" }), undefined);
  assertEquals(addressFor(HTTPS, { http_proxy: "http://h:1" }), undefined);
  assertEquals(addressFor(HTTPS, { http_proxy: "http://h:1", ALL_PROXY: "http://a:3" }), "a:3");
  assertEquals(addressFor(HTTPS, {}), undefined);
});

Deno.test("readProxySettings prefers lower case, honours upper case, skips what is empty", () => {
  assertEquals(
    addressFor(HTTP, { http_proxy: "http://low:1", HTTP_PROXY: "http://up:2" }),
    "low:1",
  );
  assertEquals(addressFor(HTTP, { HTTP_PROXY: "http://up:2" }), "up:2");
  assertEquals(addressFor(HTTP, { http_proxy: " ", HTTP_PROXY: "http://up:2" }), "up:2");
  assertEquals(addressFor(HTTP, { http_proxy: "", all_proxy: "http://a:3" }), "a:3");
});

Deno.test("proxyFor reads the proxy's host, port and credentials", () => {
  const proxyOf = (value: string): unknown =>
    proxyFor(HTTP, readProxySettings((name) => name === "http_proxy" ? value : undefined));
  assertEquals(proxyOf("http://proxy.example"), {
    hostname: "proxy.example",
    port: 80,
    address: "proxy.example:80",
    authorization: undefined,
  });
  assertEquals(proxyOf("[::1]:3128"), {
    hostname: "::1",
    port: 3128,
    address: "[::1]:3128",
    authorization: undefined,
  });
  assertEquals(proxyOf("http://us%40er:p%C3%A4ss@proxy:8080/"), {
    hostname: "proxy",
    port: 8080,
    address: "proxy:8080",
    authorization: "Basic dXNAZXI6cMOkc3M=",
  });
});

const unusable: readonly (readonly [string, string])[] = [
  ["https://user:hunter2@proxy:1", "https://"],
  ["socks5h://user:hunter2@proxy:1", "socks5h://"],
  ["http://user:hunter2@:1", "no URL"],
  ["user:hunter2@proxy:70000", "no URL"],
  ["http://user:hunter2%zz@proxy:1", "percent-encoded"],
];

for (const [value, reason] of unusable) {
  Deno.test(`proxyFor refuses ${value}, and does not repeat it`, () => {
    const settings = readProxySettings((name) => name === "HTTPS_PROXY" ? value : undefined);
    const error = assertThrows(() => proxyFor(HTTPS, settings), ConfigError, reason);
    assert(error.message.includes("HTTPS_PROXY"), error.message);
    assert(!JSON.stringify([error.message, error.place]).includes("hunter2"), error.message);
    assertEquals(error.cause, undefined);
    // What is not needed is not looked at.
    assertEquals(proxyFor(HTTP, settings), undefined);
  });
}

/** NO_PROXY, URLs that it excepts, URLs beside. */
const exceptions: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["*", ["http://a.example/", "http://192.0.2.1/"], []],
  [
    "example.com",
    ["http://example.com/", "http://EXAMPLE.com./", "http://a.b.example.com:8080/"],
    ["http://notexample.com/", "http://example.com.evil.test/", "http://com/"],
  ],
  [".example.com", ["http://a.example.com/", "http://example.com/"], ["http://xexample.com/"]],
  ["*.example.com", ["http://a.example.com/"], ["http://xexample.com/"]],
  ["Example.COM.", ["http://example.com/"], ["http://example.org/"]],
  [
    "example.com:8080",
    ["http://example.com:8080/", "http://a.example.com:8080/"],
    ["http://example.com/", "http://example.com:80/"],
  ],
  ["example.com:443", ["https://example.com/"], ["http://example.com/"]],
  ["192.0.2.7", ["http://192.0.2.7/", "http://192.0.2.7:81/"], ["http://192.0.2.8/"]],
  ["192.0.2.7:81", ["http://192.0.2.7:81/"], ["http://192.0.2.7/"]],
  ["192.0.2.0/24", ["http://192.0.2.9/"], ["http://192.0.3.9/", "http://x.test/"]],
  ["2001:db8::1", ["http://[2001:db8::1]/"], ["http://[2001:db8::2]/"]],
  ["[2001:db8::1]:81", ["http://[2001:db8::1]:81/"], ["http://[2001:db8::1]/"]],
  ["2001:db8::/32", ["http://[2001:db8:9::1]/"], ["http://[2001:db9::1]/"]],
  ["a.test, b.test\tc.test,,", ["http://a.test/", "http://b.test/", "http://c.test/"], [
    "http://d.test/",
  ]],
  // A suffix of names is none of addresses.
  ["2.1", [], ["http://192.0.2.1/"]],
  [",", [], ["http://a.test/"]],
  [".", [], ["http://a.test/"]],
];

for (const [noProxy, excepted, beside] of exceptions) {
  Deno.test(`proxyFor heeds NO_PROXY ${JSON.stringify(noProxy)}`, () => {
    const environment = { ALL_PROXY: "http://proxy:1", NO_PROXY: noProxy };
    for (const url of excepted) assertEquals(addressFor(url, environment), undefined, url);
    for (const url of beside) assertEquals(addressFor(url, environment), "proxy:1", url);
  });
}

Deno.test("proxyFor never sends loopback relays through a proxy", () => {
  const environment = { ALL_PROXY: "http://proxy:1" };
  const loopback = ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "LOCALHOST."];
  for (const host of loopback) {
    assertEquals(addressFor(`https://${host}:4000/`, environment), undefined, host);
  }
  for (const host of ["localhost.example", "128.0.0.1", "[::2]"]) {
    assertEquals(addressFor(`https://${host}:4000/`, environment), "proxy:1", host);
  }
});
