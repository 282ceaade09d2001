import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { toTripcode } from "../../lib/auth/tripcode.ts";
import { createAddressSet, parseCidr } from "../../lib/base/cidr.ts";
import {
  KEY_FAILURE_MS,
  MAX_ABANDONED_IDS,
  MAX_AUDIT_EVENTS,
  MAX_KEY_FAILURES,
} from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { HttpAnswer, RawHeaders } from "../../lib/http/message.ts";
import {
  type ClassicRequest,
  decodePollBody,
  encodeMagicHeader,
} from "../../lib/wire/http_serde.ts";
import {
  createFakeRequest,
  type FakeRequest,
  type FakeRequestOptions,
  readAnswer,
} from "../support/fake_request.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { assertText, KEY, OTHER_KEY, RelayWorld } from "../support/relay_world.ts";
import { toHeaderRecord, WIRE_SAMPLES } from "../support/wire_samples.ts";

const SCRAPER_KEY = "test key of a scraper";

class World extends RelayWorld {
  async getAdmin(target: string): Promise<string> {
    return await readAnswer(await this.admin(createFakeRequest(target)));
  }

  poll(name = "alpha", key = KEY): Promise<HttpAnswer> {
    return this.get(`/7ZSFUKGV/http_listen/${name}`, { headers: ["X-ApiKey", key] });
  }

  /** Polls until there is work; for visitors that wait already. */
  async take(name = "alpha", key = KEY): Promise<readonly ClassicRequest[]> {
    const answer = await this.poll(name, key);
    assertEquals(answer.status, 200);
    return decodePollBody(Buffer.from(await readAnswer(answer), "latin1"));
  }

  /** A visitor whose request a server has taken. */
  async ask(
    target: string,
    options: FakeRequestOptions = {},
  ): Promise<{ visitor: FakeRequest; answer: Promise<HttpAnswer>; request: ClassicRequest }> {
    const { request: visitor, answer } = this.visit(target, options);
    const [request] = await this.take();
    assert(request !== undefined);
    return { visitor, answer, request };
  }

  respond(
    id: string,
    { headers = [], ...options }: FakeRequestOptions = {},
  ): Promise<HttpAnswer> {
    return this.get(`/7ZSFUKGV/http_response/${id}`, { method: "POST", headers, ...options });
  }
}

function magic(status: 200 | 204 | 304 | 404, headers: RawHeaders = []): RawHeaders {
  return ["X-PTTH-2LJYXWC4", encodeMagicHeader({ status, headers })];
}

const publicRoutes: readonly (readonly [string, number, string])[] = [
  ["/frontend/relay_up_check", 200, "Relay is up\n"],
  ["/frontend/relay_up_check?x", 200, "Relay is up\n"],
  ["/nosuch", 404, ""],
  ["/frontend/", 404, ""],
  ["/7ZSFUKGV/", 404, ""],
  ["/7ZSFUKGV/http_listen", 404, ""],
  ["/frontend/servers", 404, ""],
  ["/servers/", 404, ""],
  ["/frontend/servers/", 404, ""],
  ["/frontend/unregistered_servers", 404, ""],
  ["/frontend/audit_log", 404, ""],
  ["/frontend/debug/gen_key", 404, ""],
  ["/frontend/test_mysterious_error", 404, ""],
  ["/frontend/servers/alpha", 400, ""],
  ["/servers/alpha", 400, ""],
  ["/frontend/servers/nosuch/x", 404, "no server"],
  ["/scraper/v1/test", 403, ""],
  ["*", 404, ""],
];

for (const [target, status, text] of publicRoutes) {
  Deno.test(`public listener: GET ${target} is ${status}`, async () => {
    await assertText(new World().get(target), status, text);
  });
}

Deno.test("public listener: a POST goes nowhere but to answers", async () => {
  const world = new World();
  await assertText(world.get("/", { method: "POST", body: "x" }), 400, "POST");
  await assertText(world.get("/servers/", { method: "POST", body: "x" }), 400, "POST");
});

Deno.test("public listener: the front page names no server", async () => {
  const answer = await new World().get("/");
  assertEquals(answer.status, 200);
  const page = await readAnswer(answer);
  assertStringIncludes(page, "<!DOCTYPE html>");
  assert(!page.includes("alpha"));
});

Deno.test("public listener: shows the list with public_server_list, escaped, with links", async () => {
  const world = new World({ publicServerList: true });
  for (const target of ["/servers/", "/frontend/servers/"]) {
    const page = await readAnswer(await world.get(target));
    assertStringIncludes(page, '<a href="./alpha/">Z &lt;Alpha&gt;</a>');
    assertStringIncludes(page, "Never");
    assert(page.indexOf("./beta/") > page.indexOf("./alpha/"), "sorted by display name");
  }
});

Deno.test("public listener: serves the debug routes with debug_routes", async () => {
  const world = new World({ debugRoutes: true });
  const key = await readAnswer(await world.get("/frontend/debug/gen_key"));
  assertMatch(key, /^Random key: [A-Za-z0-9+/]{86}==\n$/);
  const sink = await world.get("/frontend/debug/endless_sink", { method: "POST", body: "12345" });
  assertEquals(await readAnswer(sink), "Sank 5 bytes\n");
  assertEquals(headerValue(sink.headers, "content-type"), undefined);
  await assertText(world.get("/frontend/debug/endless_sink"), 405, "POST");
  await assertText(world.get("/frontend/test_mysterious_error"), 500, "");
  await assertText(world.get("/frontend/debug/nosuch"), 404, "");
  const source = await world.get("/frontend/debug/endless_source");
  assert(source.body !== null && !(source.body instanceof Uint8Array));
  source.body.destroy();
});

Deno.test("admin listener: serves its pages, and neither visitors nor servers", async () => {
  const world = new World();
  assertStringIncludes(await world.getAdmin("/"), "./frontend/audit_log");
  const list = await world.getAdmin("/frontend/servers/");
  assertStringIncludes(list, "Z &lt;Alpha&gt;");
  assert(!list.includes("<a href"), "visitors are not served here");
  assertEquals(await world.getAdmin("/frontend/relay_up_check"), "Relay is up\n");
  for (const target of ["/servers/alpha/x", "/7ZSFUKGV/http_listen/alpha", "/scraper/v1/test"]) {
    const answer = await world.admin(createFakeRequest(target, { headers: ["X-ApiKey", KEY] }));
    assertEquals(answer.status, 404);
  }
  const post = await world.admin(createFakeRequest("/", { method: "POST" }));
  assertEquals(post.status, 405);
  assertEquals(headerValue(post.headers, "allow"), "GET, HEAD");
});

Deno.test("poll: checks the key before anything else, and an unknown name is as a wrong key", async () => {
  const world = new World();
  await assertText(world.get("/7ZSFUKGV/http_listen/alpha"), 403, "X-ApiKey");
  const wrong = await world.poll("alpha", "wrong");
  const unknown = await world.poll("nosuch", KEY);
  for (const answer of [wrong, unknown]) {
    assertEquals(answer.status, 401);
    assertEquals(await readAnswer(answer), "Bad X-ApiKey\n");
  }
  assertEquals((await world.poll("beta", KEY)).status, 401);
  assertEquals((await world.poll("alpha", KEY)).status, 200);
});

Deno.test("poll: past so many wrong keys from one address, none is taken from there for a while", async () => {
  const world = new World();
  for (let i = 0; i < MAX_KEY_FAILURES; i++) {
    // Half of them by a name that nobody has.
    assertEquals((await world.poll(i % 2 === 0 ? "alpha" : "nosuch", "wrong")).status, 401);
  }
  assertEquals(world.logged("WARN"), [
    "WARN Too many wrong keys: no more are taken for a while peer=192.0.2.1",
  ]);
  // Right or wrong, for a name that there is or not: the same answer.
  for (const [name, key] of [["alpha", KEY], ["alpha", "wrong"], ["nosuch", KEY]] as const) {
    const answer = await world.poll(name, key);
    assertEquals([answer.status, headerValue(answer.headers, "retry-after")], [429, "60"]);
    assertEquals(await readAnswer(answer), "Too many wrong keys came from this address\n");
  }
  // From elsewhere, and later from here, the right one is.
  const headers = ["X-ApiKey", OTHER_KEY];
  const remoteAddress = "192.0.2.2";
  const other = await world.get("/7ZSFUKGV/http_listen/beta", { headers, remoteAddress });
  assertEquals(other.status, 200);
  world.clock.advance(KEY_FAILURE_MS);
  assertEquals((await world.poll()).status, 200);
});

Deno.test("poll: a server that has been let in goes on while others guess at its address", async () => {
  const world = new World();
  assertEquals((await world.poll()).status, 200);
  for (let i = 0; i <= MAX_KEY_FAILURES; i++) await world.poll("alpha", "wrong");
  assertEquals((await world.poll("beta", OTHER_KEY)).status, 429);
  world.clock.advance(10_000);
  assertEquals((await world.poll()).status, 200);
});

Deno.test("poll: wrong keys count for the address that a trusted proxy tells", async () => {
  const world = new World({
    trustedProxies: createAddressSet(
      [parseCidr("192.0.2.1")].filter((range) => range !== undefined),
    ),
  });
  const poll = (key: string, visitor: string): Promise<HttpAnswer> =>
    world.get("/7ZSFUKGV/http_listen/alpha", {
      headers: ["X-ApiKey", key, "X-Forwarded-For", visitor],
    });
  for (let i = 0; i < MAX_KEY_FAILURES; i++) await poll("wrong", "198.51.100.1");
  assertEquals((await poll("wrong", "198.51.100.1")).status, 429);
  assertEquals((await poll(KEY, "198.51.100.2")).status, 200);
});

Deno.test("poll: takes the older path, and an encoded name", async () => {
  const world = new World();
  const headers = ["x-apikey", KEY];
  assertEquals((await world.get("/http_listen/alpha", { headers })).status, 200);
  world.clock.advance(10_000);
  assertEquals((await world.get("/http_listen/%61lpha", { headers })).status, 200);
});

Deno.test("poll: unknown names are listed with lines to paste, escaped, and bounded", async () => {
  const world = new World();
  await world.poll('evil"<script>', KEY);
  for (let i = 0; i < 20; i++) await world.poll(`new${i}`, KEY);
  await world.poll("late", "other key");
  await world.poll("alpha", "wrong key");
  const page = await world.getAdmin("/frontend/unregistered_servers");
  assertStringIncludes(page, "[[servers]]\nname = &quot;late&quot;");
  assertStringIncludes(page, `tripcode = &quot;${toTripcode("other key")}&quot;`);
  assert(!page.includes("<script>"));
  assert(!page.includes("new0"), "only the last 20");
  assert(!page.includes("&quot;alpha&quot;"), "registered names are not there");
});

Deno.test("poll: the first one after a gap gets an empty list, the next is parked for 25 s", async () => {
  const world = new World();
  assertEquals(await world.take(), []);
  const parked = world.poll();
  await Promise.resolve();
  world.clock.advance(24_999);
  world.clock.advance(1);
  const answer = await parked;
  assertEquals(answer.status, 204);
  assertEquals(answer.body, null);
  assertEquals(answer.headers, ["Content-Type", "text/plain"]);
});

Deno.test("poll: a second one ends the first with 500, a stopping relay with 503", async () => {
  const world = new World();
  await world.take();
  const first = world.poll();
  const second = world.poll();
  await assertText(first, 500, "taken over");
  for (const { queue } of world.state.registry.servers) queue.stop();
  await assertText(second, 503, "stopping");
});

Deno.test("poll: a server that is taken off the list, or gets another key, loses its poll", async () => {
  const world = new World();
  await world.take();
  const parked = world.poll();
  world.state.registry.update([
    { name: "alpha", tripcode: toTripcode(OTHER_KEY), displayName: "alpha" },
  ]);
  assertEquals((await parked).status, 401);
  assertEquals((await world.poll()).status, 401);
  assertEquals((await world.poll("alpha", OTHER_KEY)).status, 200);
});

Deno.test("poll: whoever waits for a server that is taken off the list gets 404 at once", async () => {
  const world = new World();
  const answer = world.get("/servers/alpha/x");
  world.state.registry.update([]);
  await assertText(answer, 404, "no server");
});

Deno.test("poll: only by GET, since a HEAD would swallow what it takes", async () => {
  const world = new World();
  const headers = ["X-ApiKey", KEY];
  const answer = await world.get("/7ZSFUKGV/http_listen/alpha", { method: "HEAD", headers });
  assertEquals(answer.status, 405);
});

Deno.test("answer: a new key in the configuration does not strand what the old one was given", async () => {
  const world = new World();
  const { visitor, answer, request } = await world.ask("/servers/alpha/x");
  const entry = { name: "alpha", tripcode: toTripcode(OTHER_KEY), displayName: "alpha" };
  world.state.registry.update([entry]);
  const withKey = (key: string): RawHeaders => [...magic(200), "X-ApiKey", key];
  const foreign = world.respond(request.id, { headers: withKey(OTHER_KEY), body: "forged" });
  assertEquals((await foreign).status, 401);
  void world.respond(request.id, { headers: withKey(KEY), body: "real" });
  assertEquals(await readAnswer(await answer), "real");
  visitor.finish("delivered");
});

Deno.test("poll: a server that stays on the list keeps its poll", async () => {
  const world = new World();
  await world.take();
  const parked = world.poll();
  world.state.registry.update([
    { name: "alpha", tripcode: toTripcode(KEY), displayName: "new name" },
  ]);
  const answer = world.get("/servers/alpha/x");
  assertEquals((await parked).status, 200);
  world.clock.advance(60_000);
  assertEquals((await answer).status, 504);
});

const uriSamples = WIRE_SAMPLES.filter(({ name }) => name.startsWith("uri/"));
assert(uriSamples.length >= 5);

for (const { target = "", decoded } of uriSamples) {
  Deno.test(`visitor: ${target} reaches the server as captured`, async () => {
    const { request, visitor } = await new World().ask(target);
    assertEquals(request.uri, (decoded as { uri: string }).uri);
    visitor.finish("cut");
  });
}

Deno.test("visitor: headers reach the server as captured, but for those of one hop", async () => {
  const sample = WIRE_SAMPLES.find(({ name }) => name === "poll/headers");
  const head = Buffer.from(sample?.visitor_head_hex ?? "", "hex").toString("latin1");
  const headers = head.trim().split("\r\n").slice(1).flatMap((line) => {
    const [, name = "", value = ""] = /^([^:]+):\s*(.*?)\s*$/.exec(line) ?? [];
    return [name, value];
  });
  const { request, visitor } = await new World().ask("/servers/alpha/hdr", { headers });
  const [{ headers: captured = {} } = {}] = sample?.decoded as { headers?: object }[];
  const { connection: _, ...expected } = captured as Record<string, string>;
  assertEquals(toHeaderRecord(request.headers), {
    ...expected,
    "x-forwarded-for": "192.0.2.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": "relay.test",
    "x-forwarded-prefix": "/servers/alpha",
    "forwarded": 'for=192.0.2.1;host="relay.test";proto=http',
    "via": "1.1 ptth_relay",
  });
  visitor.finish("cut");
});

Deno.test("visitor: hop-by-hop fields, keys and forged origins are dropped, others kept", async () => {
  const { request, visitor } = await new World().ask("/frontend/servers/alpha/x", {
    headers: [
      ...["Host", "relay.test", "Connection", "close, X-Hop", "X-Hop", "1", "Keep-Alive", "1"],
      ...["TE", "trailers", "Upgrade", "h2c", "X-ApiKey", "stolen", "Content-Length", "3"],
      ...["X-Forwarded-For", "10.0.0.1", "X-Forwarded-User", "root", "X-Real-IP", "10.0.0.1"],
      ...["Forwarded", "for=10.0.0.1", "Proxy-Authorization", "x", "X-PTTH-2LJYXWC4", "x"],
      ...["X-Hops", "kept", "Accept", "a", "Via", "1.0 proxy"],
    ],
  });
  assertEquals(toHeaderRecord(request.headers), {
    "host": "relay.test",
    "x-hops": "kept",
    "accept": "a",
    "via": "1.0 proxy, 1.1 ptth_relay",
    "x-forwarded-for": "192.0.2.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": "relay.test",
    "x-forwarded-prefix": "/frontend/servers/alpha",
    "forwarded": 'for=192.0.2.1;host="relay.test";proto=http',
  });
  visitor.finish("cut");
});

Deno.test("visitor: the query goes beside the path, in a field that originals ignore", async () => {
  const headers = ["Host", "h", "X-PTTH-Query", "?forged"];
  const asked = await new World().ask("/servers/alpha/x?a=1&b=%20?#f", { headers });
  assertEquals(asked.request.uri, "/x");
  assertEquals(headerValue(asked.request.headers, "x-ptth-query"), "?a=1&b=%20?");
  asked.visitor.finish("cut");
  const plain = await new World().ask("/servers/alpha/x", { headers });
  assertEquals(headerValue(plain.request.headers, "x-ptth-query"), undefined);
  plain.visitor.finish("cut");
});

Deno.test("visitor: a trusted proxy's word on the hops before it is continued", async () => {
  const range = parseCidr("192.0.2.0/24");
  assert(range !== undefined);
  const world = new World({ trustedProxies: createAddressSet([range]) });
  const { request, visitor } = await world.ask("/servers/alpha/x", {
    headers: [
      ...["Host", "inner", "X-Forwarded-For", "198.51.100.7", "X-Forwarded-Proto", "https"],
      ...["X-Forwarded-Host", "outer", "X-Forwarded-Prefix", "/p", "Forwarded", "for=198.51.100.7"],
    ],
  });
  const headers = toHeaderRecord(request.headers);
  assertEquals(headers["x-forwarded-for"], "198.51.100.7, 192.0.2.1");
  assertEquals(headers["x-forwarded-proto"], "https");
  assertEquals(headers["x-forwarded-host"], "outer");
  assertEquals(headers["x-forwarded-prefix"], "/p/servers/alpha");
  assertEquals(
    headers["forwarded"],
    'for=198.51.100.7, for=192.0.2.1;host="inner";proto=http',
  );
  visitor.finish("cut");
});

Deno.test("visitor: only GET and HEAD reach a classic server, and only characters of a URL", async () => {
  const world = new World();
  assertEquals(await world.take(), []);
  const parked = world.take();
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    await assertText(world.get("/servers/alpha/x", { method }), 400, "GET and HEAD");
    await assertText(world.get("/servers/nosuch/x", { method }), 404, "no server");
  }
  for (const char of ["|", "{", '"', "<", "\xff", "%ff", "%zz"]) {
    await assertText(world.get(`/servers/alpha/${char}`), 400, "");
  }
  const visitor = createFakeRequest("/servers/alpha/[a]^%7B~?{x}");
  void world.public(visitor);
  const [request] = await parked;
  assertEquals(request?.uri, "/[a]^%7B~");
  visitor.finish("cut");
});

Deno.test("visitor: waits for a server that is away, and is answered when it comes back", async () => {
  const world = new World();
  const visitor = createFakeRequest("/servers/alpha/x");
  const answer = Promise.resolve(world.public(visitor));
  world.clock.advance(9_999);
  const [request] = await world.take();
  const reply = world.respond(request?.id ?? "", { headers: magic(200), body: "hello" });
  assertEquals(await readAnswer(await answer), "hello");
  visitor.finish("delivered");
  await assertText(reply, 200, "StreamFinished\n");
});

Deno.test("visitor: gets 503 with Retry-After when no server comes within the grace", async () => {
  const world = new World();
  const answer = world.get("/servers/alpha/x");
  world.clock.advance(10_000);
  await assertText(answer, 503, "not connected");
  assertEquals(headerValue((await answer).headers, "retry-after"), "10");
  assertEquals(await world.take(), [], "it is not given to a server that comes later");
});

Deno.test("visitor: gets 504 when the answer does not begin, and a late answer gets 502", async () => {
  const world = new World();
  const { answer, request } = await world.ask("/servers/alpha/x");
  world.clock.advance(30_000);
  await assertText(answer, 504, "in time");
  await assertText(world.respond(request.id, { headers: magic(200), body: "x" }), 502, "left");
});

Deno.test("visitor: one that leaves while it waits is never given to a server", async () => {
  const world = new World();
  const gone = createFakeRequest("/servers/alpha/gone");
  const answer = Promise.resolve(world.public(gone));
  const stays = createFakeRequest("/servers/alpha/stays");
  const other = Promise.resolve(world.public(stays));
  gone.finish("cut");
  assertEquals((await world.take()).map(({ uri }) => uri), ["/stays"]);
  stays.finish("cut");
  await Promise.all([answer, other]);
});

Deno.test("visitor: gets 502 at once when the poll that carries its request breaks", async () => {
  const world = new World();
  const visitor = createFakeRequest("/servers/alpha/x");
  const answer = Promise.resolve(world.public(visitor));
  const poll = createFakeRequest("/7ZSFUKGV/http_listen/alpha", { headers: ["X-ApiKey", KEY] });
  await world.public(poll);
  poll.finish("cut");
  await assertText(answer, 502, "broke");
  assertEquals(
    headerValue((await answer).headers, "proxy-status"),
    "ptth_relay; error=connection_terminated",
  );
});

Deno.test("answer: status, headers and body reach the visitor; the length is that of the POST", async () => {
  const world = new World();
  const { visitor, answer, request } = await world.ask("/servers/alpha/x");
  const headers = magic(200, ["x-bin", "\xff\xe9\x80", "etag", '"a"', "connection", "x-hop"]);
  const reply = world.respond(request.id, { headers, body: "hello" });
  const received = await answer;
  assertEquals(received.status, 200);
  assertEquals(received.headers, ["x-bin", "\xff\xe9\x80", "etag", '"a"', "Content-Length", "5"]);
  assertEquals(await readAnswer(received), "hello");
  visitor.finish("delivered");
  await assertText(reply, 200, "StreamFinished\n");
});

Deno.test("answer: a chunked one without a length goes on without one", async () => {
  const world = new World();
  const { visitor, answer, request } = await world.ask("/servers/alpha/x");
  void world.respond(request.id, { headers: magic(200), body: "hello", bodyLength: null });
  assertEquals((await answer).headers, []);
  assertEquals(await readAnswer(await answer), "hello");
  visitor.finish("delivered");
});

Deno.test("answer: a server learns that the visitor left in the middle of the body", async () => {
  const world = new World();
  const { visitor, answer, request } = await world.ask("/servers/alpha/x");
  const reply = world.respond(request.id, { headers: magic(200), body: "hello" });
  await answer;
  visitor.finish("cut");
  await assertText(reply, 200, "ClientDisconnected\n");
});

for (const [method, status] of [["HEAD", 200], ["GET", 304], ["GET", 204]] as const) {
  Deno.test(`answer: ${status} to ${method} keeps its length, and nothing waits for a body`, async () => {
    for (const body of ["", undefined]) {
      const world = new World();
      const { visitor, answer, request } = await world.ask("/servers/alpha/x", { method });
      const reply = world.respond(request.id, {
        headers: magic(status, ["content-length", "12"]),
        ...(body === undefined ? {} : { body, bodyLength: 12 }),
      });
      const received = await answer;
      assertEquals(received.status, status);
      // RFC 9110 §8.6: a 204 has none.
      assertEquals(received.headers, status === 204 ? [] : ["Content-Length", "12"]);
      visitor.finish("delivered");
      const text = body === undefined ? "StreamFinished\n" : "ClientDisconnected\n";
      await assertText(reply, 200, text);
    }
  });
}

Deno.test("answer: an id that nobody waits for is 400: unknown, used, empty, not yet given", async () => {
  const world = new World();
  const headers = magic(200);
  await assertText(world.respond("nosuch", { headers }), 400, "No visitor");
  await assertText(world.respond("", { headers }), 400, "No visitor");
  const { visitor, answer, request } = await world.ask("/servers/alpha/x");
  const reply = world.respond(request.id, { headers, body: "x" });
  await answer;
  visitor.finish("delivered");
  await reply;
  await assertText(world.respond(request.id, { headers, body: "again" }), 400, "No visitor");
});

Deno.test("answer: a malformed magic header is 400, its visitor gets 502, others are unharmed", async () => {
  const world = new World();
  const first = createFakeRequest("/servers/alpha/first");
  const firstAnswer = Promise.resolve(world.public(first));
  const second = createFakeRequest("/servers/alpha/second");
  const secondAnswer = Promise.resolve(world.public(second));
  const [one, two] = await world.take();
  assert(one !== undefined && two !== undefined);
  await assertText(world.respond(one.id, { headers: [] }), 400, "missing");
  await assertText(firstAnswer, 502, "understood");
  void world.respond(two.id, { headers: magic(200), body: "fine" });
  assertEquals(await readAnswer(await secondAnswer), "fine");
  second.finish("delivered");
});

const malformedAnswers: readonly (readonly [string, RawHeaders, string | undefined])[] = [
  ["a header with a line feed", ["x", "a\nset-cookie: b"], "x"],
  ["a header name with a space", ["x y", "a"], "x"],
  ["an empty header name", ["", "a"], "x"],
  ["a length that is no number", ["content-length", "5, 5"], "hello"],
  ["a length above the body's", ["content-length", "6"], "hello"],
  ["a length below the body's", ["content-length", "4"], "hello"],
  ["a length without a body", ["content-length", "4"], undefined],
];

for (const [what, headers, body] of malformedAnswers) {
  Deno.test(`answer: ${what} is 400 to the server and 502 to the visitor`, async () => {
    const world = new World();
    const { answer, request } = await world.ask("/servers/alpha/x");
    const options = body === undefined ? {} : { body };
    const reply = world.respond(request.id, { headers: magic(200, headers), ...options });
    assertEquals((await reply).status, 400);
    await assertText(answer, 502, "understood");
  });
}

Deno.test("answer: another server's key is refused, and the exchange goes on", async () => {
  const world = new World();
  const { visitor, answer, request } = await world.ask("/servers/alpha/x");
  const forged = [...magic(200), "X-ApiKey", OTHER_KEY];
  await assertText(world.respond(request.id, { headers: forged, body: "forged" }), 401, "Bad");
  const headers = [...magic(200), "X-ApiKey", KEY];
  void world.respond(request.id, { headers, body: "real" });
  assertEquals(await readAnswer(await answer), "real");
  visitor.finish("delivered");
});

Deno.test("exchange ids are 26 characters of a ULID, and never the same", async () => {
  const world = new World();
  const visitors = Array.from({ length: 50 }, () => createFakeRequest("/servers/alpha/x"));
  const answers = visitors.map((visitor) => Promise.resolve(world.public(visitor)));
  const ids = (await world.take()).map(({ id }) => id);
  for (const id of ids) assertMatch(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  assertEquals(new Set(ids).size, 50);
  for (const visitor of visitors) visitor.finish("cut");
  await Promise.all(answers);
});

Deno.test("ids of abandoned exchanges are remembered up to a bound", async () => {
  const world = new World();
  const ids: string[] = [];
  for (let i = 0; i <= MAX_ABANDONED_IDS; i++) {
    const { visitor, answer, request } = await world.ask("/servers/alpha/x");
    visitor.finish("cut");
    await answer;
    ids.push(request.id);
  }
  assertEquals((await world.respond(ids[0] ?? "", { headers: magic(200) })).status, 400);
  assertEquals((await world.respond(ids[1] ?? "", { headers: magic(200) })).status, 502);
});

const day = 86_400_000;
const now = new ManualClock().now();
const scraper = (name: string, key: string, from: number, to: number) => ({
  name,
  notBefore: new Date(now + from * day),
  notAfter: new Date(now + to * day),
  hash: toTripcode(key),
});

Deno.test("scraper: keys are checked for their time, and the version before them", async () => {
  const world = new World({
    enableScraperApi: true,
    scraperKeys: [
      scraper("good", SCRAPER_KEY, -1, 1),
      scraper("early", "early", 1, 2),
      scraper("expired", "expired", -2, -1),
      scraper("too long", "too long", -1, 30),
    ],
  });
  const ask = (path: string, key?: string): Promise<HttpAnswer> =>
    world.get(`/scraper/${path}`, { headers: key === undefined ? [] : ["X-ApiKey", key] });
  await assertText(ask("v1/test", SCRAPER_KEY), 200, "You're valid!\n");
  await assertText(ask("api/test", SCRAPER_KEY), 200, "You're valid!\n");
  await assertText(ask("v1/test"), 403, "");
  for (const key of ["early", "expired", "too long", KEY, "x"]) {
    await assertText(ask("v1/test", key), 403, "");
  }
  await assertText(ask("v2/test"), 404, "version");
  await assertText(ask("v1/nosuch", SCRAPER_KEY), 404, "");
  await assertText(ask("v1/server/alpha", SCRAPER_KEY), 400, "slash");
  await assertText(ask("v1/server/nosuch/x", SCRAPER_KEY), 404, "");
});

Deno.test("scraper: wrong keys count as those of servers do", async () => {
  const now = new ManualClock().now();
  const key = {
    name: "x",
    notBefore: new Date(now - 1000),
    notAfter: new Date(now + 1000),
    hash: toTripcode(SCRAPER_KEY),
  };
  const world = new World({ enableScraperApi: true, scraperKeys: [key] });
  const ask = async (given: string): Promise<number> =>
    (await world.get("/scraper/v1/test", { headers: ["X-ApiKey", given] })).status;
  for (let i = 0; i < MAX_KEY_FAILURES; i++) assertEquals(await ask("wrong"), 403);
  assertEquals(await ask("wrong"), 429);
  assertEquals(await ask(SCRAPER_KEY), 429);
  assertEquals((await world.poll()).status, 429);
});

Deno.test("scraper: the list has the original's shape", async () => {
  const world = new World({
    enableScraperApi: true,
    scraperKeys: [scraper("good", SCRAPER_KEY, -1, 1)],
  });
  await world.take("beta", OTHER_KEY);
  const answer = await world.get("/scraper/api/server_list", {
    headers: ["X-ApiKey", SCRAPER_KEY],
  });
  assertMatch(headerValue(answer.headers, "content-type") ?? "", /^text\/plain/);
  assertEquals(
    await readAnswer(answer),
    '{"servers":[{"name":"alpha","display_name":"Z <Alpha>","last_seen":null},' +
      '{"name":"beta","display_name":"beta","last_seen":"2026-11-23T00:00:00.000000000+00:00"}]}\n',
  );
});

Deno.test("scraper: reads from a server as a visitor does, and its key stays here", async () => {
  const world = new World({
    enableScraperApi: true,
    scraperKeys: [scraper("good", SCRAPER_KEY, -1, 1)],
  });
  const { visitor, answer, request } = await world.ask("/scraper/v1/server/alpha/files/", {
    headers: ["Host", "h", "X-ApiKey", SCRAPER_KEY],
  });
  assertEquals(request.uri, "/files/");
  assertEquals(headerValue(request.headers, "x-apikey"), undefined);
  assertEquals(headerValue(request.headers, "x-forwarded-prefix"), "/scraper/v1/server/alpha");
  visitor.finish("cut");
  await answer;
});

Deno.test("audit log: newest first, bounded, and nothing in it is markup", async () => {
  const world = new World();
  await world.poll("<b>", KEY);
  assertStringIncludes(await world.getAdmin("/frontend/audit_log"), "unknown name: &lt;b&gt;");
  for (let i = 0; i < MAX_AUDIT_EVENTS; i++) {
    const headers = ["X-ApiKey", `wrong ${i}`];
    const remoteAddress = `198.51.100.${i}`;
    await world.get("/7ZSFUKGV/http_listen/alpha", { headers, remoteAddress });
  }
  const page = await world.getAdmin("/frontend/audit_log");
  assert(!page.includes("&lt;b&gt;"));
  assert(!page.includes("wrong 0"), "keys are never shown");
  assertEquals(page.match(/<tr><td>/g)?.length, MAX_AUDIT_EVENTS);
});

Deno.test("a stopping relay takes no new visitors and no new polls", async () => {
  const world = new World();
  world.state.isStopping = true;
  await assertText(world.get("/servers/alpha/x"), 503, "stopping");
  await assertText(world.poll(), 503, "stopping");
});
