/** What a server does, over sockets, about a relay that breaks the modern protocol. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { readProxySettings } from "../../lib/server/proxy_settings.ts";
import { RelayClient } from "../../lib/server/relay_client.ts";
import { Server } from "../../lib/server/server.ts";
import {
  encodeCancel,
  encodePing,
  encodeRequest,
  encodeWelcome,
} from "../../lib/wire/modern_messages.ts";
import { encodeMessage, toAcceptKey, WebSocketReader } from "../../lib/wire/websocket.ts";
import { concatBytes, fromLatin1, ID } from "../support/bytes.ts";
import { frameOf } from "../support/controlled_process.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { RawServer, type ServerConnection } from "../support/raw_server.ts";
import { turn } from "../support/turn.ts";

const OFFER = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX-PTTH-Modern: 1\r\n\r\n\x90";
const NOTHING = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

/** A relay that says this on each control channel, behind the handshake. */
class WrongRelay implements AsyncDisposable {
  readonly controls: ServerConnection[] = [];
  server!: RawServer;

  static async start(says: () => Uint8Array): Promise<WrongRelay> {
    const relay = new WrongRelay();
    relay.server = await RawServer.listen(async (connection) => {
      for (;;) {
        const head = await connection.readHead();
        if (/^GET \/7ZSFUKGV\/http_listen\//.test(head)) connection.send(OFFER);
        else if (/^GET \/7ZSFUKGV\/modern\/control\//.test(head)) {
          const key = /^Sec-WebSocket-Key: (\S+)\r$/im.exec(head)?.[1] ?? "";
          connection.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
              `Sec-WebSocket-Accept: ${toAcceptKey(key)}\r\n` +
              "Sec-WebSocket-Protocol: ptth-modern-1\r\n\r\n",
          );
          connection.socket.write(says());
          relay.controls.push(connection);
          return;
        } else connection.send(NOTHING);
      }
    });
    return relay;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

/** The close frame in what a server has sent. */
function closeIn(bytes: Uint8Array): { code: number; reason: string } {
  const closes: { code: number; reason: string }[] = [];
  new WebSocketReader({ isMasked: true, maxMessageBytes: 1000 }, {
    message: () => {},
    ping: () => {},
    close: (code, reason) => void closes.push({ code, reason }),
  }).push(bytes);
  const [close] = closes;
  assert(close !== undefined, "It was not closed");
  return close;
}

const REQUEST = encodeRequest({
  ...{ id: ID, method: "GET", target: "/x", address: "", headers: [] },
  ...{ body: new Uint8Array(), wantsUpgrade: false },
});
const WELCOME = encodeMessage([encodeWelcome(ID, undefined)], false);
const AFTER = encodeMessage([REQUEST], false);

const WRONGS: readonly (readonly [what: string, bytes: Uint8Array, reason: string])[] = [
  ["a text message", frameOf(1, fromLatin1("hello"), { isMasked: false }), "is not binary"],
  ["a frame with a mask", frameOf(2, encodeCancel(ID)), "A frame is masked"],
  ["a TiB", frameOf(2, REQUEST, { isMasked: false, length: 2 ** 40 }), "over 524288 bytes"],
  ["a message of a server", encodeMessage([encodePing()], false), "type 15 may not come here"],
  ["a second welcome", WELCOME, "A second welcome"],
  ["an exchange twice", encodeMessage([REQUEST, REQUEST], false), "An exchange was given twice"],
];

for (const [what, bytes, reason] of WRONGS) {
  Deno.test(`relay that sends ${what}: closed by 1002, and not asked again in a tight loop`, async () => {
    await using relay = await WrongRelay.start(() => concatBytes([WELCOME, bytes, AFTER]));
    const clock = new ManualClock();
    const { log, lines } = createMemoryLog(clock);
    const client = new RelayClient({
      proxy: readProxySettings(() => undefined),
      extraCertificates: [],
    });
    const targets: string[] = [];
    const server = new Server({
      name: "home",
      apiKey: "the key",
      relayUrl: `http://127.0.0.1:${relay.server.port}`,
      throttleUpload: false,
      handler: ({ target }) => {
        targets.push(target);
        return textAnswer(200, "hello");
      },
      client,
      clock,
      log,
      random: () => 1,
    });
    server.start();
    await server.connected;
    // A session may be lost for any reason, so the second one is opened at once, and no third.
    while (relay.controls.length < 2) await turn();
    for (const { closed } of relay.controls) await closed;
    while (clock.nextDelay === undefined || clock.nextDelay > 250) await turn();
    assertEquals([relay.controls.length, clock.nextDelay], [2, 250]);
    clock.advance(250);
    while (relay.controls.length < 3) await turn();
    await relay.controls[2]?.closed;
    for (const { received } of relay.controls) {
      const { code, reason: told } = closeIn(fromLatin1(received));
      assertEquals(code, 1002);
      assertStringIncludes(told, reason);
    }
    assertStringIncludes(lines.join("\n"), reason);
    // What comes behind it is for nobody.
    const once = what === "an exchange twice" ? 3 : 0;
    assertEquals(targets.length, once);
    await server.stop(AbortSignal.abort());
    client.close();
    assertEquals(clock.pendingCount, 0);
    assertEquals(lines.join("\n").includes("the key"), false);
  });
}
