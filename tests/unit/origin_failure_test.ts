import { assertEquals } from "@std/assert";
import { UnreachableError, type UnreachableKind } from "../../lib/client/unreachable_error.ts";
import { originFailureAnswer, toOriginFailure } from "../../lib/server/origin_failure.ts";
import { readAnswer } from "../support/fake_request.ts";

const failures: readonly (readonly [UnreachableKind, number, string])[] = [
  ["dns", 502, "dns_error"],
  ["refused", 502, "connection_refused"],
  ["certificate", 502, "tls_certificate_error"],
  ["tls", 502, "tls_protocol_error"],
  ["cut", 502, "connection_terminated"],
  ["stale", 502, "connection_terminated"],
  ["body", 502, "connection_terminated"],
  ["aborted", 502, "connection_terminated"],
  ["protocol", 502, "http_protocol_error"],
  ["timeout", 504, "connection_timeout"],
  ["silent", 504, "http_response_timeout"],
];

for (const [kind, status, token] of failures) {
  Deno.test(`an origin's failure of kind ${kind} is ${status} with a token (RFC 9209 §2.3), and no detail`, async () => {
    const error = new UnreachableError(kind, 'Cannot reach origin "http://10.0.0.7:1/": secret');
    const answer = originFailureAnswer(toOriginFailure(error));
    assertEquals([answer.status, answer.headers.slice(-2)], [
      status,
      ["Proxy-Status", `ptth_server; error=${token}`],
    ]);
    const text = await readAnswer(answer);
    assertEquals([/10\.0|secret/.test(text), text.endsWith("\n")], [false, true]);
  });
}

Deno.test("what fails for another reason counts as a cut", () => {
  assertEquals(toOriginFailure(new Error("odd")), "cut");
});
