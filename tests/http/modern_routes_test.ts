/** Routes and statuses of the modern protocol (docs/protocol.md, "Negotiation", "Streams"). */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { MAX_SESSIONS_PER_SERVER } from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { HttpAnswer, RawHeaders } from "../../lib/http/message.ts";
import { createId } from "../../lib/wire/create_id.ts";
import { PassThrough } from "node:stream";
import { ID } from "../support/bytes.ts";
import { HANDSHAKE } from "../support/controlled_process.ts";
import { createFakeRequest, type FakeRequestOptions, readAnswer } from "../support/fake_request.ts";
import { messagesIn, PolledProcess, toOpening } from "../support/polled_process.ts";
import { readBody } from "../support/read_body.ts";
import { ALPHA, assertText, KEY, OTHER_KEY, RelayWorld } from "../support/relay_world.ts";

const PREFIX = "/7ZSFUKGV/modern";
const PROCESS: RawHeaders = ["X-PTTH-Process", createId()];
type Way = "control" | "session";

/** The options of a request that opens a session, with other fields or less of them. */
function openingOf(way: Way, headers: RawHeaders): FakeRequestOptions {
  return way === "session"
    ? { method: "POST", headers: [...headers, "X-PTTH-Modern", "1"] }
    : { headers: [...headers, ...HANDSHAKE], upgrade: "websocket", body: new PassThrough() };
}

async function statusOf(answer: Promise<HttpAnswer>): Promise<number> {
  return (await answer).status;
}

for (const way of ["control", "session"] as const) {
  const target = `${PREFIX}/${way}/alpha`;
  const opens = way === "control" ? 101 : 200;

  Deno.test(`${way}: without a key 403, with a wrong one or for an unknown name the same 401`, async () => {
    const world = new RelayWorld();
    await assertText(world.get(target, openingOf(way, PROCESS)), 403, "X-ApiKey");
    const answers: string[] = [];
    for (const [name, key] of [["alpha", "wrong"], ["alpha", OTHER_KEY], ["nosuch", KEY]]) {
      const options = openingOf(way, ["X-ApiKey", key ?? "", ...PROCESS]);
      const { status, headers, body } = await world.get(`${PREFIX}/${way}/${name}`, options);
      answers.push(JSON.stringify([status, headers, await readAnswer({ status, headers, body })]));
    }
    assertEquals(new Set(answers).size, 1);
    assertMatch(answers[0] ?? "", /^\[401,.*"Bad X-ApiKey\\n"\]$/);
    assertEquals(world.state.sessions.of("alpha"), []);
  });

  Deno.test(`${way}: another method is 405 with Allow, whoever asks`, async () => {
    const world = new RelayWorld();
    const allowed = way === "control" ? "GET" : "POST";
    for (const method of ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
      if (method === allowed) continue;
      const answer = await world.get(target, { method });
      assertEquals(answer.status, 405, method);
      assertEquals(headerValue(answer.headers, "allow"), allowed);
    }
  });

  Deno.test(`${way}: without an id of a process it is 400`, async () => {
    const world = new RelayWorld();
    const ids = [undefined, "", "short", `${ID}0`, `-${ID.slice(1)}`, `${ID.slice(1)}\xe9`];
    for (const id of ids) {
      const fields = id === undefined ? [] : ["X-PTTH-Process", id];
      const options = openingOf(way, ["X-ApiKey", KEY, ...fields]);
      await assertText(world.get(target, options), 400, "X-PTTH-Process");
    }
  });

  Deno.test(`${way}: the key is checked before anything else, and a stop before all but the key`, async () => {
    const world = new RelayWorld();
    // Neither process nor version nor upgrade.
    const bare = { method: way === "control" ? "GET" : "POST" };
    await assertText(world.get(target, { ...bare, headers: ["X-ApiKey", "x"] }), 401, "Bad");
    await assertText(world.get(target, { ...bare, headers: ["X-ApiKey", KEY] }), 400, "Process");
    world.state.isStopping = true;
    await assertText(world.get(target, { ...bare, headers: ["X-ApiKey", "x"] }), 401, "Bad");
    await assertText(world.get(target, { ...bare, headers: ["X-ApiKey", KEY] }), 503, "stopping");
    const options = openingOf(way, ["X-ApiKey", KEY, ...PROCESS]);
    await assertText(world.get(target, options), 503, "stopping");
    assertEquals(world.state.sessions.of("alpha"), []);
  });

  Deno.test(`${way}: a name has sixteen sessions at the most, and another name its own`, async () => {
    const world = new RelayWorld();
    const open = (name: string, key: string, process = createId()): Promise<HttpAnswer> =>
      world.get(
        `${PREFIX}/${way}/${name}`,
        openingOf(way, ["X-ApiKey", key, "X-PTTH-Process", process]),
      );
    const first = createId();
    assertEquals(await statusOf(open("alpha", KEY, first)), opens);
    for (let i = 1; i < MAX_SESSIONS_PER_SERVER; i++) {
      assertEquals(await statusOf(open("alpha", KEY)), opens);
    }
    const full = await open("alpha", KEY);
    await assertText(full, 503, "too many");
    assertNotEquals(headerValue(full.headers, "retry-after"), undefined);
    assertEquals(world.state.sessions.of("alpha").length, MAX_SESSIONS_PER_SERVER);
    // It takes the place of its own.
    assertEquals(await statusOf(open("alpha", KEY, first)), opens);
    assertEquals(world.state.sessions.of("alpha").length, MAX_SESSIONS_PER_SERVER);
    assertEquals(await statusOf(open("beta", OTHER_KEY)), opens);
    world.state.sessions.endAll("stopped");
  });

  Deno.test(`${way}: opens at the older path, by an encoded name, and whatever the query`, async () => {
    const world = new RelayWorld({}, [ALPHA, { ...ALPHA, name: "a~b.c" }]);
    for (
      const path of [
        `/modern/${way}/alpha`,
        `${PREFIX}/${way}/%61lph%61`,
        `${PREFIX}/${way}/alpha?name=beta`,
        `${PREFIX}/${way}/a%7Eb%2ec`,
      ]
    ) {
      const options = openingOf(way, ["X-ApiKey", KEY, "X-PTTH-Process", createId()]);
      assertEquals(await statusOf(world.get(path, options)), opens, path);
    }
    assertEquals(world.state.sessions.of("alpha").length, 3);
    assertEquals(world.state.sessions.of("a~b.c").length, 1);
    world.state.sessions.endAll("stopped");
  });
}

const UPGRADES_THAT_ARE_NONE: readonly (readonly [string, FakeRequestOptions])[] = [
  ["no Upgrade", { headers: HANDSHAKE }],
  ["another protocol", { headers: HANDSHAKE, upgrade: "h2c" }],
  ["version 8", { headers: replaced("Sec-WebSocket-Version", "8"), upgrade: "websocket" }],
  ["no version", { headers: replaced("Sec-WebSocket-Version"), upgrade: "websocket" }],
  ["no key", { headers: replaced("Sec-WebSocket-Key"), upgrade: "websocket" }],
  ["a key of 15 bytes", {
    headers: replaced("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25j"),
    upgrade: "websocket",
  }],
  ["no subprotocol", { headers: replaced("Sec-WebSocket-Protocol"), upgrade: "websocket" }],
  ["another subprotocol", {
    headers: replaced("Sec-WebSocket-Protocol", "chat, ptth-modern-2"),
    upgrade: "websocket",
  }],
];

function replaced(name: string, value?: string): RawHeaders {
  const at = HANDSHAKE.indexOf(name);
  return HANDSHAKE.toSpliced(at, 2, ...value === undefined ? [] : [name, value]);
}

for (const [what, { headers = [], ...options }] of UPGRADES_THAT_ARE_NONE) {
  Deno.test(`control: with ${what} it is 426 with Upgrade, and no session`, async () => {
    const world = new RelayWorld();
    const fields = ["X-ApiKey", KEY, ...PROCESS, ...headers];
    const answer = await world.get(`${PREFIX}/control/alpha`, { ...options, headers: fields });
    await assertText(answer, 426, "ptth-modern-1");
    assertEquals(headerValue(answer.headers, "upgrade"), "websocket");
    // By this a server knows that it was a relay that spoke.
    assertEquals(headerValue(answer.headers, "x-ptth-modern"), "1");
    assertEquals(world.state.sessions.of("alpha"), []);
  });
}

Deno.test("control: 101 answers the key of RFC 6455 §1.3, and chooses the one protocol", async () => {
  const world = new RelayWorld();
  const answer = await world.get(`${PREFIX}/control/alpha`, {
    headers: [
      ...["X-ApiKey", KEY, ...PROCESS],
      ...replaced("Sec-WebSocket-Protocol", "chat, ptth-modern-1"),
    ],
    upgrade: "WebSocket",
    body: new PassThrough(),
  });
  assertEquals(answer.status, 101);
  assertEquals(answer.headers, [
    ...["Upgrade", "websocket", "Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    ...["Sec-WebSocket-Protocol", "ptth-modern-1"],
  ]);
  world.state.sessions.endAll("stopped");
});

Deno.test("session: 200 is the welcome, by the version that the relay chose, for no cache", async () => {
  const world = new RelayWorld();
  const answer = await world.get(...toOpening({}));
  assertEquals(answer.status, 200);
  assertEquals(headerValue(answer.headers, "x-ptth-modern"), "1");
  assertEquals(headerValue(answer.headers, "cache-control"), "no-store");
  const messages = messagesIn(await readBody(answer.body));
  const [session] = world.state.sessions.of("alpha");
  assertEquals(messages, [{ type: "welcome", session: session?.id ?? "", host: undefined }]);
  session?.end("stopped");
});

Deno.test("session: a version that the relay does not speak is 400, one of several is chosen", async () => {
  const world = new RelayWorld();
  const open = (versions: string | undefined): Promise<HttpAnswer> => {
    const fields = versions === undefined ? [] : ["X-PTTH-Modern", versions];
    const headers = ["X-ApiKey", KEY, ...PROCESS, ...fields];
    return world.get(`${PREFIX}/session/alpha`, { method: "POST", headers });
  };
  for (const versions of [undefined, "", "0", "2", "11", "1.0", "2,3"]) {
    await assertText(open(versions), 400, "version 1");
  }
  assertEquals(world.state.sessions.of("alpha"), []);
  for (const versions of ["1", " 1 ", "2,1", "3, 1, 2"]) {
    assertEquals(await statusOf(open(versions)), 200, versions);
  }
  world.state.sessions.endAll("stopped");
});

Deno.test("welcome: tells the visitors' host where the relay has one for the server", async () => {
  const world = new RelayWorld({ hostSuffix: "relay.test" }, [ALPHA, { ...ALPHA, name: "a~b" }]);
  for (const [name, host] of [["alpha", "alpha.relay.test"], ["a~b", undefined]] as const) {
    const answer = await world.get(...toOpening({ name }));
    const [welcome] = messagesIn(await readBody(answer.body));
    assertEquals(welcome?.type === "welcome" && welcome.host, host);
  }
  world.state.sessions.endAll("stopped");
});

const IN_SESSION: readonly (readonly [path: string, methods: readonly string[]])[] = [
  ["poll/SESSION/0", ["GET"]],
  ["messages/SESSION/1", ["POST"]],
  ["probe/SESSION", ["GET", "POST"]],
  [`answer/SESSION/${ID}`, ["POST"]],
  [`answer/SESSION/${ID}/0`, ["POST"]],
  [`body/SESSION/${ID}`, ["GET"]],
  [`body/SESSION/${ID}/0`, ["GET"]],
];

for (const [path, methods] of IN_SESSION) {
  const [method = ""] = methods;

  Deno.test(`${path}: another method is 405 with Allow`, async () => {
    const world = new RelayWorld();
    for (const other of ["GET", "POST", "HEAD", "PUT", "DELETE"]) {
      if (methods.includes(other)) continue;
      const answer = await world.get(`${PREFIX}/${path}`, { method: other });
      assertEquals(answer.status, 405, other);
      assertEquals(headerValue(answer.headers, "allow"), methods.join(", "));
    }
  });

  Deno.test(`${path}: without a key 403; a session that is unknown, or of another key, is the same 410`, async () => {
    const world = new RelayWorld();
    const mine = await PolledProcess.open(world);
    const closed = await PolledProcess.open(world);
    world.state.sessions.find(closed.session)?.end("lost");
    const target = (session: string): string => `${PREFIX}/${path.replace("SESSION", session)}`;
    await assertText(world.get(target(mine.session), { method }), 403, "X-ApiKey");
    await assertText(world.get(target(createId()), { method }), 403, "X-ApiKey");
    const answers: string[] = [];
    for (
      const [session, key] of [
        [mine.session, OTHER_KEY],
        [mine.session, "wrong"],
        [mine.session, ""],
        [createId(), KEY],
        [closed.session, KEY],
        ["nosuch", KEY],
        [encodeURIComponent("../"), KEY],
      ] as const
    ) {
      const answer = await world.get(target(session), { method, headers: ["X-ApiKey", key] });
      answers.push(JSON.stringify([answer.status, answer.headers, await readAnswer(answer)]));
    }
    assertEquals(new Set(answers).size, 1, answers.join("\n"));
    assertMatch(answers[0] ?? "", /^\[410,/);
    assert(world.state.sessions.find(mine.session) !== undefined);
    world.state.sessions.endAll("stopped");
  });
}

Deno.test("modern: what is no route is 404, and nothing else", async () => {
  const world = new RelayWorld();
  const { session } = await PolledProcess.open(world);
  for (
    const path of [
      ...[
        "",
        "nosuch",
        `nosuch/${session}`,
        "control",
        "control/",
        "control/alpha/",
        "session/a/b",
      ],
      ...["poll", `poll/${session}`, `poll/${session}/`, `poll/${session}/x`, `poll/${session}/01`],
      ...[`poll/${session}/-1`, `poll/${session}/1e3`, `poll/${session}/1234567890`],
      ...[
        `poll/${session}/0/0`,
        `messages/${session}/+1`,
        `messages/${session}/ 1`.replace(" ", "%20"),
      ],
      ...[`probe/${session}/0`, `probe/`, `answer/${session}`, `answer/${session}/short`],
      ...[`answer/${session}/${ID}/`, `answer/${session}/${ID}/x`, `answer/${session}/${ID}/0/0`],
      ...[`body/${session}/${ID.slice(1)}%30`, `body/${session}/${ID}/00`],
    ]
  ) {
    for (const method of ["GET", "POST"]) {
      const headers = ["X-ApiKey", KEY];
      const { status } = await world.get(`${PREFIX}/${path}`, { method, headers });
      assertEquals(status, 404, `${method} ${path}`);
    }
  }
  world.state.sessions.endAll("stopped");
});

Deno.test("admin listener: no session opens there", async () => {
  const world = new RelayWorld();
  const [target, options] = toOpening({});
  assertEquals((await world.admin(createFakeRequest(target, options))).status, 405);
  const control = openingOf("control", ["X-ApiKey", KEY, ...PROCESS]);
  const request = createFakeRequest(`${PREFIX}/control/alpha`, control);
  assertEquals((await world.admin(request)).status, 404);
  assertEquals(world.state.sessions.of("alpha"), []);
});
