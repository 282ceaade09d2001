import { assert, assertEquals } from "@std/assert";
import { LoopTurns } from "../../lib/base/loop_turns.ts";
import { turn, until } from "../support/turn.ts";

Deno.test("LoopTurns do one piece of work in each turn of the event loop, in order", async () => {
  const turns = new LoopTurns();
  const done: string[] = [];
  for (const name of ["a", "b", "c"]) turns.add(() => void done.push(name));
  assertEquals(done, []);
  await turn();
  assertEquals(done, ["a"]);
  await turn();
  assertEquals(done, ["a", "b"]);
  await turn();
  assertEquals(done, ["a", "b", "c"]);
});

Deno.test("LoopTurns pass a turn on to the next, and is harmless afterwards", async () => {
  const turns = new LoopTurns();
  const done: string[] = [];
  const [first] = ["a", "b"].map((name) => turns.add(() => void done.push(name)));
  if (first !== undefined) turns.leave(first);
  await turn();
  assertEquals(done, ["b"]);
  if (first !== undefined) turns.leave(first);
});

/** Turns that so many wait for until a hundred are over, which rest until they are told to go on. */
function openBusy(waiting: number): { done: () => number; rests: (() => void)[] } {
  const rests: (() => void)[] = [];
  const turns = new LoopTurns(() => new Promise((resolve) => rests.push(resolve)));
  let count = 0;
  const goOn = (): void => {
    if (++count < 100) turns.add(goOn);
  };
  for (let i = 0; i < waiting; i++) turns.add(goOn);
  return { done: () => count, rests };
}

Deno.test("LoopTurns rest after some turns, where many wait", async () => {
  const { done, rests } = openBusy(20);
  await until(() => rests.length === 1);
  const first = done();
  assert(first > 1 && first < 20);
  // However long it takes, nothing goes on meanwhile.
  for (let i = 0; i < 5; i++) await turn();
  assertEquals(done(), first);
  rests[0]?.();
  await until(() => rests.length === 2);
  assertEquals(done(), 2 * first);
});

Deno.test("LoopTurns lose no time by resting, where few wait", async () => {
  const { done, rests } = openBusy(4);
  await until(() => done() >= 100);
  assertEquals(rests.length, 0);
});

Deno.test("LoopTurns count what is moved outside of turns, from one turn to the next", async () => {
  const turns = new LoopTurns();
  assertEquals([turns.move(200_000), turns.move(200_000)], [false, true]);
  turns.add(() => {});
  assertEquals(turns.move(1), true);
  await turn();
  assertEquals(turns.move(1), false);
});
