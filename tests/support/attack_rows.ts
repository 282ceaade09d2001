/** Attacks on a relay, each on one of its own, and a table of what came of them. */

import { AttackedRelay } from "./attacked_relay.ts";
import { printTable } from "./security_page.ts";
import type { RelayOptions } from "./tunnel.ts";

/** An attack, which resolves to what came of it, in words. */
export type AttackRow = readonly [
  what: string,
  attack: (relay: AttackedRelay) => Promise<string>,
  options?: RelayOptions,
];

/** Tries each attack, sees that others are served after it, and prints the table of that name. */
export async function tryAttacks(
  t: Deno.TestContext,
  { name, column, rows }: {
    readonly name: string;
    /** What all attacks are called. */
    readonly column: string;
    readonly rows: readonly AttackRow[];
  },
): Promise<void> {
  const cells: string[][] = [];
  for (const [what, attack, options] of rows) {
    await t.step(what, async () => {
      await using relay = await AttackedRelay.start(options);
      cells.push([what, await attack(relay)]);
      await relay.assertServed();
    });
  }
  await printTable({ name, columns: [column, "What comes of it"], rows: cells });
}
