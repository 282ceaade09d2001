import { assertEquals } from "@std/assert";
import { awaitLoopTurn, leaveLoopTurn } from "../../lib/base/loop_turns.ts";
import { turn } from "../support/turn.ts";

Deno.test("awaitLoopTurn does one piece of work in each turn of the event loop, in order", async () => {
  const done: string[] = [];
  for (const name of ["a", "b", "c"]) awaitLoopTurn(() => void done.push(name));
  assertEquals(done, []);
  await turn();
  assertEquals(done, ["a"]);
  await turn();
  assertEquals(done, ["a", "b"]);
  await turn();
  assertEquals(done, ["a", "b", "c"]);
});

Deno.test("leaveLoopTurn passes a turn on to the next, and is harmless afterwards", async () => {
  const done: string[] = [];
  const [first] = ["a", "b"].map((name) => awaitLoopTurn(() => void done.push(name)));
  if (first !== undefined) leaveLoopTurn(first);
  await turn();
  assertEquals(done, ["b"]);
  if (first !== undefined) leaveLoopTurn(first);
});
