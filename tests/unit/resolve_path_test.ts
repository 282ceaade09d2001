import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { isServableName, resolvePath } from "../../lib/files/resolve_path.ts";

function resolve(raw: string, platform: "posix" | "windows" = "posix"): unknown {
  const path = resolvePath(raw, platform);
  return path.kind === "refused" ? path.status : [path.segments, path.hasTrailingSlash];
}

Deno.test("resolvePath decodes each name once, as UTF-8 (RFC 3986 §2.1, §6.2.2)", () => {
  const rows: [raw: string, segments: string[], slash: boolean][] = [
    ["", [], true],
    ["/", [], true],
    ["/a", ["a"], false],
    ["/a/", ["a"], true],
    ["/a/b.txt", ["a", "b.txt"], false],
    ["/%41%20b", ["A b"], false],
    ["/%25%23%3f", ["%#?"], false],
    ["/%252e%252e", ["%2e%2e"], false],
    ["/caf%C3%A9", ["café"], false],
    ["/caf\xc3\xa9", ["café"], false],
    ["/%F0%9F%90%99", ["🐙"], false],
    ["/%EF%BB%BFa", ["\ufeffa"], false],
    ["/a%0Ab", ["a\nb"], false],
    ["/.well-known/x", [".well-known", "x"], false],
    ["/a..", ["a.."], false],
    ["/-rf", ["-rf"], false],
    ["/a+b", ["a+b"], false],
  ];
  for (const [raw, segments, slash] of rows) {
    assertEquals(resolve(raw), [segments, slash], raw);
  }
});

Deno.test("resolvePath answers 400 to what cannot be decoded (RFC 3986 §2.1)", () => {
  const bad = ["/%", "/%4", "/%zz", "/a%2", "/%u0041", "/%+1", "/%00", "/a%00.txt"];
  bad.push(
    "/%c0%ae%c0%ae",
    "/%c0%af",
    "/%e0%80%ae",
    "/%f0%80%80%ae",
    "/%ff",
    "/%C3",
    "/\xff",
    "/%ed%a0%80",
  );
  bad.push("/\u0100");
  for (const raw of bad) assertEquals(resolve(raw), 400, raw);
});

Deno.test("resolvePath answers 404 to every path with a second reading (RFC 9110 §17.3)", () => {
  const bad = [
    "/..",
    "/../",
    "/.",
    "/./",
    "/a/..",
    "/a/../b",
    "/a/./b",
    "/%2e%2e/b",
    "/.%2e/b",
    "/%2E",
  ];
  bad.push("//", "//a", "/a//b", "/a//", "//etc/passwd", "a", "etc/passwd");
  bad.push(
    "/a%2fb",
    "/..%2fb",
    "/%2fetc%2fpasswd",
    "/a/..%2F..",
    "/a%5cb",
    "/..%5c..%5cb",
    "/a\\b",
  );
  bad.push(
    "/.env",
    "/.git/config",
    "/a/.hidden",
    "/%2eenv",
    "/.well-known/.env",
    "/.Well-Known",
    "/%E2%80%8C.env",
    "/%EF%BB%BF.env",
    "/.%E2%80%8E./x",
    "/...",
  );
  for (const raw of bad) assertEquals(resolve(raw), 404, raw);
});

Deno.test("resolvePath refuses on Windows what is an ordinary name elsewhere", () => {
  for (
    const raw of [
      "/c:",
      "/c%3a/windows",
      "/nul",
      "/.env%3a%3a$DATA",
      "/a.txt%3a%3a$DATA",
      "/a.",
      "/a%20",
    ]
  ) {
    assertEquals(resolve(raw, "windows"), 404, raw);
  }
  for (const raw of ["/nul", "/c:", "/a.", "/a%20", "/ENV~1"]) {
    assert(resolve(raw, "posix") !== 404, raw);
  }
});

Deno.test("resolvePath gives only names that stand for one entry of one folder", () => {
  const part = fc.constantFrom(
    ..."/ . .. %2e %2f %5c \\ %00 %252e : ~1 a %c0%ae %20 + ; %c3%a9 \xff".split(" "),
  );
  fc.assert(
    fc.property(fc.array(part), fc.constantFrom("posix", "windows"), (parts, platform) => {
      const path = resolvePath(`/${parts.join("")}`, platform);
      if (path.kind === "refused") return;
      for (const name of path.segments) {
        assert(name !== "" && name !== "." && name !== "..");
        assert(!/[/\\\0]/.test(name));
        assert(isServableName(name, platform));
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("resolvePath reads back what encodeURIComponent makes of any name", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", minLength: 1 }), (name) => {
    if (!isServableName(name, "posix")) return;
    assertEquals(resolve(`/${encodeURIComponent(name)}`), [[name], false]);
  }));
});
