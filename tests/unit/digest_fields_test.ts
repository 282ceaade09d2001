import { assertEquals } from "@std/assert";
import { formatDigest, wantedDigest } from "../../lib/http/digest_fields.ts";

Deno.test("wantedDigest finds the algorithm of the greatest weight (RFC 9530 §4)", () => {
  const rows: [value: string, algorithm: string | undefined][] = [
    ["sha-256=1", "sha-256"],
    ["sha-512=1", "sha-512"],
    ["sha-256=3, sha-512=3", "sha-256"],
    ["sha-512=4,sha-256=3", "sha-512"],
    ["sha-512=10;a=b, md5=10", "sha-512"],
    ["sha-256=5, sha-256=0", undefined],
    ["sha-256=0", undefined],
    ["sha-256=11", undefined],
    ["sha-256=-1", undefined],
    ["sha-256=1.5", undefined],
    ["sha-256", undefined],
    ["SHA-256=1", undefined],
    ["xsha-256=1", undefined],
    ["md5=10", undefined],
    ["", undefined],
    [",;=\xff", undefined],
  ];
  for (const [value, algorithm] of rows) {
    assertEquals(wantedDigest(["want-repr-digest", value]), algorithm, value);
  }
  assertEquals(wantedDigest([]), undefined);
  assertEquals(
    wantedDigest(["Want-Repr-Digest", "md5=1", "Want-Repr-Digest", "sha-512=1"]),
    "sha-512",
  );
});

Deno.test("formatDigest writes a dictionary of bytes (RFC 9530 §3, RFC 8941 §3.3.5)", () => {
  assertEquals(formatDigest("sha-256", new Uint8Array([0, 255])), "sha-256=:AP8=:");
});
