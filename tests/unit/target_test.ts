import { assertEquals } from "@std/assert";
import { parseTarget } from "../../lib/http/target.ts";

Deno.test("parseTarget splits path and query at the first question mark, undecoded (RFC 9112 §3.2.1)", () => {
  const rows: [raw: string, path: string, query: string][] = [
    ["/", "/", ""],
    ["/a?b", "/a", "?b"],
    ["/a?", "/a", "?"],
    ["/a?b?c=/d", "/a", "?b?c=/d"],
    ["/a/../b//%2e%2E%2f\\|<>", "/a/../b//%2e%2E%2f\\|<>", ""],
    ["//evil.example/x", "//evil.example/x", ""],
    ["/caf\xc3\xa9", "/caf\xc3\xa9", ""],
    ["/http://x/y", "/http://x/y", ""],
  ];
  for (const [raw, path, query] of rows) {
    assertEquals(parseTarget(raw), { kind: "origin", path, query });
  }
});

Deno.test("parseTarget keeps the authority of the absolute form apart (RFC 9112 §3.2.2)", () => {
  assertEquals(parseTarget("HTTP://Example.com:80/a/..?q"), {
    kind: "absolute",
    scheme: "http",
    authority: "Example.com:80",
    path: "/a/..",
    query: "?q",
  });
  assertEquals(parseTarget("https://[::1]:4000"), {
    kind: "absolute",
    scheme: "https",
    authority: "[::1]:4000",
    path: "/",
    query: "",
  });
  assertEquals(parseTarget("http://a?x=/y"), {
    kind: "absolute",
    scheme: "http",
    authority: "a",
    path: "/",
    query: "?x=/y",
  });
});

Deno.test("parseTarget knows the asterisk form (RFC 9112 §3.2.4)", () => {
  assertEquals(parseTarget("*"), { kind: "asterisk" });
});

Deno.test("parseTarget refuses everything else (RFC 9112 §3.2, RFC 9110 §4.2.4)", () => {
  const bad = [
    "",
    "a/b",
    "?q",
    "**",
    "/a b",
    "/a\tb",
    "/a\rb",
    "/a\nb",
    "/a\0",
    "/a\x7f",
    "/\u0100",
    "http:///a",
    "http://",
    "http://user@host/",
    "http://a b/",
    "http://a\\b/",
    "http://a:99999999/",
    "ftp://a/b",
    "example.com:443",
  ];
  for (const raw of bad) assertEquals(parseTarget(raw).kind, "bad", JSON.stringify(raw));
});

Deno.test("parseTarget cuts off a fragment, as the original does", () => {
  assertEquals(parseTarget("/a#b?c"), { kind: "origin", path: "/a", query: "" });
  assertEquals(parseTarget("/a?q#b"), { kind: "origin", path: "/a", query: "?q" });
});
