import { assertEquals, assertRejects } from "@std/assert";
import { Turns } from "../../lib/base/turns.ts";

Deno.test("Turns runs so many at once, lets so many wait, in order, and refuses more", async () => {
  const turns = new Turns({ atOnce: 2, maxWaiting: 2 });
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const started: number[] = [];
  const runs = gates.map(({ promise }, i) =>
    turns.run(async () => {
      started.push(i);
      await promise;
      return i;
    })
  );
  assertEquals(await runs[4], "full");
  assertEquals(started, [0, 1]);
  gates[1]?.resolve();
  assertEquals(await runs[1], 1);
  await Promise.resolve();
  assertEquals(started, [0, 1, 2]);
  const late = turns.run(() => Promise.resolve(started.push(5)));
  assertEquals(started, [0, 1, 2], "a place that is passed on is taken");
  for (const { resolve } of gates) resolve();
  assertEquals(await Promise.all(runs), [0, 1, 2, 3, "full"]);
  await late;
  assertEquals(started, [0, 1, 2, 3, 5]);
});

Deno.test("Turns passes the turn on when the work fails", async () => {
  const turns = new Turns({ atOnce: 1, maxWaiting: 1 });
  const failed = turns.run(() => Promise.reject(new Error("broken")));
  const next = turns.run(() => Promise.resolve("next"));
  await assertRejects(() => failed, Error, "broken");
  assertEquals(await next, "next");
  assertEquals(await turns.run(() => Promise.resolve("later")), "later");
});
