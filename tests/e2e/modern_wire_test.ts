/** The modern protocol by its very bytes, over sockets: what a relay of ours does with each. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createId } from "../../lib/wire/create_id.ts";
import { DATA } from "../../lib/wire/modern.ts";
import {
  encodeAnswer,
  encodePing,
  encodeStreamHead,
  type ModernRequest,
} from "../../lib/wire/modern_messages.ts";
import { encodeRecord } from "../../lib/wire/records.ts";
import { encodeMessage } from "../../lib/wire/websocket.ts";
import { concatBytes, fromHex, fromLatin1 } from "../support/bytes.ts";
import { frameOf, HANDSHAKE } from "../support/controlled_process.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { messagesIn } from "../support/polled_process.ts";
import { exchangeBytes, RawConnection } from "../support/raw_connection.ts";
import { KEY, NAME, type RunningRelay, startRelay } from "../support/tunnel.ts";
import { parseVisit, toRequestText, visit } from "../support/visit.ts";

const OK = { status: 200, headers: [] };
const END = fromHex("23000000000002 0000");
const TARGET = `/servers/${NAME}/x`;

function toText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** Lines of a head, out of a flat list. */
function linesOf(fields: readonly string[]): string[] {
  return fields.flatMap((name, i) => i % 2 === 0 ? [`${name}: ${fields[i + 1]}`] : []);
}

const IDENTITY = [`X-ApiKey: ${KEY}`];

/** A request of a server on a connection of its own; `body` one character per byte. */
async function ask(
  port: number,
  path: string,
  { headers = [], body }: { headers?: string[]; body?: string } = {},
): Promise<{ status: number; head: string; body: string }> {
  const lines = [...IDENTITY, ...headers, "Connection: close"];
  if (body !== undefined) lines.push(`Content-Length: ${body.length}`);
  const options = { method: body === undefined ? "GET" : "POST", headers: lines };
  const text = toRequestText(`/7ZSFUKGV/modern/${path}`, options);
  return parseVisit(await exchangeBytes(port, text + (body ?? "")));
}

/** A session by long poll. */
async function openSession(port: number): Promise<string> {
  const headers = [`X-PTTH-Process: ${createId()}`, "X-PTTH-Modern: 1"];
  const { status, body } = await ask(port, `session/${NAME}`, { headers, body: "" });
  assertEquals(status, 200);
  const [welcome] = messagesIn(fromLatin1(body));
  assert(welcome?.type === "welcome");
  return welcome.session;
}

async function pollFor(port: number, session: string, received = 0): Promise<ModernRequest> {
  const { status, body } = await ask(port, `poll/${session}/${received}`);
  assertEquals(status, 200);
  const [message] = messagesIn(fromLatin1(body));
  assert(message?.type === "request");
  return message.request;
}

/** A control channel, up to the welcome. */
async function openControl(port: number): Promise<RawConnection> {
  const connection = await RawConnection.open(port);
  const headers = [...IDENTITY, `X-PTTH-Process: ${createId()}`, ...linesOf(HANDSHAKE)];
  await connection.send(toRequestText(`/7ZSFUKGV/modern/control/${NAME}`, { headers }));
  const head = await connection.readThrough("\r\n\r\n");
  assertMatch(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assertMatch(head, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
  assertMatch(head, /\r\nConnection: Upgrade\r\n/i);
  await connection.readThrough("\x82\x2e\x01\0\0\0\0\0\x27\0\x02\0\x07\0\x1asession");
  return connection;
}

async function withRelay(
  run: (relay: RunningRelay, lines: readonly string[]) => Promise<void>,
): Promise<void> {
  const { log, lines } = createMemoryLog();
  await using relay = await startRelay({ log, limits: { lingerMs: 10 } });
  await run(relay, lines);
}

const VIOLATIONS: readonly (readonly [what: string, bytes: Uint8Array, reason: string])[] = [
  ["a text message", frameOf(1, fromLatin1("hi")), "A message is not binary"],
  [
    "a frame without a mask",
    frameOf(2, encodePing(), { isMasked: false }),
    "A frame is not masked",
  ],
  ["reserved bits", frameOf(2, encodePing(), { reserved: 4 }), "A frame has a reserved bit set"],
  ["a TiB", frameOf(2, encodePing(), { length: 2 ** 40 }), "A message is over 524288 bytes"],
  ["HTTP", fromLatin1("GET / HTTP/1.1\r\n\r\n"), "A frame is not masked"],
];

for (const [what, bytes, reason] of VIOLATIONS) {
  Deno.test(`wire: ${what} on a control channel is answered by 1002 and the end`, async () => {
    await withRelay(async ({ port }, lines) => {
      await using connection = await openControl(port);
      await connection.send(toText(bytes));
      const close = `\x88${String.fromCharCode(2 + reason.length)}\x03\xea${reason}`;
      assertStringIncludes(await connection.readToEnd(), close);
      assertEquals(lines.filter((line) => line.startsWith("WARN ")), [
        `WARN Session ended: the server broke the protocol name=${NAME} reason="${reason}"`,
      ]);
    });
  });
}

Deno.test("wire: an exchange over a control channel, sent together with what comes before it", async () => {
  await withRelay(async ({ port }) => {
    await using connection = await openControl(port);
    const visited = visit(port, TARGET);
    // Binary, of a length in two bytes, and in it a REQUEST of fewer than 64 KiB.
    await connection.readThrough("\x82\x7e");
    await connection.readThrough("\x02\0\0\0\0");
    const id = (await connection.readThrough("ptth_relay")).slice(2, 28);
    assertMatch(id, /^[0-9A-Z]{26}$/);
    const answer = encodeAnswer(id, OK, fromLatin1("hello"));
    await connection.send(toText(concatBytes([
      frameOf(9, fromLatin1("ping")),
      encodeMessage([encodePing(), answer.subarray()], true),
    ])));
    await connection.readThrough("\x8a\x04ping");
    await connection.readThrough("\x82\x07\x06\0\0\0\0\0\0");
    const { status, body } = await visited;
    assertEquals([status, body], [200, "hello"]);
  });
});

Deno.test("wire: without Upgrade a control channel is 426, and without Connection too", async () => {
  await withRelay(async ({ port }) => {
    for (const left of ["Upgrade: websocket", "Connection: Upgrade"]) {
      const headers = [
        ...[...IDENTITY, `X-PTTH-Process: ${createId()}`],
        ...linesOf(HANDSHAKE).filter((line) => line !== left),
      ];
      const target = `/7ZSFUKGV/modern/control/${NAME}`;
      await using connection = await RawConnection.open(port);
      await connection.send(toRequestText(target, { headers }));
      const head = await connection.readThrough("\r\n\r\n");
      assertMatch(head, /^HTTP\/1\.1 426 /, left);
      assertMatch(head, /\r\nUpgrade: websocket\r\n/);
      assertMatch(head, /\r\nX-PTTH-Modern: 1\r\n/);
    }
  });
});

Deno.test("wire: an answer whose length differs from what comes cuts the visitor, and the session goes on", async () => {
  await withRelay(async ({ port }, lines) => {
    const session = await openSession(port);
    for (const [i, length] of [4, 6].entries()) {
      const visited = exchangeBytes(
        port,
        toRequestText(TARGET, { headers: ["Connection: close"] }),
      );
      const { id } = await pollFor(port, session, i);
      const head = { status: 200, headers: ["Content-Length", `${length}`] };
      const data = encodeRecord(DATA, fromLatin1("hello"));
      const body = toText(concatBytes([encodeStreamHead(head), data, END]));
      const reply = await ask(port, `answer/${session}/${id}`, { body });
      const seen = await visited;
      // Where too much came at once, not even its head was sent.
      assert(seen === "" || !parseVisit(seen).isComplete, seen);
      assertEquals(reply.status, 410);
    }
    const visited = visit(port, TARGET);
    const { id } = await pollFor(port, session, 2);
    const body = toText(encodeAnswer(id, OK, fromLatin1("hello")));
    assertEquals((await ask(port, `messages/${session}/1`, { body })).status, 204);
    assertEquals((await visited).body, "hello");
    assertEquals(lines.filter((line) => line.startsWith("WARN ")), []);
  });
});

Deno.test("wire: an answer stream that breaks off cuts the visitor, whatever the visitor was told", async () => {
  await withRelay(async ({ port }) => {
    const session = await openSession(port);
    for (const [i, headers] of [[], ["Content-Length", "5"]].entries()) {
      await using visitor = await RawConnection.open(port);
      await visitor.send(toRequestText(TARGET, { headers: ["Connection: close"] }));
      const { id } = await pollFor(port, session, i);
      await using server = await RawConnection.open(port);
      const head = [...IDENTITY, "Content-Length: 1000"];
      const target = `/7ZSFUKGV/modern/answer/${session}/${id}`;
      await server.send(toRequestText(target, { method: "POST", headers: head }));
      const data = encodeRecord(DATA, fromLatin1("hello")).subarray(0, -1);
      await server.send(toText(concatBytes([encodeStreamHead({ status: 200, headers }), data])));
      const begun = await visitor.readThrough("hell");
      await server.close();
      const seen = parseVisit(begun + await visitor.readToEnd());
      assertEquals([seen.status, seen.isComplete], [200, false]);
    }
  });
});

Deno.test("wire: a visitor that waits for 100 gets it when the server asks for the body, not before", async () => {
  await withRelay(async ({ port }) => {
    const session = await openSession(port);
    for (const how of ["whole", "segments", "never"]) {
      const received = ["whole", "segments", "never"].indexOf(how);
      await using visitor = await RawConnection.open(port);
      const headers = ["Expect: 100-continue", "Content-Length: 5", "Connection: close"];
      await visitor.send(toRequestText(TARGET, { method: "PUT", headers }));
      const { id, body } = await pollFor(port, session, received);
      assertEquals(body, { streamLength: 5 });
      // Far more than it takes to be sent.
      assertEquals((await visit(port, "/frontend/relay_up_check")).status, 200);
      assertEquals(visitor.received, "");
      if (how !== "never") {
        const path = how === "whole" ? `body/${session}/${id}` : `body/${session}/${id}/0`;
        const asked = ask(port, path);
        await visitor.readThrough("HTTP/1.1 100 Continue\r\n\r\n");
        await visitor.send("hello");
        const whole = toText(concatBytes([encodeRecord(DATA, fromLatin1("hello")), END]));
        assertEquals((await asked).body, whole);
      }
      const message = toText(encodeAnswer(id, OK, fromLatin1("done")));
      await ask(port, `messages/${session}/${received + 1}`, { body: message });
      const seen = parseVisit(await visitor.readToEnd());
      assertEquals([seen.status, seen.body], [200, "done"]);
    }
  });
});

Deno.test("wire: a Host that is no host is 400, whatever it would lead to", async () => {
  const { log } = createMemoryLog();
  await using relay = await startRelay({ log, hostSuffix: "relay.test" });
  const suffix = `${NAME}.relay.test`;
  for (
    const host of [
      ...[`${suffix}/`, `x@${suffix}`, `${suffix}\\`, `${suffix}?`, `${suffix}#`, `a b.${suffix}`],
      ...[
        `${suffix}:80:80`,
        `${suffix}:x`,
        `[${suffix}`,
        `"${suffix}"`,
        `<${suffix}>`,
        `%zz.${suffix}`,
      ],
      ...[`caf\xe9.${suffix}`, `${suffix},other.test`.replace(",", "|"), `../${suffix}`],
    ]
  ) {
    assertEquals((await visit(relay.port, "/servers/nosuch/", { host })).status, 400, host);
  }
  // Two of them are none.
  const headers = [`Host: ${suffix}`];
  assertEquals((await visit(relay.port, "/", { host: suffix, headers })).status, 400);
  assertEquals((await visit(relay.port, "/", { host: `nosuch.${suffix.slice(5)}` })).status, 404);
});
