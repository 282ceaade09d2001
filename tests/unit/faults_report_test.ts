import { assertEquals } from "@std/assert";
import { formatFaultsResult, formatTimes } from "../faults/report.ts";

Deno.test("formatFaultsResult: tells counts, times, remarks and each violation", () => {
  const total = { ok: 5, refused: 3, cut: 2, unreached: 1, left: 4, violation: 1 };
  const text = formatFaultsResult({
    name: "kill -9",
    seed: 7,
    report: { kinds: {}, total, refusals: { "503 b": 1, "502 a": 2 }, violations: [] },
    violations: ["a byte is wrong"],
    times: new Map([["relay killed", [10.4, 20.6]]]),
    repeatedReads: 9,
    remarks: ["12 faults"],
  });
  assertEquals(
    text,
    `kill -9, seed 7: 1 violations
  16 exchanges: 5 answered, 3 refused, 2 cut, 1 found no relay, 4 left; 9 reads sent twice to the origin
    refused 2: 502 a
    refused 1: 503 b
  relay killed: 2, p50 21 ms, p99 21 ms, most 21 ms
  12 faults
  VIOLATION a byte is wrong
`,
  );
});

Deno.test("formatTimes: says so where there are none", () => {
  assertEquals(formatTimes([]), "none");
});
