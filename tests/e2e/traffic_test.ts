/** The traffic that other tests rely on: it is right where all is well, and sees what is wrong. */

import { assert, assertEquals } from "@std/assert";
import { Readable } from "node:stream";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer } from "../../lib/files/file_server.ts";
import type { Handler } from "../../lib/http/message.ts";
import { createDispatcher } from "../../lib/server/dispatch.ts";
import { Deliveries } from "../support/deliveries.ts";
import { createUpload, openOrigin } from "../support/origins.ts";
import { RawServer } from "../support/raw_server.ts";
import { readBody } from "../support/read_body.ts";
import { SeededRandom } from "../support/seeded_random.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { Traffic, type TrafficReport } from "../support/traffic.ts";
import { toTrafficPath, TrafficBytes, type TrafficExchange } from "../support/traffic_exchange.ts";
import { createTrafficHandler } from "../support/traffic_handler.ts";
import { type VisitorKind, VISITORS } from "../support/traffic_kinds.ts";
import { writeTrafficFile } from "../support/traffic_file.ts";
import { readTrafficNotes, startTrafficOrigin } from "../support/traffic_origin.ts";
import { NAME, startRelay, startServer } from "../support/tunnel.ts";

const SEED = 20_261_126;
const KINDS = Object.keys(VISITORS) as VisitorKind[];
const NONE = { ok: 0, refused: 0, cut: 0, unreached: 0, left: 0, violation: 0 };

/** A relay and a server with this handler, and three visitors of each kind. */
async function visit(
  handler: Handler,
  kinds: readonly VisitorKind[],
  options: { readonly hungMs?: number; readonly file?: { path: string; length: number } } = {},
): Promise<{ readonly report: TrafficReport; readonly goodNumbers: ReadonlySet<number> }> {
  await using relay = await startRelay();
  await using _server = await startServer(relay.url, handler);
  const traffic = new Traffic({
    port: relay.port,
    name: NAME,
    random: new SeededRandom(SEED),
    kinds,
    ...options,
  });
  traffic.start(3);
  await traffic.stop();
  return { report: traffic.report(), goodNumbers: traffic.goodNumbers };
}

for (const kind of KINDS) {
  Deno.test(`traffic, ${kind}: a handler of a server is found right, and nothing delivered twice`, async () => {
    await using folder = await TempFolder.create();
    const file = await writeTrafficFile(folder, SEED);
    const deliveries = new Deliveries();
    const violations: string[] = [];
    const own = createTrafficHandler({
      delivered: (exchange, method) => deliveries.add(exchange, method),
      violation: (text) => violations.push(text),
    });
    const files = createDispatcher({
      files: createFileServer({
        ...{ fileSystem: denoFileSystem, root: folder.path, clock: systemClock },
        log: silentLogger,
      }),
    });
    const handler: Handler = (request) =>
      request.target.startsWith("/files/") ? files(request) : own(request);
    const { report, goodNumbers } = await visit(handler, [kind], { file });
    assertEquals(report.violations, []);
    const { ok, left, ...others } = report.total;
    assertEquals({ ...others, ok: 0, left: 0 }, NONE);
    assert(kind === "leaves early" ? left === 3 : ok >= 3, JSON.stringify(report));
    assertEquals(violations, []);
    assertEquals(deliveries.findViolations({ mayRepeatReads: false }), []);
    assertEquals(deliveries.findMissing(goodNumbers), []);
  });
}

Deno.test("traffic: an origin as a process is found right, and its notes have every exchange", async () => {
  await using folder = await TempFolder.create();
  const file = folder.at("notes");
  await using program = await startTrafficOrigin({ port: 0, file });
  using origin = openOrigin(program.port);
  const kinds = KINDS.filter((kind) => kind !== "range of a file");
  const { report, goodNumbers } = await visit(createDispatcher({ origins: [origin] }), kinds);
  assertEquals(report.violations, []);
  const { deliveries, violations } = await readTrafficNotes(file);
  assertEquals(violations, []);
  assertEquals(deliveries.findViolations({ mayRepeatReads: true }), []);
  assertEquals(deliveries.findMissing(goodNumbers), []);
  assert(deliveries.size >= 3);
});

const RIGHT = createTrafficHandler({ delivered: () => {}, violation: () => {} });

Deno.test("traffic: a wrong byte is a violation", async () => {
  const handler: Handler = async (request) => {
    const { status, headers, body } = await RIGHT(request);
    const bytes = new Uint8Array(await readBody(body));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    return { status, headers, body: bytes };
  };
  const { report } = await visit(handler, ["medium GET"]);
  assertEquals(report.total, { ...NONE, violation: 3 });
  assert(report.violations.every((text) => /answer is corrupted: byte \d+ is wrong/.test(text)));
});

Deno.test("traffic: an answer that ends too early, and in good order, is a violation", async () => {
  const handler: Handler = async (request) => {
    const { status, headers, body } = await RIGHT(request);
    const bytes = await readBody(body);
    return { status, headers, body: Readable.from([bytes.slice(0, -1)], { objectMode: false }) };
  };
  const { report } = await visit(handler, ["big chunked GET"]);
  assertEquals(report.total, { ...NONE, violation: 3 });
  assert(report.violations.every((text) => text.includes("was cut and looks complete")));
});

Deno.test("traffic: an answer that never comes is a violation", async () => {
  const { report } = await visit(
    ({ signal }) => new Promise((_, reject) => signal.addEventListener("abort", reject)),
    ["small GET"],
    { hungMs: 50 },
  );
  assertEquals(report.total, { ...NONE, cut: 3 });
  assert(report.violations.length >= 3);
  assert(report.violations.every((text) => text.includes("hangs")));
});

for (
  const [what, answer, outcome] of [
    ["shorter than its length", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "cut"],
    ["without its last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "cut"],
    ["that is none", "", "cut"],
    ["without a length", "HTTP/1.1 200 OK\r\n\r\n", "violation"],
    ["with a bare line feed", "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", "violation"],
    ["of another status", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", "violation"],
    [
      "of the relay's own",
      "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nProxy-Status: ptth_relay; error=x\r\n\r\n",
      "refused",
    ],
  ] as const
) {
  Deno.test(`traffic: an answer ${what} counts as ${outcome}`, async () => {
    await using relay = await RawServer.listen(async (connection) => {
      await connection.readHead();
      connection.send(answer);
      connection.socket.end();
    });
    const random = new SeededRandom(SEED);
    const traffic = new Traffic({ port: relay.port, name: NAME, random, kinds: ["medium GET"] });
    traffic.start(1);
    await traffic.stop();
    assertEquals(traffic.report().total, { ...NONE, [outcome]: 1 });
  });
}

Deno.test("traffic: where there is no relay, it counts as unreached", async () => {
  const relay = await RawServer.listen(() => {});
  await relay[Symbol.asyncDispose]();
  const random = new SeededRandom(SEED);
  const traffic = new Traffic({ port: relay.port, name: NAME, random });
  traffic.start(2);
  await traffic.stop();
  assertEquals(traffic.report().total, { ...NONE, unreached: 2 });
});

const UPLOAD: TrafficExchange = {
  kind: "sink",
  ...{ seed: SEED, number: 7, length: 1000, isChunked: false },
};

for (
  const [what, bytes, fault] of [
    ["cut short", new TrafficBytes(UPLOAD, "up").slice(0, 999), "was cut and looks complete"],
    ["with a wrong byte", new TrafficBytes(UPLOAD, "up").slice(1, 1000), "is corrupted: byte 0"],
  ] as const
) {
  Deno.test(`traffic: an upload ${what} is a violation`, async () => {
    const violations: string[] = [];
    const handler = createTrafficHandler({
      delivered: () => {},
      violation: (text) => violations.push(text),
    });
    const body = Readable.from([bytes], { objectMode: false });
    const answer = await handler(createUpload(toTrafficPath(UPLOAD), body));
    await readBody(answer.body);
    assertEquals(violations.length, 1);
    assert(violations[0]?.includes(fault), violations[0]);
  });
}

Deno.test("deliveries: what arrives twice is told, but for reads where they may", () => {
  const deliveries = new Deliveries();
  for (
    const [number, method] of [[1, "GET"], [2, "GET"], [2, "GET"], [3, "POST"], [
      3,
      "POST",
    ]] as const
  ) {
    deliveries.add({ number }, method);
  }
  const post = "exchange 3 (POST) was delivered 2 times";
  assertEquals(deliveries.findViolations({ mayRepeatReads: true }), [post]);
  assertEquals(deliveries.findViolations({ mayRepeatReads: false }), [
    "exchange 2 (GET) was delivered 2 times",
    post,
  ]);
  deliveries.add({ number: 2 }, "GET");
  assertEquals(deliveries.findViolations({ mayRepeatReads: true }).length, 2);
  assertEquals(deliveries.findMissing([1, 2, 4]), [4]);
});
