import { assertEquals } from "@std/assert";
import { pause, systemClock } from "../../lib/base/clock.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { turn } from "../support/turn.ts";

/** Whether a promise has resolved by now. */
async function isResolved(promise: Promise<void>): Promise<boolean> {
  let resolved = false;
  void promise.then(() => resolved = true);
  await turn();
  return resolved;
}

Deno.test("pause resolves after its time, not before, and leaves no timer and no listener", async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const waiting = pause(clock, 100, controller.signal);
  clock.advance(99);
  assertEquals(await isResolved(waiting), false);
  clock.advance(1);
  await waiting;
  assertEquals(clock.pendingCount, 0);
  controller.abort();
});

Deno.test("pause resolves at once when its signal aborts, and clears its timer", async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const waiting = pause(clock, 100, controller.signal);
  assertEquals(clock.pendingCount, 1);
  controller.abort(new Error("a reason that nobody is to see as a rejection"));
  await waiting;
  assertEquals(clock.pendingCount, 0);
});

Deno.test("pause sets no timer for a signal that has aborted", async () => {
  const clock = new ManualClock();
  await pause(clock, 100, AbortSignal.abort());
  assertEquals(clock.pendingCount, 0);
});

Deno.test("systemClock fires once, and not after it was cleared", async () => {
  const fired: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const cleared = systemClock.after(0, () => fired.push("cleared"));
  systemClock.clear(cleared);
  const timer = systemClock.after(1, () => {
    fired.push("kept");
    resolve();
  });
  await promise;
  systemClock.clear(timer);
  assertEquals(fired, ["kept"]);
  const before = systemClock.monotonic();
  assertEquals(systemClock.monotonic() >= before, true);
});
