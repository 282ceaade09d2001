/**
 * Requests that two programs might read differently, by raw bytes: to a relay, behind which a server
 * forwards to an application that reads carelessly, and with other programs in front of it. Another
 * request comes behind each on its connection, and one by another visitor.
 */

import { assert, assertEquals } from "@std/assert";
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
import { printTable } from "../support/security_page.ts";
import { type SmugglingRow, toSmugglingRows } from "../support/smuggling_rows.ts";
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
    const relay = stack.use(await startRelay());
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

/** Final answers, as `STATUS body`. */
function parseAnswers(text: string): string[] {
  const answers: string[] = [];
  for (let rest = text; rest !== "";) {
    const [head, status] = /^HTTP\/1\.1 (\d{3})[^]*?\r\n\r\n/.exec(rest) ?? [];
    assert(head !== undefined, `no answer: ${JSON.stringify(rest)}`);
    rest = rest.slice(head.length);
    if (status?.startsWith("1") === true) continue;
    const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1]);
    answers.push(`${status} ${rest.slice(0, length)}`);
    rest = rest.slice(length);
  }
  return answers;
}

async function exchange(port: number, bytes: string): Promise<string[]> {
  await using connection = await RawConnection.open(port);
  // Refused early, the connection may be closed while the rest is being sent.
  await connection.send(bytes).catch(() => {});
  return parseAnswers(await connection.readToEnd());
}

/** What the origin is to see of a row that is served. */
function expectedText({ reads }: SmugglingRow): string {
  assert(reads !== undefined);
  return toText({ target: "/row", ...reads });
}

function assertFields({ fields }: LenientRequest, { keepsBack = [] }: SmugglingRow): void {
  const lines = fields.map(([name, value]) => `${name}: ${value}`);
  for (const field of keepsBack) {
    assert(
      !lines.some((line) => line === field || line.startsWith(`${field}:`)),
      `it got ${field}`,
    );
  }
  const framing = fields.filter(([name]) => ["content-length", "transfer-encoding"].includes(name));
  assert(framing.length <= 1, `framed twice: ${framing}`);
  for (const name of ["x-forwarded-for", "forwarded", "via", "host"]) {
    assert(fields.some(([key]) => key === name), `it lacks ${name}`);
  }
}

for (const preference of ["length", "chunks"] as const) {
  Deno.test(`smuggling: to the relay, and on to an origin that prefers ${preference}`, async (t) => {
    await using world = await World.start(preference);
    const rows: string[][] = [];
    const [second, other] = ["second", "other"].map((path) => toRequest(path, HOST));
    for (const row of toSmugglingRows(HOST)) {
      await t.step(row.what, async () => {
        const answers = await exchange(world.port, row.bytes + second);
        assertEquals(await exchange(world.port, other ?? ""), ["200 GET /other, 0 bytes"]);
        const seen = world.takeRequests();
        const [first] = seen;
        if (row.refusal === undefined) {
          const text = expectedText(row);
          assertEquals(answers, [`200 ${text}`, "200 GET /second, 0 bytes"]);
          assertEquals(seen.map(toText), [text, "GET /second, 0 bytes", "GET /other, 0 bytes"]);
          assert(first !== undefined);
          assertFields(first, row);
          rows.push([row.what, "served", text.replace(" /row", "")]);
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

const FRONTS = ["nginx recipe", "Caddy recipe", "Apache recipe"] as const;
const hasFronts = (await Promise.all(FRONTS.map(hasReverseProxy))).every((has) => has);

/** The name in their certificate. */
const FRONT_HOST = "localhost";

Deno.test({
  name: "smuggling: through nginx, Caddy and Apache, which keep their connections to the relay",
  ignore: !hasFronts,
  fn: async (t) => {
    const rows = toSmugglingRows(FRONT_HOST).filter(({ isForFronts = true }) => isForFronts);
    const cells = rows.map(({ what }) => [what]);
    for (const front of FRONTS) {
      await using world = await World.start("chunks");
      await using proxy = await startReverseProxy(front, world.port);
      for (const [index, row] of rows.entries()) {
        await t.step(`${front}: ${row.what}`, async () => {
          const text = await exchangeTls(proxy.port, row.bytes + toRequest("second", FRONT_HOST));
          const other = await exchangeTls(proxy.port, toRequest("other", FRONT_HOST));
          assert(other.includes("GET /other, 0 bytes"), other);
          const seen = world.takeRequests().map(toText);
          assertEquals(seen.filter((request) => request === "GET /other, 0 bytes").length, 1);
          const own = seen.filter((request) => request !== "GET /other, 0 bytes");
          const wanted = row.reads === undefined ? [] : [expectedText(row)];
          // Where the program in front takes what follows for a request of the same visitor, it is
          // one; were it the relay alone that does, answers would go to the wrong requests.
          let at = 0;
          for (const request of own) {
            at = text.indexOf(request, at) + request.length;
            assert(at >= request.length, `nobody got the answer to ${request}`);
            if (/ \/row,/.test(request) && wanted.length > 0) assertEquals([request], wanted);
          }
          assertEquals(new Set(own).size, own.length, "asked twice");
          const [, status = ""] =
            /^HTTP\/1\.[01] (\d{3})/m.exec(text.replace(/^HTTP\/1\.1 1[^]*?\r\n\r\n/, "")) ?? [];
          cells[index]?.push(status.startsWith("2") ? "served" : "refused");
        });
      }
    }
    await printTable({
      name: "smuggling:fronts",
      columns: ["Request", "nginx", "Caddy", "Apache"],
      rows: cells,
    });
  },
});
