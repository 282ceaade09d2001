/**
 * The requests of smuggling_test by other ways: whatever the server is asked by, and however the
 * bytes are cut, the same comes of each.
 */

import { assertEquals } from "@std/assert";
import type { Connection } from "../../lib/server/poll_loop.ts";
import { type Middlebox, startHolder, startUpgradeStripper } from "../support/middleboxes.ts";
import { checkRow } from "../support/smuggling_check.ts";
import { toSmugglingRows } from "../support/smuggling_rows.ts";
import { SmugglingWorld } from "../support/smuggling_world.ts";

interface Way {
  readonly what: string;
  readonly transport: Connection["transport"];
  readonly startMiddle?: (relayPort: number) => Promise<Middlebox>;
  readonly inPieces?: boolean;
}

const HOST = "relay.test";

const WAYS: readonly Way[] = [
  { what: "byte by byte", transport: "control channel", inPieces: true },
  { what: "by long polls", transport: "long poll", startMiddle: startUpgradeStripper },
  { what: "by long polls, in segments", transport: "long poll", startMiddle: startHolder },
];

for (const { what, transport, startMiddle, inPieces = false } of WAYS) {
  for (const preference of ["length", "chunks"] as const) {
    Deno.test(`smuggling: ${what}, to an origin that prefers ${preference}`, async (t) => {
      await using world = await SmugglingWorld.start({ preference, hostSuffix: HOST, startMiddle });
      assertEquals(world.transport, transport);
      for (const row of toSmugglingRows(HOST)) {
        await t.step(
          row.what,
          async () => void await checkRow(world, row, { host: HOST, inPieces }),
        );
      }
    });
  }
}
