import { assertEquals, assertThrows } from "@std/assert";
import { headerValue } from "../../lib/http/headers.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { Exchange } from "../../lib/relay/exchange.ts";
import { toForwardedRequest, toVisitor } from "../support/exchanges.ts";
import { ManualClock } from "../support/manual_clock.ts";

function open(
  { graceMs = 10_000, answerTimeoutMs = 30_000 } = {},
): { exchange: Exchange; clock: ManualClock; settled: Exchange[] } {
  const clock = new ManualClock();
  const settled: Exchange[] = [];
  const exchange = new Exchange({
    request: toForwardedRequest("ID"),
    visitor: toVisitor(),
    clock,
    graceMs,
    answerTimeoutMs: { classic: answerTimeoutMs, modern: 2 * answerTimeoutMs },
    onSettled: (one) => settled.push(one),
  });
  return { exchange, clock, settled };
}

Deno.test("Exchange waits, is given, and begins its answer, once each", async () => {
  const { exchange, clock, settled } = open();
  assertEquals(exchange.wasGiven, false);
  exchange.give("classic");
  assertEquals(exchange.wasGiven, true);
  assertThrows(() => exchange.give("classic"), TypeError, "not waiting");
  assertEquals(exchange.begin(textAnswer(200, "first")), true);
  assertEquals(exchange.begin(textAnswer(200, "second")), false);
  exchange.fail("server_lost");
  assertEquals((await exchange.answer).status, 200);
  assertEquals(settled, [exchange]);
  assertEquals(exchange.isAbandoned, false);
  assertEquals(clock.pendingCount, 0);
});

Deno.test("Exchange cannot begin before it was given", async () => {
  const { exchange } = open();
  assertEquals(exchange.begin(textAnswer(200, "forged")), false);
  exchange.fail("visitor_left");
  assertEquals((await exchange.answer).status, 502);
});

Deno.test("Exchange fails with 503 when nobody takes it within the grace", async () => {
  const { exchange, clock, settled } = open();
  exchange.wait();
  clock.advance(9_999);
  assertEquals(settled, []);
  clock.advance(1);
  const answer = await exchange.answer;
  assertEquals(answer.status, 503);
  assertEquals(headerValue(answer.headers, "retry-after"), "10");
  assertEquals(
    headerValue(answer.headers, "proxy-status"),
    "ptth_relay; error=destination_unavailable",
  );
  assertEquals(exchange.isAbandoned, false);
  assertThrows(() => exchange.give("classic"), TypeError);
});

Deno.test("Exchange fails with 504 when its answer does not begin in time", async () => {
  const { exchange, clock } = open();
  clock.advance(9_000);
  exchange.give("classic");
  clock.advance(29_999);
  clock.advance(1);
  assertEquals((await exchange.answer).status, 504);
  assertEquals(exchange.isAbandoned, true);
  assertEquals(exchange.begin(textAnswer(200, "late")), false);
});

Deno.test("Exchange has no deadline for its answer when the limit is 0", () => {
  const { exchange, clock, settled } = open({ answerTimeoutMs: 0 });
  exchange.give("classic");
  clock.advance(86_400_000);
  assertEquals(settled, []);
  assertEquals(exchange.begin(textAnswer(200, "at last")), true);
});
