import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { Chain, type ChainLink } from "../../lib/base/chain.ts";

Deno.test("property: Chain keeps what is in it in order, whatever is taken out", () => {
  const step = fc.oneof(fc.constant("add" as const), fc.nat(30));
  fc.assert(fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
    const chain = new Chain<number>();
    const links: ChainLink<number>[] = [];
    let model: number[] = [];
    for (const [i, what] of steps.entries()) {
      if (what === "add") {
        links.push(chain.add(i));
        model.push(i);
      } else {
        const link = links[what];
        if (link === undefined) continue;
        chain.remove(link);
        chain.remove(link);
        model = model.filter((value) => value !== link.value);
      }
      assertEquals(chain.links().map(({ value }) => value), model);
      assertEquals([chain.size, chain.first?.value], [model.length, model[0]]);
    }
    chain.clear();
    assertEquals([chain.size, chain.links()], [0, []]);
    // What is old and out keeps nothing alive that is young.
    for (const { before, behind } of links) assertEquals([before, behind], [undefined, undefined]);
  }));
});
