/**
 * Requests that two programs might read differently, by raw bytes: to a relay, behind which a server
 * forwards to an application that reads carelessly, and with other programs in front of it. Another
 * request comes behind each on its connection, and one by another visitor.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { connect } from "node:net";
import { createDispatcher } from "../../lib/server/dispatch.ts";
import {
  LenientOrigin,
  type LenientRequest,
  type Preference,
  toText,
} from "../support/lenient_origin.ts";
import { openOrigin } from "../support/origins.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { exchangeTls } from "../support/exchange_tls.ts";
import { hasReverseProxy, startReverseProxy } from "../support/reverse_proxy.ts";
import { RawServer } from "../support/raw_server.ts";
import { printTable } from "../support/security_page.ts";
import { type SmugglingRow, toOriginBytes, toSmugglingRows } from "../support/smuggling_rows.ts";
import { type RunningServer, startRelay, startServer } from "../support/tunnel.ts";

const HOST = "relay.test";

function toRequest(path: string, host: string): string {
  return `GET /servers/home/${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
}

class World implements AsyncDisposable {
  readonly origin: LenientOrigin;
  readonly port: number;
  readonly #stack: AsyncDisposableStack;

  private constructor(origin: LenientOrigin, port: number, stack: AsyncDisposableStack) {
    this.origin = origin;
    this.port = port;
    this.#stack = stack;
  }

  static async start(preference: Preference): Promise<World> {
    const stack = new AsyncDisposableStack();
    const origin = stack.use(await LenientOrigin.start(preference));
    const relay = stack.use(await startRelay({ hostSuffix: HOST }));
    const forwarding = stack.use(openOrigin(origin.port));
    const handler = createDispatcher({ origins: [forwarding] });
    const server: RunningServer = stack.use(await startServer(relay.url, handler));
    await server.server.connection?.path;
    return new World(origin, relay.port, stack);
  }

  /** What the origin has been asked since the last time. */
  takeRequests(): LenientRequest[] {
    return this.origin.requests.splice(0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

/** Final answers, as `STATUS body`; the first is to `method`. */
function parseAnswers(text: string, method = "GET"): string[] {
  const answers: string[] = [];
  for (let rest = text; rest !== "";) {
    const [head, status] = /^HTTP\/1\.1 (\d{3})[^]*?\r\n\r\n/.exec(rest) ?? [];
    assert(head !== undefined, `no answer: ${JSON.stringify(rest)}`);
    rest = rest.slice(head.length);
    if (status?.startsWith("1") === true) continue;
    const announced = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1]);
    const length = method === "HEAD" && answers.length === 0 ? 0 : announced;
    assert(rest.length >= length, `cut: ${JSON.stringify(rest)}`);
    answers.push(`${status} ${rest.slice(0, length)}`.trimEnd());
    rest = rest.slice(length);
  }
  return answers;
}

/** All that is answered to bytes, and to more that are sent as soon as something has been answered. */
async function exchange(port: number, bytes: string, later = ""): Promise<string> {
  await using connection = await RawConnection.open(port);
  // Refused early, the connection may be closed while the rest is being sent.
  await connection.send(bytes).catch(() => {});
  const first = later === "" ? "" : await connection.readThrough("\r\n\r\n");
  await connection.send(later).catch(() => {});
  return first + await connection.readToEnd();
}

/** What a row that is served is answered by the origin with. */
function expectedText({ reads }: SmugglingRow): string {
  assert(reads !== undefined);
  return toText({ target: "/row", ...reads });
}

for (const preference of ["length", "chunks"] as const) {
  Deno.test(`smuggling: to the relay, and on to an origin that prefers ${preference}`, async (t) => {
    await using world = await World.start(preference);
    const rows: string[][] = [];
    const second = toRequest("second", HOST);
    const other = toRequest("other", HOST);
    for (const row of toSmugglingRows(HOST)) {
      await t.step(row.what, async () => {
        const { what, bytes, later, reads } = row;
        const answered = later === undefined
          ? await exchange(world.port, bytes + second)
          : await exchange(world.port, bytes, later + second);
        const [method] = bytes.split(" ", 1);
        const answers = parseAnswers(answered, method);
        assertEquals(parseAnswers(await exchange(world.port, other)), ["200 GET /other, 0 bytes"]);
        const seen = world.takeRequests();
        if (reads !== undefined) {
          const text = expectedText(row);
          const next = row.closes === true ? [] : ["GET /second, 0 bytes"];
          const own = method === "HEAD" ? "200" : `200 ${text}`;
          assertEquals(answers, [own, ...next.map((text) => `200 ${text}`)]);
          assertEquals(seen.map(toText), [text, ...next, "GET /other, 0 bytes"]);
          const hosts = { rowsHost: HOST, originHost: `127.0.0.1:${world.origin.port}` };
          assertEquals(seen[0]?.bytes, toOriginBytes(reads, hosts));
          rows.push([
            what,
            `served${next.length === 0 ? ", closed" : ""}`,
            text.replace(" /row", ""),
          ]);
        } else {
          const [refused = "", ...others] = answers;
          assertEquals(refused.slice(0, 3), String(row.refusal));
          const next = row.goesOn === true ? ["GET /second, 0 bytes"] : [];
          assertEquals(others, next.map((text) => `200 ${text}`));
          assertEquals(seen.map(toText), [...next, "GET /other, 0 bytes"]);
          const end = row.goesOn === true ? "" : ", closed";
          rows.push([row.what, `refused: ${row.refusal}${end}`, "nothing"]);
        }
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
      await using world = await World.start("chunks");
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
