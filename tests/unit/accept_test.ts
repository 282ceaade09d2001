import { assertEquals } from "@std/assert";
import { preferredType } from "../../lib/http/accept.ts";

const OFFERS = ["text/html", "application/json", "text/plain"] as const;

Deno.test("preferredType obeys types, wildcards and weights (RFC 9110 §12.5.1)", () => {
  const rows: [accept: string, type: string][] = [
    ["*/*", "text/html"],
    ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"],
    ["application/json", "application/json"],
    ["APPLICATION/JSON", "application/json"],
    ["application/json, text/plain, */*", "application/json"],
    ["text/plain;q=0.5, application/json;q=0.9", "application/json"],
    ["application/json;q=0, */*;q=0.1", "text/html"],
    ["text/html;q=0, application/json;q=0.1", "application/json"],
    ["text/plain", "text/plain"],
    ["application/*", "application/json"],
    ["image/png", "text/html"],
    ["", "text/html"],
    ["nonsense;;;q=x,,/,", "text/html"],
    ["\xff", "text/html"],
  ];
  for (const [accept, type] of rows) {
    assertEquals(preferredType(["Accept", accept], OFFERS), type, accept);
  }
  assertEquals(preferredType([], OFFERS), "text/html");
});

Deno.test("preferredType reads a list that is spread over fields (RFC 9110 §5.3)", () => {
  const headers = ["accept", "text/html;q=0.1", "Accept", "text/plain"];
  assertEquals(preferredType(headers, OFFERS), "text/plain");
});
