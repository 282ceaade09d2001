import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { posix } from "node:path";
import { staysBelow } from "../../lib/http/path_reading.ts";

Deno.test("staysBelow lets through what leads nowhere else, however odd it looks", () => {
  const paths = [
    ...["/", "/x", "/x/", "//", "//x", "/x//y", "/.", "/./", "/.x", "/x.", "/x./y", "/...", "/..."],
    ...["/x..", "/..x", "/x..y/z", "/x/..", "/x/../", "/x/../y", "/x/y/../../z", "/x/./../y"],
    ...["/%", "/%2", "/%zz", "/%00", "/%2f", "/%5c", "/\\x", "/%2e", "/x/%2e%2E/y", "/x%2e/y"],
    ...["/caf\xc3\xa9", "/;x", "/x;y=z/..", "/.;x/y", "/%252e%252e/x"],
    ...["/http://host//a/x", "/proxy/http%3A%2F%2Fhost%2Fa%2F..%2Fb"],
  ];
  for (const path of paths) {
    for (const prefix of ["", "/app", "/servers/me"]) {
      assertEquals(staysBelow(prefix + path, prefix), true, prefix + path);
    }
  }
});

Deno.test("staysBelow refuses what leads out of the prefix in any reading", () => {
  const paths = [
    ...["/..", "/../", "/../x", "/./../x", "//../x", "/x/../../y", "/x/../../app/y", "/../app/x"],
    ...["/%2e%2e/x", "/.%2E/x", "/%2e./x", "/..%2fx", "/..%2F", "/%2e%2e%2fx", "/x%2f..%2f../y"],
    ...["/..\\x", "/\\..\\x", "/..%5cx", "/%5c..%5cx", "/x\\..\\..\\y", "/x/..\\../y"],
    // Two names to those who decode before they resolve, one to the others.
    ...["/x%2fy/../../z", "/x\\y/../../z", "/x%5cy/../../z", "/x%2f%2e/../../z", "/%2f/../x"],
    // One after the other: the first takes away what the second would have needed.
    ...["/x%2fy/../%2e%2e/z", "/x//../../y", "/x/./../../y", "/.%2f./../x"],
    // Which may stay, but nobody in earnest asks so.
    ...["/x\\..\\y", "/x%2f..", "/x/../../x/x"],
    // Names with parameters, as Java servers read them.
    ...[
      "/..;/x",
      "/..;a=b/x",
      "/%2e%2e;/x",
      "/x/..;/..;/y",
      "/;/../x",
      "/.;a/../x",
      "/;\\x/../y",
      "/..%3bx/y",
    ],
  ];
  for (const path of paths) {
    for (const prefix of ["", "/app", "/servers/me"]) {
      assertEquals(staysBelow(prefix + path, prefix), false, prefix + path);
    }
  }
});

const PART = fc.constantFrom(
  ...[
    "/",
    "/",
    "/",
    "\\",
    "%2f",
    "%5C",
    "..",
    "..",
    ".",
    "%2e",
    "%2E%2e",
    "a",
    "b",
    "app",
    "%",
    ";",
  ],
);
const PATHS = fc.array(PART, { maxLength: 12 }).map((parts) => `/app/${parts.join("")}`);

function decode(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

/** RFC 3986 §5.2.4, where empty names count. */
function removeDotSegments(path: string): string {
  return new URL(path.replaceAll("%", "%25").replaceAll("\\", "%5c"), "http://h/").pathname
    .replaceAll("%5c", "\\").replaceAll("%25", "%");
}

/** What programs do with a path. */
const HABITS: readonly ((path: string) => string)[] = [
  decode,
  (path) => path.replaceAll("\\", "/"),
  (path) => path.replaceAll(/\/{2,}/g, "/"),
  (path) => path.replaceAll(/;[^/]*/g, ""),
  (path) => posix.normalize(path),
  removeDotSegments,
];

Deno.test("property: staysBelow is true only where posix.normalize stays, whatever was done before", () => {
  let staying = 0;
  const habits = fc.array(fc.constantFrom(...HABITS), { maxLength: 5 });
  fc.assert(
    fc.property(PATHS, habits, (path, chain) => {
      if (!staysBelow(path, "/app")) return;
      staying++;
      // Decoding twice is what nobody may do (RFC 3986 §2.4).
      const once = chain.filter((habit, i) => habit !== decode || chain.indexOf(decode) === i);
      const read = posix.normalize(once.reduce((text, habit) => habit(text), path));
      assert(`${read}/`.startsWith("/app/"), `${JSON.stringify(path)} is read as ${read}`);
    }),
    { numRuns: 20_000 },
  );
  assert(staying > 1000);
});

Deno.test("property: staysBelow is exact for plain paths: no part of one leaves the prefix", () => {
  const name = fc.constantFrom("..", "..", ".", "a", "b", "app", "...", ".x");
  fc.assert(
    fc.property(fc.array(name, { maxLength: 10 }), (names) => {
      const stays = names.every((_, i) => {
        const read = posix.normalize(`/root/app/${names.slice(0, i + 1).join("/")}`);
        return `${read}/`.startsWith("/root/app/");
      });
      assertEquals(staysBelow(`/root/app/${names.join("/")}`, "/root/app"), stays);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("property: staysBelow lets every path pass that has no two dots in a row", () => {
  fc.assert(
    fc.property(PATHS, (path) => {
      if (!decode(path).includes("..")) assert(staysBelow(path, "/app"), path);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("property: staysBelow says the same on its fast path", () => {
  // Two dots in the query of another path make it look closely, and change nothing.
  fc.assert(
    fc.property(PATHS, (path) => {
      assertEquals(staysBelow(`${path}/x..`, "/app"), staysBelow(path, "/app"), path);
    }),
    { numRuns: 5000 },
  );
});
