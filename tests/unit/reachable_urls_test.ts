import { assertEquals, assertMatch } from "@std/assert";
import { formatQr } from "../../lib/cli/format_qr.ts";
import { isAnyHost, toReachableUrls } from "../../lib/cli/reachable_urls.ts";

const locals = ["127.0.0.1", "fe80::1", "fd00::2", "192.0.2.2", "::1"]
  .map((address) => ({ family: address.includes(":") ? "IPv6" : "IPv4", address }));

Deno.test("toReachableUrls: one address is itself, with scheme and base path", () => {
  assertEquals(
    toReachableUrls({ host: "192.0.2.7", port: 1 }, { scheme: "https", basePath: "/a/", locals }),
    ["https://192.0.2.7:1/a/"],
  );
  assertEquals(
    toReachableUrls({ host: "fd00::7", port: 1 }, { scheme: "http", basePath: "/", locals }),
    ["http://[fd00::7]:1/"],
  );
});

Deno.test("toReachableUrls: all addresses are those of the computer, best for others first, own last", () => {
  const options = { scheme: "http", basePath: "/", locals } as const;
  assertEquals(toReachableUrls({ host: "0.0.0.0", port: 1 }, options), [
    "http://192.0.2.2:1/",
    "http://127.0.0.1:1/",
  ]);
  assertEquals(toReachableUrls({ host: "::", port: 1 }, options), [
    "http://192.0.2.2:1/",
    "http://[fd00::2]:1/",
    "http://[::1]:1/",
  ]);
});

Deno.test("isAnyHost knows all spellings", () => {
  for (const host of ["0.0.0.0", "::", "0:0:0:0:0:0:0:0"]) assertEquals(isAnyHost(host), true);
  for (const host of ["127.0.0.1", "::1", "localhost", "fd00::"]) {
    assertEquals(isAnyHost(host), false);
  }
});

Deno.test("formatQr draws whole lines, and sets colours on a terminal alone", () => {
  const lines = formatQr("http://192.0.2.2:4000/", false).split("\n").slice(0, -1);
  assertEquals(new Set(lines.map((line) => line.length)).size, 1);
  for (const line of lines) assertMatch(line, /^[ ▀▄█]+$/);
  const coloured = formatQr("http://192.0.2.2:4000/", true).split("\n").slice(0, -1);
  // deno-lint-ignore no-control-regex
  assertEquals(coloured.map((line) => line.replace(/\x1b\[[\d;]+m/g, "")), lines);
  for (const line of coloured) assertEquals(line.endsWith("\x1b[0m"), true);
});
