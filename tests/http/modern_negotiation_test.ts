/** How a server and a relay find out that both speak modern (docs/protocol.md, "Negotiation"). */

import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { headerValue } from "../../lib/http/headers.ts";
import type { HttpAnswer, RawHeaders } from "../../lib/http/message.ts";
import { decodePollBody } from "../../lib/wire/http_serde.ts";
import { readBody } from "../support/read_body.ts";
import { assertText, KEY, RelayWorld } from "../support/relay_world.ts";

function pollClassic(world: RelayWorld, fields: RawHeaders, key = KEY): Promise<HttpAnswer> {
  return world.get("/7ZSFUKGV/http_listen/alpha", { headers: ["X-ApiKey", key, ...fields] });
}

Deno.test("negotiation: a poll that offers version 1 gets 90 and the version, and no exchange", async () => {
  const world = new RelayWorld();
  const { request, answer } = world.visit("/servers/alpha/x");
  for (const versions of ["1", "1, 2", "9,1", " 1 "]) {
    const offer = await pollClassic(world, ["X-PTTH-Modern", versions]);
    assertEquals(offer.status, 200);
    assertEquals(offer.headers, ["Cache-Control", "no-store", "X-PTTH-Modern", "1"]);
    assertEquals(await readBody(offer.body), Uint8Array.from([0x90]));
  }
  // It still waits for whoever takes it.
  const poll = await pollClassic(world, []);
  assertEquals(decodePollBody(Buffer.from(await readBody(poll.body))).length, 1);
  request.finish("cut");
  await answer;
});

Deno.test("negotiation: without the offer, or for versions unknown here, a poll is what it was", async () => {
  for (const versions of [undefined, "", "0", "2", "1.1", "11", "one"]) {
    const world = new RelayWorld();
    const fields = versions === undefined ? [] : ["X-PTTH-Modern", versions];
    const welcome = await pollClassic(world, fields);
    assertEquals(headerValue(welcome.headers, "x-ptth-modern"), undefined);
    assertEquals(await readBody(welcome.body), Uint8Array.from([0x90]));
    const parked = pollClassic(world, fields);
    const { request, answer } = world.visit("/servers/alpha/x");
    const [taken] = decodePollBody(Buffer.from(await readBody((await parked).body)));
    assertEquals(taken?.uri, "/x");
    request.finish("cut");
    await answer;
  }
});

Deno.test("negotiation: an offer is checked as any poll, and disturbs none that is parked", async () => {
  const world = new RelayWorld();
  await pollClassic(world, []);
  const parked = pollClassic(world, []);
  const offer = ["X-PTTH-Modern", "1"];
  await assertText(pollClassic(world, offer, "wrong"), 401, "Bad");
  const headers = ["X-ApiKey", KEY, ...offer];
  const head = await world.get("/7ZSFUKGV/http_listen/alpha", { method: "HEAD", headers });
  assertEquals(head.status, 405);
  assertEquals((await pollClassic(world, offer)).status, 200);
  world.clock.advance(25_000);
  assertEquals((await parked).status, 204);
  world.state.isStopping = true;
  await assertText(pollClassic(world, offer), 503, "stopping");
});
