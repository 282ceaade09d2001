/** WebSockets by npm `ws` on both ends, with relay and server between them. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { constants, deflateRawSync } from "node:zlib";
import { EchoClient } from "../support/echo_client.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { type SampleOrigin, startSampleOrigin } from "../support/sample_origin.ts";
import { PREFIX, startTunnelPrograms, type TunnelPrograms } from "../support/tunnel_programs.ts";
import { toUneven } from "../support/bytes.ts";
import { toRequestText, visit } from "../support/visit.ts";

const MIB = 1024 * 1024;
const SOCKETS = 1000;

const UPGRADE = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

interface World extends AsyncDisposable {
  readonly origin: SampleOrigin;
  readonly tunnel: TunnelPrograms;
  readonly url: string;
}

async function setUp(): Promise<World> {
  await using stack = new AsyncDisposableStack();
  const origin = stack.use(await startSampleOrigin());
  const tunnel = stack.use(await startTunnelPrograms({ origins: [{ url: origin.url }] }));
  const moved = stack.move();
  return {
    origin,
    tunnel,
    url: `ws://127.0.0.1:${tunnel.port}${PREFIX}/echo`,
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

Deno.test("WebSocket: messages, controls and closes, both ways", async (t) => {
  await using world = await setUp();
  const { origin, tunnel, url } = world;

  await t.step("text and binary", async () => {
    await using client = await EchoClient.open(url);
    assertEquals(await client.ask("gr\u00fc\u00dfe \u{1f600}"), "gr\u00fc\u00dfe \u{1f600}");
    assertEquals(await client.ask(""), "");
    for (const length of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
      const bytes = toUneven(length);
      client.socket.send(bytes);
      const { data, isBinary } = await client.next();
      assertEquals([isBinary, Buffer.compare(data, bytes)], [true, 0]);
    }
  });

  await t.step("fragments, both ways, with a ping between them", async () => {
    await using client = await EchoClient.open(url, { perMessageDeflate: false });
    client.socket.send("a", { fin: false });
    client.socket.ping("between");
    client.socket.send("b", { fin: true });
    assertEquals(await client.nextText(), "ab");
    await origin.program.untilStdout(/ping between\n/);
    assertEquals(await client.ask("/fragments"), "one two three");
  });

  await t.step("ping and pong, both ways", async () => {
    await using client = await EchoClient.open(url);
    client.socket.ping("hello");
    assertEquals(String((await once(client.socket, "pong"))[0]), "hello");
    client.socket.send("/ping");
    assertEquals(String((await once(client.socket, "ping"))[0]), "from the origin");
    await origin.program.untilStdout(/pong from the origin\n/);
  });

  await t.step("close codes and reasons, both ways", async () => {
    const ours = await EchoClient.open(url);
    ours.socket.close(4321, "enough of it");
    assertEquals(await ours.closed, [4321, "enough of it"]);
    await origin.program.untilStdout(/closed 4321 "enough of it"/);
    const theirs = await EchoClient.open(url);
    theirs.socket.send("/close 4567 that was all \u00e4");
    assertEquals(await theirs.closed, [4567, "that was all \u00e4"]);
    await origin.program.untilStdout(/closed 4567 "that was all \u00e4"/);
  });

  await t.step("one that just goes away is gone at the origin too", async () => {
    const client = await EchoClient.open(url);
    client.socket.terminate();
    await origin.program.untilStdout(/closed 1006 ""/);
  });

  await t.step("the subprotocol is the origin's choice", async () => {
    await using client = await EchoClient.open(url, { protocols: ["first", "second"] });
    assertEquals(client.socket.protocol, "second");
  });

  await t.step("another path is refused by the origin, not by the relay", async () => {
    const answer = await visit(tunnel.port, `${PREFIX}/elsewhere`, { headers: UPGRADE });
    assertEquals(answer.status, 400);
    assertEquals(/^proxy-status:/im.test(answer.head), false);
  });

  await tunnel.end();
});

/** A frame of a client, shorter than 126 bytes; its mask changes nothing. */
function toFrame(first: number, payload: Uint8Array): string {
  const head = [first, 0x80 | payload.length, 0, 0, 0, 0];
  return Buffer.from([...head, ...payload]).toString("latin1");
}

/** The first byte of each frame of a server that is shorter than 126 bytes. */
function toFirstBytes(frames: string): number[] {
  const found: number[] = [];
  for (let at = 0; at < frames.length; at += 2 + frames.charCodeAt(at + 1)) {
    found.push(frames.charCodeAt(at));
  }
  return found;
}

Deno.test("WebSocket: compressed frames stay so on the wire, and fragments apart", async (t) => {
  await using world = await setUp();
  const { tunnel, url } = world;

  await t.step("from the origin, as they come out of the relay", async () => {
    await using visitor = await RawConnection.open(tunnel.port);
    const headers = [...UPGRADE, "Sec-WebSocket-Extensions: permessage-deflate"];
    await visitor.send(toRequestText(`${PREFIX}/echo`, { headers }));
    const head = await visitor.readThrough("\r\n\r\n");
    assertMatch(head, /^HTTP\/1\.1 101 [^]*^Sec-WebSocket-Extensions: permessage-deflate\r$/im);
    const compressed = deflateRawSync("many ".repeat(1000), {
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    // RFC 7692 §7.2.1: without the empty block at its end.
    await visitor.send(toFrame(0xc1, compressed.subarray(0, -4)));
    await visitor.send(toFrame(0x81, Buffer.from("/fragments")));
    await visitor.send(toFrame(0x88, new Uint8Array()));
    const frames = toFirstBytes(await visitor.readToEnd());
    assertEquals(frames, [0xc1, 0x41, 0x00, 0x80, 0x88]);
  });

  await t.step("from the visitor, as the origin gets them", async () => {
    await using client = await EchoClient.open(url);
    const text = "a".repeat(MIB);
    assertEquals(await client.ask(text), text);
    const bytes = Number(await client.ask("/bytes"));
    assert(bytes > 500 && bytes < 5000, `the origin has read ${bytes} bytes`);
  });

  await tunnel.end();
});

Deno.test("WebSocket: a message of 64 MiB", async () => {
  await using world = await setUp();
  {
    const options = { perMessageDeflate: false };
    await using client = await EchoClient.open(world.url, options);
    const bytes = toUneven(64 * MIB);
    client.socket.send(bytes);
    const { data } = await client.next();
    assertEquals(Buffer.compare(data, bytes), 0);
  }
  await world.tunnel.end();
});

Deno.test("WebSocket: a thousand at once, each with its own echo, and nothing left of them", async () => {
  await using world = await setUp();
  const { origin, tunnel, url } = world;
  const numbers = Array.from({ length: SOCKETS }, (_, number) => String(number));
  const clients = await Promise.all(numbers.map(() => EchoClient.open(url)));
  for (let round = 0; round < 3; round++) {
    const asked = clients.map((client, number) => client.ask(`${round} ${number}`));
    assertEquals(await Promise.all(asked), numbers.map((number) => `${round} ${number}`));
  }
  assertEquals((await visit(tunnel.port, `${PREFIX}/cookies?1`)).status, 200);
  for (const { socket } of clients) socket.close(1000);
  for (const { closed } of clients) assertEquals(await closed, [1000, ""]);
  await origin.program.untilStdout(/ 0 left\n/);
  assertEquals((await visit(tunnel.port, `${PREFIX}/cookies?2`)).status, 200);
  await tunnel.end();
});

for (const victim of ["relay", "server", "origin"] as const) {
  Deno.test(`WebSocket: when the ${victim} is killed, nobody holds on to the sockets`, async () => {
    await using world = await setUp();
    const { origin, tunnel, url } = world;
    const clients = await Promise.all(Array.from({ length: 50 }, () => EchoClient.open(url)));
    const programs = { relay: tunnel.relay, server: tunnel.server, origin: origin.program };
    programs[victim].signal("SIGKILL");
    for (const { closed } of clients) assertEquals(await closed, [1006, ""]);
    if (victim !== "origin") await origin.program.untilStdout(/closed 1006 "", 0 left\n/);
  });
}
