import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { IdMap } from "../../lib/base/id_map.ts";
import { createId } from "../../lib/wire/create_id.ts";

Deno.test("property: IdMap does as a Map does, whatever comes and goes", () => {
  const id = fc.oneof(fc.constantFrom("", "a", "b", "ab", "ba"), fc.nat(300).map(String));
  const step = fc.record({ id, what: fc.constantFrom("set", "set", "delete", "get") });
  fc.assert(fc.property(fc.array(step, { maxLength: 500 }), (steps) => {
    const [map, model] = [new IdMap<number>(), new Map<string, number>()];
    for (const [i, { id, what }] of steps.entries()) {
      if (what === "set") {
        map.set(id, i);
        model.set(id, i);
      } else if (what === "delete") assertEquals(map.delete(id), model.delete(id));
      else assertEquals([map.get(id), map.has(id)], [model.get(id), model.has(id)]);
      assertEquals(map.size, model.size);
    }
    for (const [id, value] of model) assertEquals(map.get(id), value);
    assertEquals(map.values().sort(), [...model.values()].sort());
  }));
});

Deno.test("IdMap holds ten thousand ids, and lets go of them in any order", () => {
  const map = new IdMap<string>();
  const ids = Array.from({ length: 10_000 }, () => createId());
  for (const id of ids) map.set(id, id);
  for (let i = 0; i < ids.length; i += 2) assertEquals(map.delete(ids[i] ?? ""), true);
  for (const [i, id] of ids.entries()) assertEquals(map.get(id), i % 2 === 0 ? undefined : id);
  assertEquals([map.size, map.values().length], [5000, 5000]);
});
