import { assertEquals, assertThrows } from "@std/assert";
import { SharedTimers } from "../../lib/base/shared_timers.ts";
import { ManualClock } from "../support/manual_clock.ts";

Deno.test("SharedTimers fires each timer at its time, in order, and no cleared one", () => {
  const clock = new ManualClock();
  const timers = new SharedTimers(clock);
  const fired: string[] = [];
  const note = (what: string) => (): void => void fired.push(`${what} ${clock.monotonic()}`);
  timers.after(100, note("a"));
  timers.after(50, note("short"));
  clock.advance(10);
  const b = timers.after(100, note("b"));
  timers.after(100, note("c"));
  timers.clear(b);
  clock.advance(60);
  timers.after(100, note("d"));
  clock.advance(1000);
  assertEquals(fired, ["short 50", "a 100", "c 110", "d 170"]);
  assertEquals(clock.pendingCount, 0);
});

Deno.test("SharedTimers takes one timer of the clock below for all of a length", () => {
  const clock = new ManualClock();
  const timers = new SharedTimers(clock);
  for (let i = 0; i < 1000; i++) timers.clear(timers.after(100, () => {}));
  for (let i = 0; i < 1000; i++) timers.after(100, () => {});
  assertEquals(clock.pendingCount, 1);
  timers.close();
  assertEquals(clock.pendingCount, 0);
});

Deno.test("SharedTimers takes timers that are set and cleared while others fire", () => {
  const clock = new ManualClock();
  const timers = new SharedTimers(clock);
  const fired: string[] = [];
  timers.after(100, () => {
    fired.push("first");
    timers.clear(second);
    timers.after(100, () => fired.push("third"));
  });
  const second = timers.after(100, () => fired.push("second"));
  clock.advance(100);
  assertEquals(fired, ["first"]);
  clock.advance(100);
  assertEquals(fired, ["first", "third"]);
  assertEquals(clock.pendingCount, 0);
});

Deno.test("SharedTimers fires the others though one throws", () => {
  const clock = new ManualClock();
  const timers = new SharedTimers(clock);
  let hasFired = false;
  timers.after(100, () => {
    throw new Error("a fault");
  });
  timers.after(100, () => hasFired = true);
  assertThrows(() => clock.advance(100), Error, "a fault");
  clock.advance(0);
  assertEquals(hasFired, true);
});

Deno.test("SharedTimers forgets all timers when it is closed", () => {
  const clock = new ManualClock();
  const timers = new SharedTimers(clock);
  const timer = timers.after(100, () => {
    throw new Error("it is closed");
  });
  timers.close();
  timers.clear(timer);
  clock.advance(1000);
  assertEquals(timers.now() - timers.monotonic(), clock.now() - clock.monotonic());
});
