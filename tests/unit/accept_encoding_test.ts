import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { rankCodings } from "../../lib/http/accept_encoding.ts";

function rank(...values: string[]): string {
  return rankCodings(values.flatMap((value) => ["accept-encoding", value])).join(" ");
}

Deno.test("rankCodings orders by weight, then by its own preference (RFC 9110 §12.5.3)", () => {
  const rows: [value: string, ranking: string][] = [
    ["gzip, deflate, br, zstd", "br zstd gzip identity"],
    ["gzip;q=1.0, br;q=0.9", "gzip br identity"],
    ["gzip;q=0.001", "gzip identity"],
    ["gzip;q=0.001, identity", "identity gzip"],
    ["*", "br zstd gzip identity"],
    ["*;q=0.5, gzip", "gzip br zstd identity"],
    ["gzip, *;q=0", "gzip"],
    ["identity;q=0", ""],
    ["*;q=0", ""],
    ["*;q=0, identity", "identity"],
    ["identity;q=0, *", "br zstd gzip"],
    ["gzip;q=0, *", "br zstd identity"],
    ["x-gzip", "gzip identity"],
    ["GZip;Q=0.5", "gzip identity"],
    [" gzip\t; q=1 ,,", "gzip identity"],
    ["", "identity"],
    ["deflate, compress", "identity"],
  ];
  for (const [value, ranking] of rows) assertEquals(rank(value), ranking, value);
  assertEquals(rank(), "identity");
  assertEquals(rank("gzip", "br;q=0.5"), "gzip br identity", "two lines are one list");
});

Deno.test("rankCodings takes nothing for a coding that is not written as one", () => {
  for (
    const value of [
      "abr",
      "brr",
      "br x",
      "x br",
      "br;q",
      "br;q=",
      "br;q=2",
      "br;q=1.001",
      "br;q=0.0001",
      "br;q=-1",
      "br;q=1;x=1",
      '"br"',
    ]
  ) {
    assertEquals(rank(value), "identity", value);
  }
});

Deno.test("rankCodings ranks each coding at most once, whatever the field", () => {
  const part = fc.constantFrom(
    ..."br gzip x-gzip identity * , ; q= 0 1 0.5 . \xff".split(" "),
    " ",
  );
  fc.assert(fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
    const ranking = rankCodings(["Accept-Encoding", parts.join("")]);
    assertEquals(new Set(ranking).size, ranking.length);
    assert(ranking.every((coding) => ["br", "zstd", "gzip", "identity"].includes(coding)));
  }));
});
