import { assertEquals } from "@std/assert";
import { toNetwork } from "../../lib/base/network.ts";
import { PasswordGate, type Verdict } from "../../lib/auth/password_gate.ts";
import {
  MAX_PASSWORD_CHECKS,
  MAX_PASSWORD_FAILURES,
  MAX_WAITING_PASSWORDS,
  PASSWORD_FAILURE_MS,
  PASSWORD_MEMORY_MS,
} from "../../lib/base/limits.ts";
import { ManualClock } from "../support/manual_clock.ts";

/** Users who all have the password "right", and how often they were asked. */
class CountingUsers {
  checks = 0;
  /** What every check waits for. */
  gate: Promise<void> = Promise.resolve();

  async check(_name: string, password: string): Promise<boolean> {
    this.checks++;
    await this.gate;
    return password === "right";
  }
}

const RIGHT = { name: "alice", password: "right", address: "192.0.2.1" };
const WRONG = { ...RIGHT, password: "wrong" };

Deno.test("PasswordGate checks a right password once in PASSWORD_MEMORY_MS, a wrong one each time", async () => {
  const users = new CountingUsers();
  const clock = new ManualClock();
  const gate = new PasswordGate(users, clock);
  for (let i = 0; i < 3; i++) assertEquals(await gate.check(RIGHT), { kind: "right" });
  assertEquals(users.checks, 1);
  for (let i = 0; i < 2; i++) assertEquals(await gate.check(WRONG), { kind: "wrong" });
  assertEquals(users.checks, 3);
  clock.advance(PASSWORD_MEMORY_MS);
  assertEquals(await gate.check(RIGHT), { kind: "right" });
  assertEquals(users.checks, 4);
});

Deno.test("PasswordGate: what is remembered is name and password together", async () => {
  const users = new CountingUsers();
  const gate = new PasswordGate(users, new ManualClock());
  await gate.check(RIGHT);
  await gate.check({ ...RIGHT, name: "bob" });
  assertEquals(users.checks, 2);
  gate.replaceUsers({ check: () => Promise.resolve(false) });
  assertEquals(await gate.check(RIGHT), { kind: "wrong" });
});

Deno.test("PasswordGate blocks an address after MAX_PASSWORD_FAILURES, and no other, nor known passwords", async () => {
  const users = new CountingUsers();
  const clock = new ManualClock();
  const gate = new PasswordGate(users, clock);
  await gate.check({ ...RIGHT, name: "known" });
  for (let i = 0; i < MAX_PASSWORD_FAILURES; i++) {
    assertEquals(await gate.check(WRONG), { kind: "wrong" });
  }
  const { checks } = users;
  clock.advance(1000);
  const blocked: Verdict = { kind: "blocked", waitMs: PASSWORD_FAILURE_MS - 1000 };
  assertEquals(await gate.check(RIGHT), blocked);
  assertEquals(users.checks, checks);
  assertEquals(await gate.check({ ...RIGHT, name: "known" }), { kind: "right" });
  assertEquals(await gate.check({ ...RIGHT, address: "192.0.2.2" }), { kind: "right" });
  clock.advance(PASSWORD_FAILURE_MS);
  assertEquals(await gate.check(WRONG), { kind: "wrong" });
});

Deno.test("PasswordGate: requests at once cost one check, and guesses at once no more than the limit", async () => {
  const users = new CountingUsers();
  const gate = new PasswordGate(users, new ManualClock());
  const held = Promise.withResolvers<void>();
  users.gate = held.promise;
  const all = Array.from({ length: 20 }, () => gate.check(RIGHT));
  held.resolve();
  assertEquals(new Set((await Promise.all(all)).map(({ kind }) => kind)), new Set(["right"]));
  assertEquals(users.checks, MAX_PASSWORD_CHECKS);
  const guesses = Array.from(
    { length: 60 },
    (_, i) => gate.check({ ...WRONG, password: `${i}`, address: "192.0.2.9" }),
  );
  const kinds = (await Promise.all(guesses)).map(({ kind }) => kind);
  const wrong = kinds.filter((kind) => kind === "wrong").length;
  assertEquals(wrong <= MAX_PASSWORD_FAILURES + MAX_PASSWORD_CHECKS, true, `${wrong}`);
  assertEquals(kinds.at(-1), "blocked");
});

Deno.test("PasswordGate is busy past MAX_WAITING_PASSWORDS, and serves again", async () => {
  const users = new CountingUsers();
  const gate = new PasswordGate(users, new ManualClock());
  const held = Promise.withResolvers<void>();
  users.gate = held.promise;
  const waiting = Array.from(
    { length: MAX_PASSWORD_CHECKS + MAX_WAITING_PASSWORDS },
    (_, i) => gate.check({ ...RIGHT, name: `${i}` }),
  );
  assertEquals(await gate.check({ ...RIGHT, name: "late" }), { kind: "busy" });
  held.resolve();
  await Promise.all(waiting);
  assertEquals(await gate.check({ ...RIGHT, name: "late" }), { kind: "right" });
});

Deno.test("toNetwork: an IPv4 address is itself, an IPv6 address its /64", () => {
  const cases: [address: string, network: string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2::6", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["2001:0DB8:0001::1", "2001:db8:1:0"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["192.0.2.1:5000", "192.0.2.1"],
    ["[2001:db8::1]:5000", "2001:db8:0:0"],
    ["", ""],
  ];
  for (const [address, network] of cases) assertEquals(toNetwork(address), network);
});
