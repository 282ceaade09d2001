import { assertEquals } from "@std/assert";
import { toRefusal } from "../../lib/server/relay_refusal.ts";

for (const status of [429, 503]) {
  Deno.test(`toRefusal: a ${status} is trouble that passes, no blocked path, and says when to come`, () => {
    const refusal = toRefusal({ status, headers: ["Retry-After", "7"] });
    assertEquals(refusal.kind === "trouble" && refusal.retryAfterMs, 7000);
    assertEquals(toRefusal({ status, headers: [] }).kind, "trouble");
  });
}
