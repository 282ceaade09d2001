/** Programs that crash, come back, or have the wrong key. The order matters: the last ones stop all. */

import { type Check, ensure, equal } from "./check.ts";
import { countConnections } from "./process_facts.ts";
import { bodyText, visit } from "./visitor.ts";
import { delay, until } from "./wait.ts";
import type { Make } from "./world.ts";

/** Until a visitor is served after a restart. An original server backs off for up to 30 s. */
const RECOVERY_MS: Readonly<Record<Make, number>> = { original: 35_000, ours: 12_000 };

/** Long enough for two refused polls of either server (0 s and 0.5 s, 1 s). */
const REFUSED_MS = 2500;

/** An original server's back-off is 3.5 s then; the next one is 7.5 s, or 0.5 s after a reset. */
const LONG_OUTAGE_MS = 4000;
const SHORT_BACKOFF_MS = 4000;

/** For a relay to see that a connection of loopback has closed, or that a visitor has come. */
const NOTICED_MS = 200;

/** After SIGTERM or SIGINT: the original relay forces its end after 5 s. */
const STOP_MS = 8000;

export const FAILURE_CHECKS: readonly Check[] = [
  {
    name: "the server crashes and comes back",
    run: async (world) => {
      await world.server.kill();
      await world.startServer();
      await world.untilServed(RECOVERY_MS[world.pairing.server]);
    },
  },
  {
    name: "a visitor in the gap between two servers is served",
    run: async (world) => {
      await world.server.kill();
      await delay(NOTICED_MS);
      const waiting = world.visitFile("12.txt");
      await delay(NOTICED_MS);
      await world.startServer();
      equal("status", (await waiting).status, 200);
    },
  },
  {
    name: "the relay crashes and comes back",
    run: async (world) => {
      await world.relay.kill();
      await world.startRelay();
      await world.untilServed(RECOVERY_MS[world.pairing.server]);
    },
  },
  {
    name: "a server's back-off ends with its first poll",
    // The original relay parks that poll, and an original server's back-off lasts until a visitor.
    applies: ({ relay, server }) => relay === "ours" && server === "original",
    run: async (world) => {
      await world.relay.kill();
      await delay(LONG_OUTAGE_MS);
      await world.startRelay();
      await until(
        "the server is back",
        RECOVERY_MS.original,
        async () => await countConnections(world.server.pid) > 0,
      );
      await delay(NOTICED_MS);
      await world.relay.kill();
      await world.startRelay();
      await world.untilServed(SHORT_BACKOFF_MS);
    },
  },
  {
    name: "a poll with a wrong key is 401",
    run: async (world) => {
      const headers = { "x-apikey": "wrong" };
      const answer = await visit(world.port, "/7ZSFUKGV/http_listen/interop", { headers });
      equal("status", answer.status, 401);
      equal("body", bodyText(answer), "Bad X-ApiKey\n");
    },
  },
  {
    name: "a server with a wrong key is refused, and keeps trying",
    run: async (world) => {
      await world.server.kill();
      world.changeKey();
      await world.startServer();
      await delay(REFUSED_MS);
      ensure(world.server.running, "the server ended");
      const served = await world.visitFile("12.txt", { timeoutMs: 1000 }).catch(() => undefined);
      ensure(served?.status !== 200, "it serves");
      await world.relay.kill();
      await world.startRelay(); // with the new key
      await world.untilServed(RECOVERY_MS[world.pairing.server]);
    },
  },
  {
    name: "both stop when told to, with exit code 0",
    run: async (world) => {
      for (const program of ["server", "relay"] as const) {
        // The originals are only sure to take SIGINT.
        const signal = world.pairing[program] === "ours" ? "SIGTERM" : "SIGINT";
        const code = await Promise.race([
          world[program].stop(signal),
          delay(STOP_MS).then(() => "none in time" as const),
        ]);
        equal(`exit code of the ${program}`, code, 0);
      }
    },
  },
];
