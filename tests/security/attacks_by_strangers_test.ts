/** What somebody without a key can do, as a server or as a visitor. */

import { assert, assertEquals, assertNotMatch } from "@std/assert";
import { HEADERS_TIMEOUT_MS, MAX_KEY_FAILURES } from "../../lib/base/limits.ts";
import { createId } from "../../lib/wire/create_id.ts";
import { type AttackRow, tryAttacks } from "../support/attack_rows.ts";
import { AttackedRelay, VICTIM } from "../support/attacked_relay.ts";
import { HANDSHAKE } from "../support/controlled_process.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { exchangeBytes, RawConnection } from "../support/raw_connection.ts";
import { NAME, type RelayOptions } from "../support/tunnel.ts";
import { toRequestText, visit } from "../support/visit.ts";

/** All ways to come as a server, for a name: bytes of a request with this key. */
const WAYS: Readonly<Record<string, (name: string, key: string | null) => string>> = {
  "classic poll": (name, key) => toServerText(`http_listen/${name}`, "GET", key),
  "older classic poll": (name, key) =>
    toServerText(`http_listen/${name}`, "GET", key).replace("/7ZSFUKGV", ""),
  "long poll": (name, key) =>
    toServerText(`modern/session/${name}`, "POST", key, [
      ...[`X-PTTH-Process: ${PROCESS}`, "X-PTTH-Modern: 1", "Content-Length: 0"],
    ]),
  "control channel": (name, key) =>
    toServerText(`modern/control/${name}`, "GET", key, [`X-PTTH-Process: ${PROCESS}`, ...UPGRADE]),
};

/** All that is asked for in a session, about an exchange. */
const IN_SESSION: readonly (readonly [string, (session: string, exchange: string) => string])[] = [
  ["GET", (session) => `poll/${session}/0`],
  ["POST", (session) => `messages/${session}/1`],
  ["GET", (session) => `probe/${session}`],
  ["POST", (session) => `probe/${session}`],
  ["POST", (session, exchange) => `answer/${session}/${exchange}`],
  ["POST", (session, exchange) => `answer/${session}/${exchange}/0`],
  ["GET", (session, exchange) => `body/${session}/${exchange}`],
  ["GET", (session, exchange) => `body/${session}/${exchange}/0`],
];

const PROCESS = createId();
const UPGRADE = HANDSHAKE.flatMap((name, i) => i % 2 === 0 ? [`${name}: ${HANDSHAKE[i + 1]}`] : []);

function toServerText(
  path: string,
  method: string,
  key: string | null,
  fields: readonly string[] = [],
): string {
  const own = key === null ? [] : [`X-ApiKey: ${key}`];
  const headers = [...own, ...fields];
  if (!headers.includes("Connection: Upgrade")) headers.push("Connection: close");
  return toRequestText(`/7ZSFUKGV/${path}`, { method, headers });
}

/** An answer without what is of the moment. */
async function ask(relay: AttackedRelay, text: string): Promise<string> {
  await using connection = await RawConnection.open(relay.port);
  await connection.send(text);
  const head = await connection.readThrough("\r\n\r\n");
  const length = Number(/^content-length: (\d+)\r$/im.exec(head)?.[1] ?? "0");
  while (connection.received.length < length) await connection.readThrough("\n");
  return (head + connection.received).replace(/^Date: .*\r\n/m, "");
}

const SERVERS: readonly AttackRow[] = [
  ...Object.entries(WAYS).flatMap(([way, toText]): AttackRow[] => [
    [`${way}: no key`, async (relay) => {
      assert((await ask(relay, toText(NAME, null))).startsWith("HTTP/1.1 403 "));
      return "refused: 403";
    }],
    [`${way}: an empty key`, async (relay) => {
      const answer = await ask(relay, toText(NAME, ""));
      assert(/^HTTP\/1\.1 40[13] /.test(answer), answer);
      return `refused: ${answer.slice(9, 12)}`;
    }],
    [`${way}: a wrong key, or a name that nobody has`, async (relay) => {
      const wrong = await ask(relay, toText(NAME, "wrong"));
      const unknown = await ask(relay, toText("nosuch", "wrong"));
      assert(wrong.startsWith("HTTP/1.1 401 "));
      assertEquals(unknown, wrong);
      return "refused: 401, byte by byte the same";
    }],
    [`${way}: a right key of another name`, async (relay) => {
      assert((await ask(relay, toText(NAME, VICTIM.key))).startsWith("HTTP/1.1 401 "));
      return "refused: 401";
    }],
    [`${way}: guesses without end`, async (relay) => {
      for (let i = 0; i < MAX_KEY_FAILURES; i++) {
        const answer = await ask(relay, toText(NAME, `guess ${i}`));
        assert(answer.startsWith("HTTP/1.1 401 "), answer);
      }
      const wrong = await ask(relay, toText(NAME, "guess"));
      assert(wrong.startsWith("HTTP/1.1 429 ") && /^Retry-After: \d+\r$/im.test(wrong), wrong);
      const hideSeconds = (answer: string): string => answer.replace(/(Retry-After): \d+/, "$1");
      // One that is right is not told from the others.
      assertEquals(
        hideSeconds(await ask(relay, toText(VICTIM.name, VICTIM.key))),
        hideSeconds(wrong),
      );
      return `after ${MAX_KEY_FAILURES} of them 429 for every key but those known to be right there`;
    }],
  ]),
  ["a key in the query, or in Authorization", async (relay) => {
    const text = toServerText(
      `http_listen/${NAME}?X-ApiKey=${VICTIM.key.replaceAll(" ", "+")}`,
      "GET",
      null,
      [
        `Authorization: Bearer ${VICTIM.key}`,
      ],
    );
    assert((await ask(relay, text)).startsWith("HTTP/1.1 403 "));
    return "refused: 403";
  }],
  ["answers an id that it made up, without a key", async (relay) => {
    const answer = await relay.ask(`http_response/${createId()}`, { body: "x", key: null });
    assertEquals(answer.status, 400);
    return "refused: 400";
  }],
  ["asks in a session that it made up", async (relay) => {
    const answer = await relay.ask(`modern/poll/${createId()}/0`, { key: "wrong" });
    assertEquals(answer.status, 410);
    return "refused: 410";
  }],
  ["asks in another's session, by every path", async (relay) => {
    const given = await relay.take(VICTIM);
    for (const [method, toPath] of IN_SESSION) {
      const lines = method === "POST" ? ["Content-Length: 0"] : [];
      const [real, made] = [[given.session, given.request.id], [createId(), createId()]].map(
        ([session = "", exchange = ""]) =>
          toServerText(`modern/${toPath(session, exchange)}`, method, "wrong", lines),
      );
      const answer = await ask(relay, real ?? "");
      assert(answer.startsWith("HTTP/1.1 410 "), answer);
      assertEquals(await ask(relay, made ?? ""), answer);
    }
    await relay.assertAnswered(given);
    return "refused: 410, byte by byte as in one that it made up";
  }],
  ["asks for a name by another method", async (relay) => {
    for (const path of ["http_listen", "modern/session", "modern/control"]) {
      const [known, unknown] = [NAME, "nosuch"].map((name) =>
        toServerText(`${path}/${name}`, "PUT", "wrong", ["Content-Length: 0"])
      );
      const answer = await ask(relay, known ?? "");
      assert(answer.startsWith("HTTP/1.1 405 "), answer);
      assertEquals(await ask(relay, unknown ?? ""), answer);
    }
    return "refused: 405, whatever the name";
  }],
  ["connects, and says nothing, 500 times", async (relay) => {
    const silent = await Promise.all(
      Array.from({ length: 500 }, () => RawConnection.open(relay.port)),
    );
    await relay.assertServed();
    for (const connection of silent) await connection.close();
    return "others are served; each is closed after 15 s";
  }],
  ["sends half a handshake, 500 times", async (relay) => {
    const half = WAYS["control channel"]?.(NAME, VICTIM.key).slice(0, -10) ?? "";
    const slow = await Promise.all(Array.from({ length: 500 }, async () => {
      const connection = await RawConnection.open(relay.port);
      await connection.send(half);
      return connection;
    }));
    await relay.assertServed();
    for (const connection of slow) await connection.close();
    return "others are served; each is closed after 15 s";
  }],
];

Deno.test("attack by a stranger: half a handshake is given up after a while", async () => {
  const clock = new ManualClock();
  await using relay = await AttackedRelay.start({ clock });
  await using connection = await RawConnection.open(relay.port);
  await connection.send("GET /7ZSFUKGV/modern/control/home HT");
  await relay.assertServed();
  clock.advance(2 * HEADERS_TIMEOUT_MS);
  assert((await connection.readToEnd()).startsWith("HTTP/1.1 408 "));
});

/** What the attacked server is told of a visitor's request with these fields. */
function told(
  what: string,
  headers: readonly string[],
  pattern: RegExp,
  outcome: string,
  options: RelayOptions = {},
): AttackRow {
  return [what, async (relay) => {
    await visit(relay.port, `/servers/${NAME}/x`, { headers });
    const [request] = relay.requests.slice(-1);
    assert(request !== undefined);
    const lines = request.headers.flatMap((name, i) =>
      i % 2 === 0 ? [`${name}: ${request.headers[i + 1]}`] : []
    );
    assertNotMatch(lines.join("\n"), pattern);
    return outcome;
  }, options];
}

/** Where a target leads, by status or by who is asked. */
function leads(
  target: string,
  wanted: string,
  options: RelayOptions = {},
  host = "relay.test",
): AttackRow {
  const what = host === "relay.test" ? `\`${target}\`` : `\`${target}\` at \`${host}\``;
  return [what.replaceAll("\\", "\\\\"), async (relay) => {
    const before = relay.requests.length;
    const answer = await visit(relay.port, target, { host });
    const asked = relay.requests.slice(before).map((request) => request.target);
    assertEquals(
      answer.status === 200 ? `${NAME} is asked for ${asked}` : String(answer.status),
      wanted,
    );
    assert(answer.status === 200 || asked.length === 0);
    return wanted;
  }, options];
}

const HOSTS: RelayOptions = { hostSuffix: "relay.test" };

const VISITORS: readonly AttackRow[] = [
  told("`X-ApiKey`", ["X-ApiKey: secret"], /secret/, "dropped"),
  told(
    "fields of the relay's own: `X-PTTH-…`",
    [
      "X-PTTH-Query: ?forged",
      "X-PTTH-Modern: 1",
      "X-PTTH-Process: forged",
      "X-PTTH-Successor-Of: forged",
      "X-PTTH-2LJYXWC4: forged",
    ],
    /forged|x-ptth/i,
    "dropped",
  ),
  told(
    "`X-Forwarded-…`, `Forwarded` and `X-Real-IP` of its own",
    [
      ...["X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: 6666", "X-Forwarded-Host: 6.6.6.6"],
      ...["X-Forwarded-Prefix: /6666", "X-Forwarded-Server: 6.6.6.6", "X-Real-IP: 6.6.6.6"],
      "Forwarded: for=6.6.6.6",
    ],
    /6\.6\.6\.6|6666/,
    "dropped, and replaced by the relay's",
  ),
  told(
    "the same, named by Connection so that the relay's are dropped",
    ["Connection: X-Forwarded-For, Forwarded, Via", "X-Forwarded-For: 6.6.6.6"],
    /6\.6\.6\.6/,
    "dropped, and replaced by the relay's",
  ),
  ["an address of its own behind a trusted proxy", async (relay) => {
    await visit(relay.port, `/servers/${NAME}/x`, {
      headers: ["X-Forwarded-For: 6.6.6.6, 198.51.100.7"],
    });
    const [request] = relay.requests.slice(-1);
    assertEquals(request?.remoteAddress, "198.51.100.7");
    return "only what the proxy added counts";
  }, { trustedProxies: [{ address: "127.0.0.1", prefixLength: 32, family: "ipv4" }] }],
  ...[
    ...[
      "/servers/mallory/../home/x",
      "/servers/mallory/%2e%2e/home/x",
      "/servers/mallory/..%2fhome/x",
    ],
    ...[
      "/servers/mallory/..%5chome/x",
      "/servers/mallory/..;/home/x",
      "/servers/mallory/..\\home/x",
    ],
    "/servers/home%2fx",
  ].map((target) => leads(target, "400")),
  ...[
    ...["//servers/home/x", "/servers//home/x", "/SERVERS/home/x", "/servers/HOME/x"],
    ...["/servers/home%00/x", "/servers/home;x/x", "/servers/home./x"],
    ...["/servers\\home\\x", "/servers/./home/x", "/%73ervers/home/x"],
  ].map((target) => leads(target, "404")),
  leads("/servers/home//x", `${NAME} is asked for //x`),
  leads("/servers/home/a/..%2e/x", `${NAME} is asked for /a/..%2e/x`),
  leads("/servers/%68ome/x", `${NAME} is asked for /x`),
  leads("http://relay.test/servers/home/x", `${NAME} is asked for /x`, {}, "evil.test"),
  leads("/x", `${NAME} is asked for /x`, HOSTS, "home.relay.test"),
  leads("/x", `${NAME} is asked for /x`, HOSTS, "HOME.Relay.Test.:80"),
  leads("/servers/victim/x", `${NAME} is asked for /servers/victim/x`, HOSTS, "home.relay.test"),
  leads("/x", `${NAME} is asked for /x`, HOSTS, "mallory.home.relay.test"),
  leads("/x", "404", HOSTS, "nosuch.relay.test"),
  leads("/x", "404", HOSTS, "home.relay.test.evil.test"),
  leads("/x", "404", HOSTS, "127.0.0.1"),
  ["controls, escape sequences and long texts, for whoever reads the log", async (relay) => {
    const nasty = "%1b]0;x%07\x1b[2J\x9b31m";
    // As bytes: none of this is a request.
    await exchangeBytes(relay.port, `GET /servers/${NAME}/${nasty} HTTP/1.1\r\nHost: a\r\n\r\n`);
    const name = encodeURIComponent("\x1b[2J\r\nERROR forged \u202e");
    await relay.ask(`http_listen/${name}`, { key: "\x80\x9b31m" });
    await visit(relay.port, `/servers/${NAME}/${"x".repeat(8000)}`);
    assert(relay.lines.length > 0);
    for (const line of relay.lines) {
      // deno-lint-ignore no-control-regex
      assertNotMatch(line, /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
      assert(line.length <= 4096);
    }
    return "one line each, of 4,096 characters at the most, without a control";
  }],
];

for (const [group, rows] of [["servers", SERVERS], ["visitors", VISITORS]] as const) {
  Deno.test(`attack by a stranger: ${group}`, async (t) => {
    await tryAttacks(t, {
      name: `strangers:${group}`,
      column: group === "servers" ? "It" : "It sends",
      rows,
    });
  });
}
