/**
 * What somebody with a key can do with what is over: an exchange, a session, their right to connect.
 */

import { assert, assertEquals } from "@std/assert";
import { encodeMagicHeader } from "../../lib/wire/http_serde.ts";
import { createId } from "../../lib/wire/create_id.ts";
import { DATA } from "../../lib/wire/modern.ts";
import { encodeAnswer, encodeStreamHead } from "../../lib/wire/modern_messages.ts";
import { encodeRecord } from "../../lib/wire/records.ts";
import { type AttackRow, tryAttacks } from "../support/attack_rows.ts";
import { AttackedRelay, ATTACKER, VICTIM } from "../support/attacked_relay.ts";
import { concatBytes, fromHex, fromLatin1 } from "../support/bytes.ts";
import { HANDSHAKE } from "../support/controlled_process.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { messagesIn } from "../support/polled_process.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { NAME, type RelayOptions, toRelayConfig, toServerEntry } from "../support/tunnel.ts";
import { toRequestText, visit } from "../support/visit.ts";

const OK = { status: 200, headers: [] };
const MAGIC = `X-PTTH-2LJYXWC4: ${encodeMagicHeader({ status: 200, headers: [] })}`;
const UPGRADE = HANDSHAKE.flatMap((name, i) => i % 2 === 0 ? [`${name}: ${HANDSHAKE[i + 1]}`] : []);
const END = fromHex("23000000000002 0000");

function dataOf(text: string): Uint8Array {
  return encodeRecord(DATA, fromLatin1(text));
}

/** The configuration without the attacker. */
function expel(relay: AttackedRelay): void {
  const servers = [toServerEntry(NAME), toServerEntry(VICTIM.name, VICTIM.key)];
  relay.relay.relay.reload(toRelayConfig({ servers }));
}

/** A visitor who reads an answer as it comes. */
async function openVisitor(relay: AttackedRelay): Promise<RawConnection> {
  const visitor = await RawConnection.open(relay.port);
  const target = `/servers/${ATTACKER.name}/x`;
  await visitor.send(toRequestText(target, { headers: ["Connection: close"] }));
  return visitor;
}

/** Sends the beginning of an answer that has no end, on a connection that stays open. */
async function beginAnswer(
  relay: AttackedRelay,
  path: string,
  { fields = [], bytes }: { readonly fields?: readonly string[]; readonly bytes: Uint8Array },
): Promise<RawConnection> {
  const connection = await RawConnection.open(relay.port);
  const headers = [`X-ApiKey: ${ATTACKER.key}`, ...fields, `Content-Length: ${2 ** 40}`];
  await connection.send(toRequestText(`/7ZSFUKGV/${path}`, { method: "POST", headers }));
  await new Promise((resolve) => connection.socket.write(bytes, resolve));
  return connection;
}

/** Nothing is cut for its silence, so that only the end of the right can have cut it. */
function frozen(): RelayOptions {
  return { clock: new ManualClock() };
}

/** The visitor's connection is cut: what came has no clean end. */
async function assertCut(visitor: RawConnection): Promise<void> {
  const rest = await visitor.readToEnd();
  assert(!rest.endsWith("0\r\n\r\n"), rest);
}

const EXCHANGES: readonly AttackRow[] = [
  ["sends an answer again by classic", async (relay) => {
    const visitor = visit(relay.port, `/servers/${ATTACKER.name}/x`);
    const id = await relay.takeClassic();
    const first = relay.ask(`http_response/${id}`, { headers: [MAGIC], body: "once" });
    assertEquals((await first).status, 200);
    const again = await relay.ask(`http_response/${id}`, { headers: [MAGIC], body: "twice" });
    assertEquals((await visitor).body, "once");
    return `refused: ${again.status}`;
  }],
  ["sends another one by classic while the first is on its way", async (relay) => {
    await using visitor = await openVisitor(relay);
    const id = await relay.takeClassic();
    const path = `http_response/${id}`;
    await using answer = await beginAnswer(relay, path, {
      fields: [MAGIC],
      bytes: fromLatin1("begun"),
    });
    await visitor.readThrough("begun");
    const { status } = await relay.ask(path, { headers: [MAGIC], body: "twice" });
    await answer.close();
    assertEquals(await visitor.readToEnd(), "");
    return `refused: ${status}`;
  }],
  ["answers by a stream what was answered by a message", async (relay) => {
    const { session, request, visitor } = await relay.take();
    const body = encodeAnswer(request.id, OK, fromLatin1("once"));
    await relay.ask(`modern/messages/${session}/1`, { body });
    assertEquals((await visitor).body, "once");
    const stream = concatBytes([encodeStreamHead(OK), dataOf("twice"), END]);
    const path = `modern/answer/${session}/${request.id}`;
    const statuses = [
      (await relay.ask(path, { body: stream })).status,
      (await relay.ask(`${path}/0`, { body: stream })).status,
    ];
    assertEquals(statuses, [410, 410]);
    return "refused: 410";
  }],
  ["sends a segment again, with other bytes", async (relay) => {
    const { session, request, visitor } = await relay.take();
    const path = `modern/answer/${session}/${request.id}`;
    const head = encodeStreamHead(OK);
    for (const text of ["once", "twice"]) {
      const body = concatBytes([head, dataOf(text)]);
      assertEquals((await relay.ask(`${path}/0`, { body })).status, 204);
    }
    assertEquals((await relay.ask(`${path}/1`, { body: END })).status, 200);
    assertEquals((await visitor).body, "4\r\nonce\r\n0\r\n\r\n");
    return "the second is ignored";
  }],
  ["goes on in a session that is over, by every path", async (relay) => {
    const { session, request, visitor } = await relay.take();
    const body = fromLatin1("no record at all");
    assertEquals((await relay.ask(`modern/messages/${session}/1`, { body })).status, 400);
    assertEquals((await visitor).status, 502);
    const stream = encodeStreamHead(OK);
    for (
      const [path, body] of [
        [`poll/${session}/1`],
        [`messages/${session}/1`, encodeAnswer(request.id, OK, fromLatin1("late"))],
        [`answer/${session}/${request.id}`, stream],
        [`answer/${session}/${request.id}/0`, stream],
        [`body/${session}/${request.id}`],
        [`body/${session}/${request.id}/0`],
        [`probe/${session}`],
        [`probe/${session}`, encodeRecord(DATA, new Uint8Array(16))],
      ] as const
    ) {
      const { status } = await relay.ask(`modern/${path}`, body === undefined ? {} : { body });
      assertEquals(status, 410, path);
    }
    return "refused: 410";
  }],
  ["fetches a segment of another's upload, or probes in another's session", async (relay) => {
    const given = await relay.take(VICTIM);
    const session = await relay.openSession();
    const { id } = given.request;
    for (
      const path of [
        `body/${session}/${id}/0`,
        `body/${given.session}/${id}`,
        `body/${given.session}/${id}/0`,
        `probe/${given.session}`,
      ]
    ) {
      assertEquals((await relay.ask(`modern/${path}`)).status, 410, path);
    }
    const nonce = encodeRecord(DATA, new Uint8Array(16));
    const probe = await relay.ask(`modern/probe/${given.session}`, { body: nonce });
    assertEquals(probe.status, 410);
    await relay.assertAnswered(given);
    return "refused: 410; the rightful answer gets through";
  }],
  ["opens a session by the id of another's process", async (relay) => {
    const process = createId();
    const open = (name: string, key: string): ReturnType<AttackedRelay["ask"]> =>
      relay.ask(`modern/session/${name}`, {
        headers: [`X-PTTH-Process: ${process}`, "X-PTTH-Modern: 1"],
        body: "",
        key,
      });
    const rightful = await open(VICTIM.name, VICTIM.key);
    const [welcome] = messagesIn(fromLatin1(rightful.body));
    assert(welcome?.type === "welcome");
    assertEquals((await open(VICTIM.name, ATTACKER.key)).status, 401);
    assertEquals((await open(ATTACKER.name, ATTACKER.key)).status, 200);
    // The victim's goes on.
    const body = encodeAnswer(createId(), OK, new Uint8Array());
    const path = `modern/messages/${welcome.session}/1`;
    assertEquals((await relay.ask(path, { body, key: VICTIM.key })).status, 204);
    return "the other's session goes on";
  }],
];

const RIGHTS: readonly AttackRow[] = [
  ["waits for work, by classic", async (relay) => {
    await relay.ask(`http_listen/${ATTACKER.name}`);
    await using poll = await RawConnection.open(relay.port);
    const path = `/7ZSFUKGV/http_listen/${ATTACKER.name}`;
    await poll.send(toRequestText(path, { headers: [`X-ApiKey: ${ATTACKER.key}`] }));
    // Its request has been read once one behind it is answered.
    await relay.assertServed();
    expel(relay);
    const head = await poll.readThrough("\r\n\r\n");
    assert(head.startsWith("HTTP/1.1 401 "), head);
    return "401 at once";
  }],
  ["has a request in hand, by classic", async (relay) => {
    const visitor = visit(relay.port, `/servers/${ATTACKER.name}/x`);
    const id = await relay.takeClassic();
    expel(relay);
    const { status } = await relay.ask(`http_response/${id}`, { headers: [MAGIC], body: "late" });
    assertEquals((await visitor).status, 502);
    return `its visitor gets 502 at once; its answer is refused: ${status}`;
  }],
  ["sends an answer without end, by classic", async (relay) => {
    await using visitor = await openVisitor(relay);
    const id = await relay.takeClassic();
    const path = `http_response/${id}`;
    await using _answer = await beginAnswer(relay, path, {
      fields: [MAGIC],
      bytes: fromLatin1("begun"),
    });
    await visitor.readThrough("begun");
    expel(relay);
    await assertCut(visitor);
    return "its visitor's connection is cut at once";
  }, frozen()],
  ["sends a stream without end", async (relay) => {
    const session = await relay.openSession();
    await using visitor = await openVisitor(relay);
    const [message] = await relay.poll(session);
    assert(message?.type === "request");
    const path = `modern/answer/${session}/${message.request.id}`;
    await using _answer = await beginAnswer(relay, path, {
      bytes: concatBytes([encodeStreamHead(OK), dataOf("begun")]),
    });
    await visitor.readThrough("begun");
    expel(relay);
    await assertCut(visitor);
    return "its visitor's connection is cut at once";
  }, frozen()],
  ["switches a visitor's connection to WebSocket, and goes on", async (relay) => {
    const session = await relay.openSession();
    await using visitor = await RawConnection.open(relay.port);
    const target = `/servers/${ATTACKER.name}/x`;
    await visitor.send(toRequestText(target, { headers: UPGRADE }));
    const [message] = await relay.poll(session);
    assert(message?.type === "request");
    const path = `modern/answer/${session}/${message.request.id}`;
    const head = encodeStreamHead({ status: 101, headers: ["Upgrade", "websocket"] });
    await using _answer = await beginAnswer(relay, path, {
      bytes: concatBytes([head, dataOf("begun")]),
    });
    await visitor.readThrough("begun");
    expel(relay);
    await visitor.readToEnd();
    return "its visitor's connection is cut at once";
  }, frozen()],
  ["has a request in hand by classic when it gets another key", async (relay) => {
    const visitor = visit(relay.port, `/servers/${ATTACKER.name}/x`);
    const id = await relay.takeClassic();
    const servers = [toServerEntry(NAME), toServerEntry(VICTIM.name, VICTIM.key)];
    const changed = toServerEntry(ATTACKER.name, "a fourth key that only tests have");
    relay.relay.relay.reload(toRelayConfig({ servers: [...servers, changed] }));
    assertEquals((await relay.ask(`http_listen/${ATTACKER.name}`)).status, 401);
    await relay.ask(`http_response/${id}`, { headers: [MAGIC], body: "last" });
    assertEquals((await visitor).body, "last");
    return "its old key may answer that one, and gets no more: 401";
  }],
  ["has never had one: its tripcode was left empty", async (relay) => {
    for (const key of ["", "=", ATTACKER.key]) {
      for (const path of ["http_listen/unset", "modern/control/unset", "modern/session/unset"]) {
        const { status } = await relay.ask(path, {
          headers: [`X-PTTH-Process: ${createId()}`, "X-PTTH-Modern: 1"],
          ...path.startsWith("modern/session") ? { body: "" } : {},
          key,
        });
        assertEquals(status, 401, path);
      }
    }
    return "401, whatever key";
  }, {
    servers: [
      toServerEntry(NAME),
      { name: "unset", tripcode: "", displayName: "unset" },
    ],
  }],
];

for (const [group, rows] of [["exchanges", EXCHANGES], ["rights", RIGHTS]] as const) {
  Deno.test(`attack after the end: ${group}`, async (t) => {
    await tryAttacks(t, { name: `ended:${group}`, column: "It", rows });
  });
}
