/**
 * Requests that two programs might read differently, by raw bytes: to a relay, behind which a server
 * forwards to an application that reads carelessly, and with other programs in front of it. Another
 * request comes behind each on its connection, and one by another visitor.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect } from "node:net";
import { toText } from "../support/lenient_origin.ts";
import { exchangeTls } from "../support/exchange_tls.ts";
import { hasReverseProxy, startReverseProxy } from "../support/reverse_proxy.ts";
import { RawServer } from "../support/raw_server.ts";
import { printTable } from "../support/security_page.ts";
import { checkRow, expectedText } from "../support/smuggling_check.ts";
import { toSmugglingRows } from "../support/smuggling_rows.ts";
import { SmugglingWorld, toRequest } from "../support/smuggling_world.ts";

const HOST = "relay.test";

for (const preference of ["length", "chunks"] as const) {
  Deno.test(`smuggling: to the relay, and on to an origin that prefers ${preference}`, async (t) => {
    await using world = await SmugglingWorld.start({ preference, hostSuffix: HOST });
    const rows: string[][] = [];
    for (const row of toSmugglingRows(HOST)) {
      await t.step(row.what, async () => {
        const { relay, origin } = await checkRow(world, row, { host: HOST });
        rows.push([row.what, relay, origin]);
      });
    }
    // Both ways of reading give the same table.
    await printTable({
      name: "smuggling",
      columns: ["Request", "The relay", "The origin gets"],
      rows,
    });
  });
}

/** By the name of their table. */
const FRONTS = {
  nginx: "nginx recipe, with keepalive",
  caddy: "Caddy recipe",
  apache: "Apache recipe",
} as const;

/** The name in their certificate. */
const FRONT_HOST = "localhost";

/** Leads to a relay, and shows the connections that somebody in front makes to it. */
function linkTo(relayPort: number): Promise<RawServer> {
  return RawServer.listen(
    ({ socket }) => {
      const relay = connect({ host: "127.0.0.1", port: relayPort, noDelay: true });
      relay.on("error", () => {}).once("close", () => socket.destroy());
      socket.once("close", () => relay.destroy());
      socket.pipe(relay).pipe(socket);
    },
    undefined,
    { allowHalfOpen: true },
  );
}

for (const [name, front] of Object.entries(FRONTS)) {
  Deno.test({
    name: `smuggling: through ${front}, whose connections to the relay go on to others`,
    ignore: !await hasReverseProxy(front),
    fn: async (t) => {
      await using world = await SmugglingWorld.start({ preference: "chunks", hostSuffix: HOST });
      await using link = await linkTo(world.port);
      await using proxy = await startReverseProxy(front, link.port);
      const cells: string[][] = [];
      let count = 0;
      for (const row of toSmugglingRows(FRONT_HOST)) {
        await t.step(row.what, async () => {
          const { bytes, later = "" } = row;
          const second = toRequest("second", FRONT_HOST);
          const text = await exchangeTls(proxy.port, bytes + later + second);
          for (const path of ["other", "another"]) {
            const answer = await exchangeTls(proxy.port, toRequest(path, FRONT_HOST));
            assertMatch(answer, new RegExp(`^HTTP/1\\.1 200 [^]*\r\n\r\nGET /${path}, 0 bytes$`));
          }
          const seen = world.takeRequests().map(toText);
          count += seen.length;
          const others = ["GET /other, 0 bytes", "GET /another, 0 bytes"];
          assertEquals(seen.filter((request) => others.includes(request)), others);
          const own = seen.filter((request) => !others.includes(request));
          // Where the program in front takes what follows for a request of the same visitor, it is
          // one; were it the relay alone that does, answers would go to the wrong requests.
          let at = 0;
          for (const request of own) {
            at = text.indexOf(request, at) + request.length;
            assert(at >= request.length, `nobody got the answer to ${request}`);
            if (row.reads !== undefined && / \/row,/.test(request)) {
              assertEquals(request, expectedText(row));
            }
          }
          assertEquals(new Set(own).size, own.length, "asked twice");
          const [, status = ""] =
            /^HTTP\/1\.[01] (\d{3})/m.exec(text.replace(/^HTTP\/1\.1 1[^]*?\r\n\r\n/, "")) ?? [];
          cells.push([row.what, status.startsWith("2") ? "served" : "refused"]);
        });
      }
      // Else no request could have come to another's answer.
      assert(link.connections.length < count, `${link.connections.length} connections, ${count}`);
      await printTable({
        name: `smuggling:${name}`,
        columns: ["Request", "What comes of it"],
        rows: cells,
      });
    },
  });
}
