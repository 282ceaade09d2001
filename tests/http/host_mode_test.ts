/** Which server a visitor's request is for, by path and by host (docs/protocol.md, "Routes"). */

import { assert, assertEquals } from "@std/assert";
import { headerValue } from "../../lib/http/headers.ts";
import { toTripcode } from "../../lib/auth/tripcode.ts";
import { encodeAnswer, type ModernRequest } from "../../lib/wire/modern_messages.ts";
import type { FakeRequestOptions } from "../support/fake_request.ts";
import { PolledProcess, toOpening } from "../support/polled_process.ts";
import { ALPHA, assertText, BETA, KEY, RelayWorld } from "../support/relay_world.ts";

const SUFFIX = "relay.test";
const entryOf = (name: string) => ({ name, tripcode: toTripcode(KEY), displayName: name });
/** Beside alpha and beta: in upper case, and such that no host name can hold. */
const ENTRIES = [ALPHA, BETA, entryOf("My-Server"), entryOf("a.b"), entryOf("under_score")];

class World extends RelayWorld {
  constructor({ hostSuffix }: { readonly hostSuffix?: string } = {}) {
    super({ hostSuffix, publicServerList: true }, ENTRIES);
  }

  /** What a server gets of a request, whoever that is; or the relay's answer. */
  async where(
    target: string,
    { host = SUFFIX, ...options }: FakeRequestOptions & { readonly host?: string } = {},
  ): Promise<{ readonly name: string; readonly request: ModernRequest } | number> {
    const processes = await Promise.all(ENTRIES.map(async ({ name }) => ({
      name,
      process: await PolledProcess.open(this, {
        name,
        ...name === "beta" ? { key: "test key of beta" } : {},
      }),
    })));
    const polls = processes.map(({ name, process }) => ({ name, process, held: process.poll() }));
    const { request, answer } = this.visit(target, { ...options, headers: ["Host", host] });
    const given = polls.map(async ({ name, process, held }) => {
      const [message] = await process.take(held);
      assert(message?.type === "request");
      await process.say(encodeAnswer(message.request.id, { status: 299, headers: [] }, NO_BYTES));
      return { name, request: message.request };
    });
    for (const one of given) one.catch(() => {});
    const { status } = await answer;
    request.finish("delivered");
    const found = status === 299 ? await Promise.any(given) : status;
    this.state.sessions.endAll("stopped");
    assertEquals(this.clock.pendingCount, 0);
    return found;
  }
}

const NO_BYTES = new Uint8Array();

async function assertReaches(
  world: World,
  target: string,
  options: FakeRequestOptions & { readonly host?: string },
  expected: { readonly name: string; readonly target: string },
): Promise<void> {
  const found = await world.where(target, options);
  assert(typeof found === "object", `${options.host} ${target}: ${found}`);
  assertEquals({ name: found.name, target: found.request.target }, expected);
}

const HOSTS: readonly (readonly [host: string, name: string])[] = [
  ["alpha.relay.test", "alpha"],
  ["beta.relay.test", "beta"],
  ["ALPHA.Relay.TEST", "alpha"],
  ["my-server.relay.test", "My-Server"],
  ["MY-SERVER.relay.test", "My-Server"],
  ["alpha.relay.test:8080", "alpha"],
  ["alpha.relay.test:", "alpha"],
  ["alpha.relay.test.", "alpha"],
  ["alpha.relay.test.:80", "alpha"],
  ["anything.alpha.relay.test", "alpha"],
  ["beta.alpha.relay.test", "alpha"],
  ["a.b.c.alpha.relay.test", "alpha"],
  [".alpha.relay.test", "alpha"],
];

for (const [host, name] of HOSTS) {
  Deno.test(`host mode: ${host} is the server ${name}, and the target goes as it was sent`, async () => {
    const world = new World({ hostSuffix: SUFFIX });
    for (const target of ["/", "/x?q=1", "/servers/beta/x", "/a//b/%2e%2e/..\\c/../?/..", "//x"]) {
      await assertReaches(world, target, { host }, { name, target });
    }
  });
}

const UNKNOWN_HOSTS = [
  "nosuch.relay.test",
  "alpha.nosuch.relay.test",
  ".relay.test",
  "-.relay.test",
];

for (
  const host of [...UNKNOWN_HOSTS, "a.b.relay.test", "a%6cpha.relay.test", "alpha:1.relay.test"]
) {
  Deno.test(`host mode: ${host} is 404, whatever the path`, async () => {
    const world = new World({ hostSuffix: SUFFIX });
    for (const target of ["/", "/servers/alpha/x", "/frontend/relay_up_check", "/servers/"]) {
      assertEquals(await world.where(target, { host }), 404);
    }
    // Servers come in by the relay's own host.
    assertEquals((await world.get("/", { headers: ["Host", host] })).status, 404);
  });
}

const OTHER_HOSTS = [
  ...[
    "relay.test",
    "RELAY.test:80",
    "relay.test.",
    "other.test",
    "alpharelay.test",
    "",
    "192.0.2.1",
  ],
  ...["alpha.relay.test.other.test", "[::1]:80", "alpha.relay.test..", "alpha"],
];

for (const host of OTHER_HOSTS) {
  Deno.test(`host mode: "${host}" is no server's host, so the path tells the server`, async () => {
    const world = new World({ hostSuffix: SUFFIX });
    await assertReaches(world, "/servers/alpha/x", { host }, { name: "alpha", target: "/x" });
    assertEquals(await world.where("/x", { host }), 404);
    assertEquals(await world.where("/frontend/relay_up_check", { host }), 200);
  });
}

Deno.test("host mode: without a suffix the host never matters", async () => {
  const world = new World();
  const host = "beta.relay.test";
  await assertReaches(world, "/servers/alpha/x", { host }, { name: "alpha", target: "/x" });
  assertEquals(await world.where("/x", { host }), 404);
});

Deno.test("host mode: an absolute target wins over Host, in both directions", async () => {
  const world = new World({ hostSuffix: SUFFIX });
  const byHost = { name: "alpha", target: "/x?q" };
  for (const host of ["beta.relay.test", "relay.test", "other.test"]) {
    await assertReaches(world, "http://alpha.relay.test/x?q", { host }, byHost);
    await assertReaches(world, "HTTPS://ALPHA.relay.test:8443/x?q", { host }, byHost);
  }
  const host = "beta.relay.test";
  const byPath = { name: "alpha", target: "/x" };
  await assertReaches(world, "http://relay.test/servers/alpha/x", { host }, byPath);
  await assertReaches(world, "http://alpha.relay.test", { host }, { name: "alpha", target: "/" });
  assertEquals(await world.where("http://nosuch.relay.test/", { host }), 404);
  // User information before the host is there to deceive.
  assertEquals(await world.where("http://alpha.relay.test@beta.relay.test/", { host }), 400);
});

Deno.test("host mode: OPTIONS * is for the server of the host", async () => {
  const world = new World({ hostSuffix: SUFFIX });
  const options = { method: "OPTIONS", host: "alpha.relay.test" };
  await assertReaches(world, "*", options, { name: "alpha", target: "*" });
  assertEquals(await world.where("*", { method: "OPTIONS" }), 404);
});

Deno.test("host mode: no server connects by a server's host", async () => {
  const world = new World({ hostSuffix: SUFFIX });
  const [target, { method, headers }] = toOpening({});
  const byHost = ["Host", "nosuch.relay.test", ...headers.slice(2)];
  await assertText(world.get(target, { method, headers: byHost }), 404, "no server");
  const found = await world.where(target, { method: "POST", host: "beta.relay.test" });
  assert(typeof found === "object");
  assertEquals([found.name, found.request.target], ["beta", target]);
});

Deno.test("host mode: the server is told the host, and no prefix", async () => {
  const world = new World({ hostSuffix: SUFFIX });
  const found = await world.where("/x", { host: "www.alpha.relay.test:8080" });
  assert(typeof found === "object");
  const { headers } = found.request;
  assertEquals(headerValue(headers, "host"), "www.alpha.relay.test:8080");
  assertEquals(headerValue(headers, "x-forwarded-host"), "www.alpha.relay.test:8080");
  assertEquals(headerValue(headers, "x-forwarded-prefix"), undefined);
});

const RAW_PATHS = [
  ...["/", "//", "//x", "/a//b/", "/./x", "/a/.", "/a/../b", "/a/b/../..//", "/.../..a/a.."],
  ...[
    "/%2e",
    "/a%2fb",
    "/a/b%2F..",
    "/a/%2e%2E/b",
    "/a\\b",
    "/c/d/a%5c..%5cb",
    "/a;b/..;x/c",
    "/%",
    "/%zz",
  ],
  ...["/x?/../../beta/", "/x?%2e%2e/%2e%2e", "/caf\xe9?\xff", '/|{}"<>^`'],
];

Deno.test("path mode: what stays below the server's name goes as it was sent", async () => {
  const world = new World();
  for (const path of RAW_PATHS) {
    for (const prefix of ["/servers/", "/frontend/servers/"]) {
      for (const method of ["GET", "POST", "DELETE"]) {
        const expected = { name: "alpha", target: path };
        await assertReaches(world, `${prefix}alpha${path}`, { method }, expected);
      }
    }
  }
});

Deno.test("path mode: a fragment, which no browser sends, is cut off", async () => {
  const expected = { name: "alpha", target: "/x" };
  await assertReaches(new World(), "/servers/alpha/x#/../beta", {}, expected);
});

const ESCAPES = [
  ...[
    "/..",
    "/../",
    "/../beta/x",
    "/a/../../beta/x",
    "/./../beta/",
    "//../beta/",
    "/a//../../beta",
  ],
  ...["/%2e%2e/beta/x", "/%2E./beta/x", "/.%2e/beta/x", "/a/%2e%2e/%2e%2e/beta/x"],
  ...[
    "/..%2fbeta/x",
    "/..%2Fbeta/x",
    "/%2e%2e%2fbeta/x",
    "/a/..%2f..%2fbeta/x",
    "/a%2f..%2f..%2fbeta",
  ],
  ...[
    "/..\\beta/x",
    "/..%5cbeta/x",
    "/a\\..\\..\\beta/x",
    "/a%5C..%5c..%5cbeta/x",
    "/a/..\\../beta",
  ],
  ...["/..;/beta/x", "/..;x/beta/x", "/%2e%2e;/beta/x", "/../alpha/x", "/../../servers/alpha/x"],
];

Deno.test("path mode: what can be read as another server's path is 400, whoever asks how", async () => {
  const world = new World();
  for (const path of ESCAPES) {
    for (const prefix of ["/servers/", "/frontend/servers/"]) {
      for (const method of ["GET", "POST", "OPTIONS"]) {
        assertEquals(await world.where(`${prefix}alpha${path}`, { method }), 400, path);
      }
    }
  }
});

Deno.test("path mode: a name that has other readings is no server's", async () => {
  const world = new World();
  for (
    const target of [
      ...[
        "/servers/alpha%2f..%2fbeta/x",
        "/servers/alpha\\..\\beta/x",
        "/servers/%2e%2e/servers/alpha/x",
      ],
      ...["/servers//alpha/x", "/servers/alpha;/x", "/servers/alpha%00/x", "/servers/%2falpha/x"],
      ...["//servers/alpha/x", "/x/../servers/alpha/x", "/servers%2falpha/x", "/Servers/alpha/x"],
      ...["/servers/ALPHA/x", "/servers/alpha%/x", "/servers/alph%c3%a1/x"],
    ]
  ) {
    assertEquals(await world.where(target), 404, target);
  }
  // One reading alone.
  const expected = { name: "alpha", target: "/x" };
  await assertReaches(world, "/servers/%61lph%61/x", {}, expected);
});
