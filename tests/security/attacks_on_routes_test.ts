/**
 * The relay's routes for servers and programs, by whoever else can send to them: a web page in the
 * browser of somebody who reaches the relay, a program whose key is for something else, a server
 * with a host of its own.
 */

import { assert, assertEquals } from "@std/assert";
import { toTripcode } from "../../lib/auth/tripcode.ts";
import { createId } from "../../lib/wire/create_id.ts";
import { encodeAnswer } from "../../lib/wire/modern_messages.ts";
import { type AttackRow, tryAttacks } from "../support/attack_rows.ts";
import { ATTACKER, VICTIM } from "../support/attacked_relay.ts";
import { HANDSHAKE } from "../support/controlled_process.ts";
import { exchangeBytes } from "../support/raw_connection.ts";
import { NAME, type RelayOptions } from "../support/tunnel.ts";
import { fieldOf, parseVisit, toRequestText, type Visit, visit } from "../support/visit.ts";

/** Makes the attack; gives what came of it, in words. */
const PAGE = "Origin: https://evil.test";
const SCRAPER_KEY = "a key of a program that only tests have";
const SCRAPER: RelayOptions = {
  enableScraperApi: true,
  scraperKeys: [{
    name: "statistics",
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    hash: toTripcode(SCRAPER_KEY),
  }],
};

/** Below the prefix of the relay; all that a server asks, for an exchange and a session. */
function toTunnelPaths(session: string, id: string): string[] {
  return [
    ...[`http_listen/${NAME}`, `http_response/${id}`, `modern/control/${NAME}`],
    ...[`modern/session/${NAME}`, `modern/poll/${session}/0`, `modern/messages/${session}/1`],
    ...[`modern/answer/${session}/${id}`, `modern/body/${session}/${id}`],
    ...[`modern/answer/${session}/${id}/0`, `modern/body/${session}/${id}/0`],
    `modern/probe/${session}`,
  ];
}

/** What a browser asks before it sends a field of a page's own to another origin. */
function preflight(port: number, target: string): Promise<Visit> {
  return visit(port, target, {
    method: "OPTIONS",
    headers: [
      PAGE,
      "Access-Control-Request-Method: POST",
      "Access-Control-Request-Headers: x-apikey",
    ],
  });
}

function assertNoLeave({ head }: Visit): void {
  assert(!/^access-control-/im.test(head), head);
}

const PAGES: readonly AttackRow[] = [
  ["asks whether it may send a key, by every path of the tunnel", async (relay) => {
    const given = await relay.take(VICTIM);
    for (const path of toTunnelPaths(given.session, given.request.id)) {
      const answer = await preflight(relay.port, `/7ZSFUKGV/${path}`);
      assertNoLeave(answer);
      assert(answer.status >= 400, `${path}: ${answer.status}`);
    }
    await relay.assertAnswered(given);
    return "no leave: browsers send none";
  }],
  [
    "sends a form to every path of the tunnel, with an id and a session that it knows",
    async (relay) => {
      const given = await relay.take(VICTIM);
      for (const path of toTunnelPaths(given.session, given.request.id)) {
        const headers = [PAGE, "Content-Type: text/plain", "Cookie: a=1"];
        const answer = await relay.ask(path, { headers, body: "a=forged", key: null });
        assertNoLeave(answer);
        assert(answer.status >= 400, `${path}: ${answer.status}`);
      }
      await relay.assertAnswered(given);
      return "refused: a key, or a field that no form has, is wanted everywhere";
    },
  ],
  ["opens a WebSocket as a server would, which browsers let any page do", async (relay) => {
    const fields = HANDSHAKE.flatMap((name, i) =>
      i % 2 === 0 ? [`${name}: ${HANDSHAKE[i + 1]}`] : []
    );
    const request = toRequestText(`/7ZSFUKGV/modern/control/${NAME}`, {
      headers: [PAGE, ...fields, `X-PTTH-Process: ${createId()}`],
    });
    const { status } = parseVisit(await exchangeBytes(relay.port, request));
    assertEquals(status, 403);
    return "refused: 403, browsers cannot send the key";
  }],
  ["reads a program's list of servers", async (relay) => {
    const answer = await preflight(relay.port, "/scraper/v1/server_list");
    assertNoLeave(answer);
    const asked = await visit(relay.port, "/scraper/v1/server_list", { headers: [PAGE] });
    assertNoLeave(asked);
    assertEquals([answer.status, asked.status], [403, 403]);
    return "refused: 403, and no leave to send the key";
  }, SCRAPER],
];

const PROGRAMS: readonly AttackRow[] = [
  ["connects as a server with the key of a program", async (relay) => {
    const poll = await relay.ask(`http_listen/${NAME}`, { key: SCRAPER_KEY });
    const session = await relay.ask(`modern/session/${NAME}`, {
      headers: [`X-PTTH-Process: ${createId()}`, "X-PTTH-Modern: 1"],
      body: "",
      key: SCRAPER_KEY,
    });
    assertEquals([poll.status, session.status], [401, 401]);
    return "refused: 401";
  }, SCRAPER],
  ["asks as a program with the key of a server", async (relay) => {
    const headers = [`X-ApiKey: ${ATTACKER.key}`];
    const { status } = await visit(relay.port, "/scraper/v1/server_list", { headers });
    assertEquals(status, 403);
    return "refused: 403";
  }, SCRAPER],
  ["answers an exchange with the key of a program", async (relay) => {
    const given = await relay.take(VICTIM);
    const body = encodeAnswer(given.request.id, { status: 200, headers: [] }, new Uint8Array(1));
    const sent = await relay.ask(`modern/messages/${given.session}/1`, { body, key: SCRAPER_KEY });
    assertEquals(sent.status, 410);
    await relay.assertAnswered(given);
    return "refused: 410; the rightful answer gets through";
  }, SCRAPER],
  ["asks a server as a program, and its key goes along", async (relay) => {
    const headers = [`X-ApiKey: ${SCRAPER_KEY}`, `X_ApiKey: ${SCRAPER_KEY}`];
    const { status } = await visit(relay.port, `/scraper/v1/server/${NAME}/x`, { headers });
    assertEquals(status, 200);
    const [request] = relay.requests.slice(-1);
    assert(request !== undefined && !JSON.stringify(request.headers).includes(SCRAPER_KEY));
    return "dropped: no server sees it";
  }, SCRAPER],
  ["leaves the server that it names, by dots and encoded ones", async (relay) => {
    const headers = [`X-ApiKey: ${SCRAPER_KEY}`];
    for (const rest of ["../home/x", "%2e%2e/home/x", "..%2fhome/x", "..\\home/x", "..;/home/x"]) {
      const target = `/scraper/v1/server/${ATTACKER.name}/${rest}`;
      assertEquals((await visit(relay.port, target, { headers })).status, 400);
    }
    return "refused: 400";
  }, SCRAPER],
];

const SUFFIX = "relay.test";

/** What a visitor's browser would keep of a cookie from a server with a host of its own. */
function cookie(what: string, value: string, wanted: string): AttackRow {
  return [what, async (relay) => {
    const session = await relay.openSession();
    const visitor = visit(relay.port, "/x", { host: `${ATTACKER.name}.${SUFFIX}` });
    const [message] = await relay.poll(session);
    assert(message?.type === "request");
    const head = { status: 200, headers: ["Set-Cookie", value] };
    const body = encodeAnswer(message.request.id, head, new Uint8Array());
    await relay.ask(`modern/messages/${session}/1`, { body });
    assertEquals(fieldOf(await visitor, "Set-Cookie"), wanted);
    return `\`${wanted}\``;
  }, { hostSuffix: SUFFIX }];
}

const HOSTS: readonly AttackRow[] = [
  cookie("a cookie for all hosts", `a=1; Domain=${SUFFIX}`, "a=1"),
  cookie(
    "the same in other case, with a dot before it",
    `a=1; domain = .Relay.TEST; Secure`,
    "a=1; Secure",
  ),
  cookie("the same twice", `a=1; Domain=${SUFFIX}; Domain=${SUFFIX}`, "a=1"),
  cookie("a cookie for what is above all hosts", "a=1; Domain=test", "a=1"),
  cookie(
    "a cookie for another server's host, which browsers refuse",
    `a=1; Domain=home.${SUFFIX}`,
    `a=1; Domain=home.${SUFFIX}`,
  ),
];

for (
  const [group, column, rows] of [
    ["pages", "A page", PAGES],
    ["programs", "It", PROGRAMS],
    ["hosts", "Its answer has", HOSTS],
  ] as const
) {
  Deno.test(`attack on routes: ${group}`, async (t) => {
    await tryAttacks(t, { name: `routes:${group}`, column, rows });
  });
}
