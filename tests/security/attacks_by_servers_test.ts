/** What somebody can do who has a key of their own for a server of the relay. */

import { assert, assertEquals } from "@std/assert";
import {
  MAX_FRAGMENTS,
  MAX_INTERIM_BYTES,
  MAX_SESSIONS_PER_SERVER,
} from "../../lib/base/limits.ts";
import { encodeMagicHeader } from "../../lib/wire/http_serde.ts";
import { createId } from "../../lib/wire/create_id.ts";
import { ANSWER } from "../../lib/wire/modern.ts";
import {
  encodeAnswer,
  encodeFail,
  encodeInform,
  encodePing,
  encodeStreamHead,
} from "../../lib/wire/modern_messages.ts";
import { encodeMessage } from "../../lib/wire/websocket.ts";
import { type AttackRow, tryAttacks } from "../support/attack_rows.ts";
import { AttackedRelay, ATTACKER, VICTIM } from "../support/attacked_relay.ts";
import { concatBytes, fromHex, fromLatin1 } from "../support/bytes.ts";
import { frameOf } from "../support/controlled_process.ts";
import type { RawConnection } from "../support/raw_connection.ts";
import { NAME, toRelayConfig, toServerEntry } from "../support/tunnel.ts";
import { fieldOf, visit } from "../support/visit.ts";

/** Makes the attack; gives what came of it, in words. */
const OK = { status: 200, headers: [] };
const FORGED = fromLatin1("forged");
const MAGIC = encodeMagicHeader({ status: 200, headers: [] });

const IGNORED = "taken and ignored; the rightful answer gets through";

function refused(status: number): string {
  return `refused: ${status}; the rightful answer gets through`;
}

/** Attacks on an exchange that was given to another server. */
function onStolen(
  what: string,
  attack: (relay: AttackedRelay, id: string, victimSession: string) => Promise<number>,
): AttackRow {
  return [what, async (relay) => {
    const given = await relay.take(VICTIM);
    const status = await attack(relay, given.request.id, given.session);
    await relay.assertAnswered(given);
    return status === 204 ? IGNORED : refused(status);
  }];
}

/** By a message in a session of the attacker's own. */
function byMessage(
  encode: (id: string) => Uint8Array,
): (relay: AttackedRelay, id: string) => Promise<number> {
  return async (relay: AttackedRelay, id: string): Promise<number> => {
    const session = await relay.openSession();
    return (await relay.ask(`modern/messages/${session}/1`, { body: encode(id) })).status;
  };
}

const EXCHANGES: readonly AttackRow[] = [
  onStolen(
    "answers another's exchange: classic, with a key of its own",
    async (relay, id) =>
      (await relay.ask(`http_response/${id}`, {
        headers: [`X-PTTH-2LJYXWC4: ${MAGIC}`],
        body: FORGED,
      })).status,
  ),
  onStolen("the same without a key", async (relay, id) =>
    (await relay.ask(`http_response/${id}`, {
      headers: [`X-PTTH-2LJYXWC4: ${MAGIC}`],
      body: FORGED,
      key: null,
    })).status),
  onStolen("the same by ANSWER", byMessage((id) => encodeAnswer(id, OK, FORGED))),
  onStolen(
    "sends an interim answer to it",
    byMessage((id) => encodeInform(id, { status: 103, headers: ["X", "1"] })),
  ),
  onStolen("fails it", byMessage(encodeFail)),
  onStolen("answers it by a stream", async (relay, id) => {
    const session = await relay.openSession();
    const body = encodeStreamHead(OK);
    return (await relay.ask(`modern/answer/${session}/${id}`, { body })).status;
  }),
  onStolen("answers it by a segment", async (relay, id) => {
    const session = await relay.openSession();
    const body = encodeStreamHead(OK);
    return (await relay.ask(`modern/answer/${session}/${id}/0`, { body })).status;
  }),
  onStolen("asks for its body", async (relay, id) => {
    const session = await relay.openSession();
    return (await relay.ask(`modern/body/${session}/${id}`)).status;
  }),
  onStolen(
    "polls in another's session",
    async (relay, _id, session) => (await relay.ask(`modern/poll/${session}/1`)).status,
  ),
  onStolen(
    "sends messages in it",
    async (relay, id, session) =>
      (await relay.ask(`modern/messages/${session}/1`, { body: encodeAnswer(id, OK, FORGED) }))
        .status,
  ),
  onStolen(
    "answers by a stream in it",
    async (relay, id, session) =>
      (await relay.ask(`modern/answer/${session}/${id}`, { body: encodeStreamHead(OK) })).status,
  ),
  onStolen("says that its session is to replace it", async (relay, _id, session) => {
    await relay.openSession(ATTACKER, [`X-PTTH-Successor-Of: ${session}`]);
    return 204;
  }),
  ["answers an exchange that another server took by classic", async (relay) => {
    const waiting = visit(relay.port, `/servers/${VICTIM.name}/x`);
    const id = await relay.takeClassic(VICTIM);
    const answer = { headers: [`X-PTTH-2LJYXWC4: ${MAGIC}`], body: FORGED };
    assertEquals((await relay.ask(`http_response/${id}`, answer)).status, 401);
    const rightful = { ...answer, body: "rightful", key: VICTIM.key };
    assertEquals((await relay.ask(`http_response/${id}`, rightful)).status, 200);
    assertEquals((await waiting).body, "rightful");
    return refused(401);
  }],
  ["answers an id that it made up", async (relay) => {
    const session = await relay.openSession();
    const body = encodeAnswer(createId(), OK, FORGED);
    const { status } = await relay.ask(`modern/messages/${session}/1`, { body });
    assertEquals(status, 204);
    return "taken and ignored";
  }],
  ["answers its own exchange twice", async (relay) => {
    const { session, request, visitor } = await relay.take();
    const answer = encodeAnswer(request.id, OK, fromLatin1("once"));
    await relay.ask(`modern/messages/${session}/1`, { body: concatBytes([answer, answer]) });
    assertEquals((await visitor).body, "once");
    return "its visitor gets the first one";
  }],
  ["sends a POST of messages again", async (relay) => {
    const { session, request, visitor } = await relay.take();
    const body = encodeAnswer(request.id, OK, fromLatin1("once"));
    for (let i = 0; i < 2; i++) {
      assertEquals((await relay.ask(`modern/messages/${session}/1`, { body })).status, 204);
    }
    assertEquals((await visitor).body, "once");
    return "the second is ignored";
  }],
];

/** Opens a session where that is not the attacker's to open; the status. */
async function squat(relay: AttackedRelay, path: string): Promise<number> {
  const opened = await relay.ask(path, {
    headers: [`X-PTTH-Process: ${createId()}`, "X-PTTH-Modern: 1"],
    body: "",
  });
  return opened.status;
}

const NAMES: readonly AttackRow[] = [
  ...[NAME, NAME.toUpperCase(), `%68ome`, `${NAME}%00`, `${NAME}/`, `..%2f${NAME}`, `${NAME}.`].map(
    (name): AttackRow => [`connects as \`${name}\` with a key of its own`, async (relay) => {
      const status = await squat(relay, `modern/session/${name}`);
      assert(status === 401 || status === 404, `${status}`);
      const poll = await relay.ask(`http_listen/${name}`);
      assert(poll.status === 401 || poll.status === 404, `${poll.status}`);
      return `refused: ${status}`;
    }],
  ),
  ["opens more sessions than a name may have", async (relay) => {
    for (let i = 0; i < MAX_SESSIONS_PER_SERVER; i++) await relay.openSession();
    assertEquals(await squat(relay, `modern/session/${ATTACKER.name}`), 503);
    await relay.openSession(VICTIM);
    return "refused: 503; other names have theirs";
  }],
  ["goes on when its key has been taken out of the configuration", async (relay) => {
    const { session, request, visitor } = await relay.take();
    await using control = await relay.openControl();
    await control.readThrough("session");
    relay.relay.relay.reload(toRelayConfig({
      servers: [toServerEntry(NAME), toServerEntry(VICTIM.name, VICTIM.key)],
    }));
    assertEquals((await visitor).status, 502);
    const body = encodeAnswer(request.id, OK, FORGED);
    assertEquals((await relay.ask(`modern/messages/${session}/1`, { body })).status, 410);
    assertEquals((await relay.ask(`modern/poll/${session}/1`)).status, 410);
    assertEquals(await squat(relay, `modern/session/${ATTACKER.name}`), 401);
    assertEquals((await relay.ask(`http_listen/${ATTACKER.name}`)).status, 401);
    // Close frame, code 1008.
    await control.readThrough("\x03\xf0");
    await control.readToEnd();
    return "its sessions end at once, by 410 and close code 1008; then 401";
  }],
];

/** Bytes in a session by long poll; the status. */
function inMessages(what: string, bytes: (id: string) => Uint8Array, outcome: string): AttackRow {
  return [what, async (relay) => {
    const { session, request, visitor } = await relay.take();
    const sent = await relay.ask(`modern/messages/${session}/1`, { body: bytes(request.id) });
    assertEquals((await visitor).status, 502);
    assertEquals((await relay.ask(`modern/poll/${session}/1`)).status, 410);
    return `${sent.status}, ${outcome}`;
  }];
}

/** Bytes in a control channel; how it ends. */
function inChannel(what: string, send: (control: RawConnection) => Promise<void>): AttackRow {
  return [what, async (relay) => {
    await using control = await relay.openControl();
    const head = await control.readThrough("\r\n\r\n");
    assert(/^HTTP\/1\.1 101 /.test(head));
    await control.readThrough("session");
    // It may be closed while it is still being sent.
    await send(control).catch(() => {});
    const end = await control.readToEnd();
    const at = end.lastIndexOf("\x88");
    assert(at >= 0, "it was closed without a word");
    return `closed: ${(end.charCodeAt(at + 2) << 8) + end.charCodeAt(at + 3)}, the session is over`;
  }];
}

function sendBytes(control: RawConnection, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    control.socket.write(bytes, (error) => error ? reject(error) : resolve());
  });
}

const BYTES: readonly AttackRow[] = [
  inMessages(
    "announces a record of a TiB",
    () => fromHex(`${ANSWER.toString(16)} 010000000000 00`),
    "the session is over, nothing is allocated",
  ),
  inMessages(
    "announces 65,535 texts of 65,535 bytes, and sends none",
    (id) =>
      concatBytes([
        fromHex(`${ANSWER.toString(16)} 000000000020`),
        fromLatin1(id),
        fromHex("00c8 ffff ffff"),
      ]),
    "the session is over, nothing is allocated",
  ),
  inMessages(
    "sends bytes that are no record",
    () => fromLatin1("GET / HTTP/1.1\r\n\r\n"),
    "the session is over",
  ),
  ["sends interim answers without end", async (relay) => {
    const { session, request, visitor } = await relay.take();
    const one = encodeInform(request.id, { status: 103, headers: ["X", "x".repeat(1000)] });
    const body = concatBytes(Array.from({ length: 100 }, () => one));
    const sent = await relay.ask(`modern/messages/${session}/1`, { body });
    const { head, body: rest } = await visitor;
    assert((head + rest).length <= 2 * MAX_INTERIM_BYTES);
    assert(/\r\n\r\nHTTP\/1\.1 502 /.test(head + rest));
    return `${sent.status}, the session is over; its visitor gets those up to a limit, then 502`;
  }],
  inChannel("sends a million tiny messages, and reads no answer", async (control) => {
    control.socket.pause();
    const ping = encodeMessage([encodePing()], true);
    const many = concatBytes(Array.from({ length: 10_000 }, () => ping));
    try {
      for (let i = 0; i < 100; i++) await sendBytes(control, new Uint8Array(many));
    } finally {
      control.socket.resume();
    }
  }),
  inChannel("sends a million WebSocket pings, and reads no answer", async (control) => {
    control.socket.pause();
    const ping = frameOf(9, fromLatin1("x".repeat(100)));
    const many = concatBytes(Array.from({ length: 10_000 }, () => ping));
    try {
      for (let i = 0; i < 100; i++) await sendBytes(control, new Uint8Array(many));
    } finally {
      control.socket.resume();
    }
  }),
  inChannel("sends a message of more fragments than it may have", async (control) => {
    const first = frameOf(2, fromLatin1("x"), { isFinal: false });
    const next = frameOf(0, fromLatin1("x"), { isFinal: false });
    await sendBytes(control, concatBytes([first, ...Array(MAX_FRAGMENTS + 1).fill(next)]));
  }),
  inChannel("announces a frame of 2^62 bytes", async (control) => {
    await sendBytes(control, frameOf(2, new Uint8Array(1), { length: 2 ** 62 }));
  }),
  inChannel("sends a frame without a mask", async (control) => {
    await sendBytes(control, frameOf(2, encodePing(), { isMasked: false }));
  }),
  inChannel("sends a compressed frame", async (control) => {
    await sendBytes(control, frameOf(2, encodePing(), { reserved: 4 }));
  }),
  inChannel("sends text", async (control) => {
    await sendBytes(control, frameOf(1, fromLatin1("hello")));
  }),
  inChannel("sends an unknown opcode", async (control) => {
    await sendBytes(control, frameOf(3));
  }),
  inChannel("sends a close frame of one byte", async (control) => {
    await sendBytes(control, frameOf(8, new Uint8Array(1)));
  }),
  ["offers permessage-deflate, which could carry compressed bombs", async (relay) => {
    await using control = await relay.openControl(["Sec-WebSocket-Extensions: permessage-deflate"]);
    const head = await control.readThrough("\r\n\r\n");
    assert(/^HTTP\/1\.1 101 /.test(head) && !/extensions/i.test(head), head);
    return "101 without it: nothing is ever compressed";
  }],
  ["compresses a bomb into an answer", async (relay) => {
    const { session, request, visitor } = await relay.take();
    const headers = ["Content-Encoding", "gzip"];
    const bomb = new Uint8Array(1000).fill(7);
    const body = encodeAnswer(request.id, { status: 200, headers }, bomb);
    await relay.ask(`modern/messages/${session}/1`, { body });
    const answer = await visitor;
    assertEquals(answer.body.length, 1000);
    return "passed on unopened";
  }],
];

/** An answer with fields of the attacker's; what the visitor gets. */
async function answerWith(
  relay: AttackedRelay,
  head: { readonly status: number; readonly headers: readonly string[] },
  body = "hello",
): Promise<Awaited<ReturnType<typeof visit>>> {
  const { session, request, visitor } = await relay.take();
  const answer = encodeAnswer(request.id, head, fromLatin1(body));
  await relay.ask(`modern/messages/${session}/1`, { body: answer });
  return await visitor;
}

/** Fields that HTTP cannot carry. */
function uncarried(what: string, headers: readonly string[], status = 200): AttackRow {
  return [what, async (relay) => {
    const answer = await answerWith(relay, { status, headers });
    assertEquals(answer.status, 502);
    assert(!/set-cookie|forged/i.test(answer.head));
    return "502, none of it";
  }];
}

/** Fields that do not get through, though the answer does. */
function dropped(what: string, headers: readonly string[], pattern: RegExp): AttackRow {
  return [what, async (relay) => {
    const answer = await answerWith(relay, { status: 200, headers });
    assertEquals([answer.status, answer.isComplete], [200, true]);
    assert(!pattern.test(answer.head), answer.head);
    return "dropped";
  }];
}

/** A field that gets through as something else. */
function changed(what: string, name: string, value: string, wanted: string): AttackRow {
  return [what, async (relay) => {
    const answer = await answerWith(relay, { status: 200, headers: [name, value] });
    assertEquals(fieldOf(answer, name), wanted);
    return `\`${wanted}\``;
  }];
}

const FIELDS: readonly AttackRow[] = [
  uncarried("CR LF in a value", ["X", "a\r\nSet-Cookie: forged=1"]),
  uncarried("LF in a value", ["X", "a\nSet-Cookie: forged=1"]),
  uncarried("CR in a value", ["X", "a\rSet-Cookie: forged=1"]),
  uncarried("NUL in a value", ["X", "a\0"]),
  uncarried("CR LF in a name", ["X\r\nSet-Cookie", "forged"]),
  uncarried("a colon in a name", ["X: forged", "1"]),
  uncarried("an empty name", ["", "1"]),
  uncarried("two lengths", ["Content-Length", "5", "Content-Length", "6"]),
  uncarried("a length that is none", ["Content-Length", "5, 5"]),
  uncarried("a length over that of the body", ["Content-Length", "50"]),
  uncarried("a length under that of the body", ["Content-Length", "1"]),
  uncarried("status 600", [], 600),
  uncarried("status 999", [], 999),
  uncarried("status 99", [], 99),
  uncarried("status 101, which nobody asked for", ["Upgrade", "websocket"], 101),
  uncarried("status 103, as if it were the last", ["X", "forged"], 103),
  dropped("a coding of its own", ["Transfer-Encoding", "gzip"], /transfer-encoding: gzip/i),
  dropped(
    "what Connection names, and hop-by-hop fields",
    [
      ...["Connection", "X-Hop", "X-Hop", "1", "Keep-Alive", "timeout=9"],
      ...["Proxy-Authenticate", "Basic", "Upgrade", "h2c", "TE", "x"],
    ],
    /x-hop|timeout=9|proxy-auth|upgrade|^te:/im,
  ),
  dropped(
    "a Proxy-Status in the relay's name",
    ["Proxy-Status", "ptth_relay; error=http_request_error"],
    /proxy-status/i,
  ),
  dropped(
    "leave for a service worker of all servers",
    ["Service-Worker-Allowed", "/"],
    /service-worker-allowed: \/\r/i,
  ),
  ...["Strict-Transport-Security", "Clear-Site-Data", "Alt-Svc"].map((name) =>
    dropped(`\`${name}\` for all servers`, [name, "forged"], /forged/)
  ),
  dropped(
    "orders to the proxy in front of the relay",
    ["X-Accel-Redirect", "/forged", "X-Sendfile", "/forged"],
    /forged/,
  ),
  ["bytes over 127 in a value", async (relay) => {
    const value = "\xe9\x9b31m\xff";
    const answer = await answerWith(relay, { status: 200, headers: ["X", value] });
    assertEquals(fieldOf(answer, "X"), value);
    return "passed on as they are: they are no controls in HTTP";
  }],
  changed(
    "a cookie for the paths of all servers",
    "Set-Cookie",
    "a=1; Path=/; Domain=relay.test",
    "a=1; Path=/servers/mallory/",
  ),
  changed(
    "a redirect to an absolute path",
    "Location",
    "/servers/home/x",
    "/servers/mallory/servers/home/x",
  ),
];

for (
  const [group, rows] of [
    ["exchanges", EXCHANGES],
    ["names", NAMES],
    ["bytes", BYTES],
    ["fields", FIELDS],
  ] as const
) {
  Deno.test(`attack by a server: ${group}`, async (t) => {
    const column = group === "fields" ? "Its answer has" : "It";
    await tryAttacks(t, { name: `servers:${group}`, column, rows });
  });
}
