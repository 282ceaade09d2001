import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { type AuthVerdict, parseCredentials, requireUser } from "../../lib/http/basic_auth.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { Handler, HttpRequest } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { createFakeRequest } from "../support/fake_request.ts";

const toHeaders = (
  text: string,
): string[] => ["Authorization", `Basic ${Buffer.from(text).toString("base64")}`];

interface Guarded {
  readonly handler: Handler;
  readonly seen: HttpRequest[];
  readonly names: string[];
  readonly addresses: string[];
}

function guard(verdict: AuthVerdict): Guarded {
  const seen: HttpRequest[] = [];
  const names: string[] = [];
  const addresses: string[] = [];
  const handler = requireUser((request) => {
    seen.push(request);
    return textAnswer(200, "secret");
  }, {
    realm: "Files",
    check: ({ address }) => {
      addresses.push(address);
      return Promise.resolve(verdict);
    },
    identified: (_request, name) => void names.push(name),
  });
  return { handler, seen, names, addresses };
}

Deno.test("requireUser lets a right password through, and tells whose it is", async () => {
  const { handler, seen, names, addresses } = guard({ kind: "right" });
  const request = createFakeRequest("/", { headers: toHeaders("bj\u00f6rn:a:b") });
  assertEquals((await handler(request)).status, 200);
  assertEquals([seen[0], names, addresses], [request, ["bj\u00f6rn"], ["192.0.2.1"]]);
});

const refusals: [verdict: AuthVerdict, status: number, field: string, value: string][] = [
  [{ kind: "wrong" }, 401, "www-authenticate", 'Basic realm="Files", charset="UTF-8"'],
  [{ kind: "blocked", waitMs: 1500 }, 429, "retry-after", "2"],
  [{ kind: "busy" }, 503, "retry-after", "1"],
];
for (const [verdict, status, field, value] of refusals) {
  Deno.test(`requireUser answers ${status} where a password is ${verdict.kind}, and asks nobody`, async () => {
    const { handler, seen, names } = guard(verdict);
    for (const method of ["GET", "OPTIONS", "DELETE"]) {
      const answer = await handler(createFakeRequest("/", { method, headers: toHeaders("a:b") }));
      assertEquals([answer.status, headerValue(answer.headers, field)], [status, value]);
      assertEquals(headerValue(answer.headers, "cache-control"), "no-store");
    }
    assertEquals([seen, names], [[], []]);
  });
}

Deno.test("requireUser answers 401 with a challenge to who gives no password (RFC 9110 §15.5.2)", async () => {
  const { handler, addresses } = guard({ kind: "right" });
  const answer = await handler(createFakeRequest("/"));
  assertEquals(answer.status, 401);
  assertEquals(headerValue(answer.headers, "www-authenticate")?.startsWith("Basic "), true);
  assertEquals(addresses, []);
});

Deno.test("parseCredentials reads UTF-8 (RFC 7617 §2), and nothing that is malformed", () => {
  assertEquals(parseCredentials(toHeaders("a:")), { name: "a", password: "" });
  assertEquals(parseCredentials(toHeaders(":p:q")), { name: "", password: "p:q" });
  assertEquals(parseCredentials(["authorization", "bAsIc YTpi"]), { name: "a", password: "b" });
  const bad = [
    [],
    ["Authorization", "Basic"],
    ["Authorization", "Basic YTpi x"],
    ["Authorization", "Bearer YTpi"],
    ["Authorization", "Basic !!!"],
    ["Authorization", "Basic /zpi"],
    toHeaders("no colon"),
    [...toHeaders("a:b"), ...toHeaders("c:d")],
  ];
  for (const headers of bad) assertEquals(parseCredentials(headers), undefined, headers.join(" "));
});
