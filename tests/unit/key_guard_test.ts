import { assertEquals } from "@std/assert";
import { KeyGuard, type KeyVerdict } from "../../lib/auth/key_guard.ts";
import { KEY_FAILURE_MS, MAX_COUNTED_ADDRESSES, MAX_KEY_FAILURES } from "../../lib/base/limits.ts";
import { ManualClock } from "../support/manual_clock.ts";

const HERE = "192.0.2.1";
const ELSEWHERE = "192.0.2.2";

class World {
  readonly clock = new ManualClock();
  readonly guard = new KeyGuard(this.clock);

  right(tripcode: string, address = HERE): KeyVerdict["kind"] {
    return this.guard.judge({ address, tripcode }).kind;
  }

  wrong(address = HERE): KeyVerdict {
    return this.guard.judge({ address, tripcode: undefined });
  }

  /** Tries as many wrong keys as may be tried. */
  exhaust(address = HERE): void {
    for (let i = 1; i <= MAX_KEY_FAILURES; i++) {
      assertEquals(this.wrong(address), { kind: "wrong", isLast: i === MAX_KEY_FAILURES });
    }
  }
}

Deno.test("KeyGuard tells of as many wrong keys as it may, and of one more nothing", () => {
  const world = new World();
  world.exhaust();
  assertEquals(world.wrong(), { kind: "blocked", waitMs: KEY_FAILURE_MS });
});

Deno.test("KeyGuard does not tell a right key from a wrong one once too many were wrong", () => {
  const world = new World();
  world.exhaust();
  assertEquals(world.right("tripcode"), "blocked");
  assertEquals(world.right("tripcode", ELSEWHERE), "right");
});

Deno.test("KeyGuard lets a key in that was right from the same address before", () => {
  const world = new World();
  assertEquals(world.right("mine"), "right");
  world.exhaust();
  assertEquals(world.right("mine"), "right");
  assertEquals(world.right("another's"), "blocked");
});

Deno.test("KeyGuard forgets wrong keys after a while, counted from the first", () => {
  const world = new World();
  world.wrong();
  world.clock.advance(KEY_FAILURE_MS - 1);
  for (let i = 1; i < MAX_KEY_FAILURES; i++) world.wrong();
  assertEquals(world.wrong(), { kind: "blocked", waitMs: 1 });
  world.clock.advance(1);
  world.exhaust();
});

Deno.test("KeyGuard takes an IPv6 network of 64 bits for one address", () => {
  const world = new World();
  world.exhaust("2001:db8::1");
  assertEquals(world.wrong("2001:db8::ffff").kind, "blocked");
  assertEquals(world.wrong("2001:db8:0:1::1").kind, "wrong");
});

Deno.test("KeyGuard keeps so many addresses and no more", () => {
  const world = new World();
  world.exhaust();
  for (let i = 0; i < MAX_COUNTED_ADDRESSES - 1; i++) world.wrong(`10.0.${i >> 8}.${i & 255}`);
  assertEquals(world.wrong().kind, "blocked");
  world.wrong("10.255.255.255");
  assertEquals(world.wrong().kind, "wrong");
});
