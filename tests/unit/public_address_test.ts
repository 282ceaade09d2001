import { assertEquals } from "@std/assert";
import { publicAddress } from "../../lib/http/public_address.ts";

type Row = readonly [
  target: string,
  servedPath: string,
  headers: readonly string[],
  address: string | undefined,
];

const FORWARDED = ["X-Forwarded-Prefix", "/servers/me", "X-Forwarded-Host", "a.example:8443"];

const ROWS: readonly Row[] = [
  ["/a%20b/?qr", "/a%20b/", ["Host", "h:4000"], "http://h:4000/a%20b/"],
  [
    "/files/a/",
    "/a/",
    ["Host", "h", ...FORWARDED, "X-Forwarded-Proto", "https"],
    "https://a.example:8443/servers/me/files/a/",
  ],
  [
    "/a",
    "/a",
    ["Host", "h", "X-Forwarded-Proto", "https, http", "X-Forwarded-Host", "x, y"],
    "https://x/a",
  ],
  ["/a", "/a", ["Host", "h", "X-Forwarded-Prefix", "/p/"], "http://h/p/a"],
  ["http://abs.example/a", "/a", ["Host", "h"], "http://abs.example/a"],
  ["/a", "/a", ["Host", "[::1]:4000"], "http://[::1]:4000/a"],
  // By a tunnel that does not tell what stands before the path.
  ["/files/a/", "/a/", ["Host", "h"], undefined],
  ["/a", "/a", [], undefined],
  ["/a", "/a", ["Host", "user@evil"], undefined],
  ["/a", "/a", ["Host", 'h"><script>'], undefined],
  ["/a", "/a", ["Host", "h", "X-Forwarded-Proto", "javascript"], undefined],
  ["/a", "/a", ["Host", "h", "X-Forwarded-Prefix", '/"><script>'], undefined],
  ["/a", "/a", ["Host", "h", "X-Forwarded-Prefix", "evil"], undefined],
  ['/a"', '/a"', ["Host", "h"], undefined],
  ["*", "*", ["Host", "h"], undefined],
];

Deno.test("publicAddress is where the visitor came, or nothing where that is not told or not sane", () => {
  for (const [target, servedPath, headers, address] of ROWS) {
    assertEquals(publicAddress({ target, headers }, servedPath), address, `${target} ${headers}`);
  }
});
