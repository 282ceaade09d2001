import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  describeFault,
  type Link,
  makeFaultSchedule,
  type ScheduledFault,
} from "../support/fault_schedule.ts";
import { SeededRandom } from "../support/seeded_random.ts";

const LINKS: readonly Link[] = ["visitors", "tunnel", "origin"];

function make(seed: number, durationMs: number): readonly ScheduledFault[] {
  return makeFaultSchedule(new SeededRandom(seed), { durationMs, links: LINKS });
}

Deno.test("property: a seed gives one schedule, in order, of faults of a link one after the other", () => {
  fc.assert(fc.property(fc.nat(), fc.nat(20_000), (seed, durationMs) => {
    const schedule = make(seed, durationMs);
    assertEquals(schedule, make(seed, durationMs));
    assertEquals(schedule, schedule.toSorted((a, b) => a.atMs - b.atMs));
    for (const link of LINKS) {
      let freeAt = 0;
      for (const fault of schedule.filter((one) => one.link === link)) {
        assert(fault.atMs >= freeAt, describeFault(fault));
        freeAt = fault.atMs + fault.durationMs;
      }
      assert(freeAt <= durationMs);
    }
  }));
});

Deno.test("makeFaultSchedule: another seed gives another schedule", () => {
  assert(JSON.stringify(make(1, 5000)) !== JSON.stringify(make(2, 5000)));
});

Deno.test("describeFault: tells when, where, what, how much and how long", () => {
  const fault = { atMs: 5, link: "tunnel", fault: "delay", durationMs: 70, amount: 9 } as const;
  assertEquals(describeFault(fault), "5 ms: tunnel: delay of 9 for 70 ms");
  const once = { ...fault, fault: "reset", durationMs: 0, amount: 0 } as const;
  assertEquals(describeFault(once), "5 ms: tunnel: reset");
});
