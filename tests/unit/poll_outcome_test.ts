import { assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { toPollOutcome } from "../../lib/server/poll_outcome.ts";
import { encodePollBody } from "../../lib/wire/http_serde.ts";

const NONE = new Uint8Array();

const kinds: readonly (readonly [number, string])[] = [
  [200, "no_relay"], // without a body it is no batch
  [201, "trouble"],
  [204, "requests"],
  [301, "refused"],
  [302, "refused"],
  [307, "refused"],
  [308, "refused"],
  [400, "trouble"],
  [401, "refused"],
  [403, "refused"],
  [404, "no_relay"],
  [408, "trouble"],
  [429, "trouble"],
  [500, "trouble"],
  [502, "trouble"],
  [503, "trouble"],
  [504, "trouble"],
];

for (const [status, kind] of kinds) {
  Deno.test(`toPollOutcome takes an empty ${status} for ${kind}`, () => {
    assertEquals(toPollOutcome({ status, headers: [], body: NONE }).kind, kind);
  });
}

Deno.test("toPollOutcome gives the requests of a 200", () => {
  const requests = [{ id: "ID", method: "GET", uri: "/x", headers: ["a", "b"] }] as const;
  const outcome = toPollOutcome({ status: 200, headers: [], body: encodePollBody(requests) });
  assertEquals(outcome, { kind: "requests", requests: [...requests] });
  assertEquals(toPollOutcome({ status: 200, headers: [], body: encodePollBody([]) }), {
    kind: "requests",
    requests: [],
  });
});

Deno.test("toPollOutcome looks at no body but a 200's", () => {
  const body = encodePollBody([{ id: "ID", method: "GET", uri: "/x", headers: [] }]);
  assertEquals(toPollOutcome({ status: 204, headers: [], body }), {
    kind: "requests",
    requests: [],
  });
  assertEquals(toPollOutcome({ status: 500, headers: [], body }).kind, "trouble");
});

Deno.test("toPollOutcome names where a redirect leads, or nothing", () => {
  const found = toPollOutcome({
    status: 308,
    headers: ["lOCATION", "https://other.test/"],
    body: NONE,
  });
  assertEquals(found.kind, "refused");
  assertStringIncludes(JSON.stringify(found), "https://other.test/");
  assertEquals(toPollOutcome({ status: 304, headers: [], body: NONE }).kind, "refused");
});

Deno.test("toPollOutcome never throws, whatever answers", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 999 }),
      fc.uint8Array({ maxLength: 64 }),
      (status, body) => {
        const { kind } = toPollOutcome({ status, headers: [], body });
        // Work comes only with 200, and a poll that ended without any is 204.
        assertEquals(kind === "requests" && status !== 200 && status !== 204, false);
      },
    ),
  );
});
