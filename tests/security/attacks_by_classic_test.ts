/** What a server can do by the answers of the classic protocol, whose heads are MessagePack. */

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { MAX_MESSAGE_HEADERS } from "../../lib/base/limits.ts";
import type { RawHeaders } from "../../lib/http/message.ts";
import { encodeMagicHeader } from "../../lib/wire/http_serde.ts";
import { type AttackRow, tryAttacks } from "../support/attack_rows.ts";
import { AttackedRelay, ATTACKER } from "../support/attacked_relay.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { fieldOf, toRequestText, type Visit, visit } from "../support/visit.ts";

const VISITED = `/servers/${ATTACKER.name}/x`;
const REFUSED = "refused: 400; the visitor gets 502";

function magicOf(headers: RawHeaders): string {
  return encodeMagicHeader({ status: 200, headers });
}

/** Base64 of bytes that are written as hexadecimal digits, with space between. */
function base64Of(digits: string): string {
  return Buffer.from(digits.replaceAll(" ", ""), "hex").toString("base64");
}

/** Answers with a magic header; what the visitor and the server are told. */
async function answerWith(
  relay: AttackedRelay,
  magic: string,
  body = "hello",
): Promise<{ readonly visited: Visit; readonly replied: Visit }> {
  const visitor = visit(relay.port, VISITED);
  const id = await relay.takeClassic();
  const headers = [`X-PTTH-2LJYXWC4: ${magic}`];
  const replied = await relay.ask(`http_response/${id}`, { headers, body });
  return { visited: await visitor, replied };
}

function refused(what: string, magic: string): AttackRow {
  return [what, async (relay) => {
    const { visited, replied } = await answerWith(relay, magic);
    assertEquals([replied.status, visited.status], [400, 502]);
    assert(!/set-cookie|forged/i.test(visited.head), visited.head);
    // It tells what is wrong, and by no byte of the attacker's a second line.
    assertEquals(replied.body.trimEnd().split(/[\r\n]/).length, 1);
    return REFUSED;
  }];
}

function dropped(what: string, headers: RawHeaders): AttackRow {
  return [what, async (relay) => {
    const { visited } = await answerWith(relay, magicOf(headers));
    assertEquals([visited.status, visited.body], [200, "hello"]);
    assert(!/forged/i.test(visited.head), visited.head);
    return "dropped";
  }];
}

const ROWS: readonly AttackRow[] = [
  refused("a head of 2,500 arrays in one another", base64Of("91".repeat(2500))),
  refused("a head of 2,500 maps in one another", base64Of("81 00".repeat(2500))),
  refused("values that are arrays of arrays", base64Of(`92 8100c0 81 a158 ${"91".repeat(2000)}`)),
  refused("an array of 2^32 - 1 fields, of which none comes", base64Of("dd ffffffff")),
  refused("2^32 - 1 headers, of which none comes", base64Of("92 8100c0 df ffffffff")),
  refused("a name of 2^32 - 1 bytes, of which two come", base64Of("92 8100c0 81 db ffffffff 5858")),
  refused(
    "a value of 2^32 - 1 bytes, of which two come",
    base64Of("92 8100c0 81 a158 dd ffffffff 5858"),
  ),
  refused(
    "more headers than a message may have",
    magicOf(Array.from({ length: MAX_MESSAGE_HEADERS + 1 }, (_, i) => [`x${i}`, ""]).flat()),
  ),
  refused("a name that stands twice", base64Of("92 8100c0 82 a158 90 a178 90")),
  refused("a name that is not UTF-8", base64Of("92 8100c0 81 a1ff 90")),
  refused("a status that classic does not have", base64Of("92 8163c0 80")),
  refused("base64 for URLs", magicOf(["x", "\xfb\xff"]).replaceAll("/", "_")),
  refused("CR LF in a value", magicOf(["x", "a\r\nSet-Cookie: forged=1"])),
  refused("LF in a value", magicOf(["x", "a\nSet-Cookie: forged=1"])),
  refused("NUL in a value", magicOf(["x", "a\0"])),
  refused("CR LF in a name", magicOf(["x\r\nSet-Cookie", "forged"])),
  refused("an empty name", magicOf(["", "forged"])),
  refused("a length over that of the body", magicOf(["content-length", "50"])),
  refused("a length under that of the body", magicOf(["content-length", "1"])),
  refused("a length that is none", magicOf(["content-length", "5, 5"])),
  dropped("a coding of its own", ["transfer-encoding", "forged"]),
  dropped("what Connection names", ["connection", "x-hop", "x-hop", "forged"]),
  dropped("a Proxy-Status in the relay's name", ["proxy-status", "ptth_relay; error=forged"]),
  dropped("leave for a service worker of all servers", ["service-worker-allowed", "/forged"]),
  ["a cookie for the paths of all servers", async (relay) => {
    const { visited } = await answerWith(relay, magicOf(["set-cookie", "a=1; Path=/"]));
    const cookie = fieldOf(visited, "set-cookie");
    assertEquals(cookie, "a=1; Path=/servers/mallory/");
    return `\`${cookie}\``;
  }],
  ["a body of a TiB, of which five bytes come", async (relay) => {
    const visitor = visit(relay.port, VISITED);
    const id = await relay.takeClassic();
    await using answer = await RawConnection.open(relay.port);
    const headers = [`X-PTTH-2LJYXWC4: ${magicOf([])}`, `Content-Length: ${2 ** 40}`];
    const path = `/7ZSFUKGV/http_response/${id}`;
    await answer.send(toRequestText(path, { method: "POST", headers }) + "hello");
    await answer.close();
    const { status, isComplete } = await visitor;
    assertEquals([status, isComplete], [200, false]);
    return "the visitor's connection is cut";
  }],
];

Deno.test("attack by a classic server", async (t) => {
  await tryAttacks(t, { name: "servers:classic", column: "Its answer has", rows: ROWS });
});
