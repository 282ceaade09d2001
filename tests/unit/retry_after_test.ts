import { assertEquals } from "@std/assert";
import { readRetryAfter } from "../../lib/http/retry_after.ts";

Deno.test("readRetryAfter reads seconds, and nothing else", () => {
  assertEquals(readRetryAfter(["Retry-After", "5"]), 5000);
  assertEquals(readRetryAfter(["retry-after", "0"]), 0);
  for (const other of ["", "-1", "1.5", "5 s", "Fri, 31 Dec 1999 23:59:59 GMT", "9".repeat(40)]) {
    assertEquals(readRetryAfter(["Retry-After", other]), undefined, other);
  }
  assertEquals(readRetryAfter([]), undefined);
});
