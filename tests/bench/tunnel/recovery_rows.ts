/** Rows on how soon visitors are served again after the public side was gone. */

import { createDirectLink, OTHER_HOST } from "./links.ts";
import type { Row } from "./row.ts";

const SECONDS_DOWN = [3, 20];
const RECOVERY_TIMEOUT_MS = 60_000;

export const RECOVERY_ROWS: readonly Row[] = SECONDS_DOWN.map((seconds) => ({
  id: `recovery-${seconds}`,
  name: `Recovery after the public side was gone for ${seconds} s`,
  unit: "s",
  tool: "Deno",
  command: `kill -9 RELAY; sleep ${seconds} (from its listening again to the first answer)`,
  measure: async ({ startOther }) => {
    await using tunnel = await startOther(createDirectLink(OTHER_HOST));
    if (!tunnel.hasServer) throw new Error("it has no server that could reconnect");
    await tunnel.killRelay();
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    await tunnel.startRelay();
    const start = performance.now();
    await tunnel.untilServed(RECOVERY_TIMEOUT_MS);
    return { value: (performance.now() - start) / 1000 };
  },
}));
