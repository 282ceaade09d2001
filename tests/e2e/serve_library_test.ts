/** The library: handlers of Fetch over a real relay, and the example as a process. */

import { assert, assertEquals, assertLess, assertMatch, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { createHash } from "node:crypto";
import {
  type AddressInfo,
  connect,
  createServer,
  type Server as NetServer,
  type Socket,
} from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { ClosedError } from "../../lib/base/errors.ts";
import { IDLE_CONNECTION_MS } from "../../lib/base/limits.ts";
import {
  type PtthServer,
  serve,
  type ServeHandler,
  type ServeOptions,
} from "../../lib/server/serve.ts";
import { ChildProgram } from "../support/child_program.ts";
import { Gate } from "../support/gate.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { PROJECT, toDenoArgs } from "../support/programs.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { readCa, readTlsOptions } from "../support/tls_files.ts";
import { KEY, NAME, type RunningRelay, startRelay, toServerEntry } from "../support/tunnel.ts";
import { patternOf } from "../support/bytes.ts";
import { fieldOf, toRequestText, visit } from "../support/visit.ts";

const TARGET = `/servers/${NAME}/x`;
const MIB = 1024 * 1024;

/** A server that the relay has taken; the key of the tests is a weak one. */
async function startServing(
  { url }: RunningRelay,
  handler: ServeHandler,
  options: Partial<ServeOptions> = {},
): Promise<PtthServer> {
  const server = serve(handler, {
    relayUrl: url,
    name: NAME,
    apiKey: KEY,
    allowWeakKey: true,
    ...options,
  });
  await server.connected;
  return server;
}

/** A strong one. */
function createKey(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toBase64();
}

async function hashOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

Deno.test("serve: the handler gets method, URL, fields and the raw target", async () => {
  await using relay = await startRelay();
  await using server = await startServing(
    relay,
    (request, { target, remoteAddr }) =>
      Response.json({
        method: request.method,
        url: request.url,
        target,
        address: remoteAddr.hostname,
        headers: [...request.headers],
      }),
  );
  const { url, transport } = await server.connected;
  assertEquals([url, transport], [`${relay.url}/servers/${NAME}/`, "control channel"]);
  const { body, status } = await visit(relay.port, `/servers/${NAME}/a/../b%2f//c?x=%zz&y=`, {
    method: "PATCH",
    headers: ["X-A: 2", "x-a: 1", "Cookie: a=1", "Cookie: b=2", "X-B: \xe9"],
  });
  const { headers, ...seen } = JSON.parse(body);
  assertEquals(status, 200);
  assertEquals(seen, {
    method: "PATCH",
    url: "http://relay.test/b%2f//c?x=%zz&y=",
    target: "/a/../b%2f//c?x=%zz&y=",
    address: "127.0.0.1",
  });
  const fields = new Headers(headers);
  const values = ["x-a", "cookie", "host", "x-forwarded-prefix"].map((name) => fields.get(name));
  assertEquals(values, ["2, 1", "a=1; b=2", "relay.test", `/servers/${NAME}`]);
  // As UTF-8 in the JSON, one character per byte here.
  assertEquals(fields.get("x-b"), "\xc3\xa9");
});

Deno.test("serve: the visitor gets status, fields in order and a body, with a length if small", async () => {
  await using relay = await startRelay();
  await using _server = await startServing(relay, () => {
    const response = new Response("body", { status: 418, headers: { Location: "/login" } });
    for (const cookie of ["b=1", "a=2", "b=3"]) response.headers.append("Set-Cookie", cookie);
    return response;
  });
  const answer = await visit(relay.port, TARGET);
  assertEquals([answer.status, answer.body, answer.isComplete], [418, "body", true]);
  assertEquals(fieldOf(answer, "content-length"), "4");
  assertEquals(fieldOf(answer, "location"), `/servers/${NAME}/login`);
  const cookies = [...answer.head.matchAll(/^set-cookie: (.*)\r$/gim)].map(([, value]) => value);
  assertEquals(cookies, ["b=1", "a=2", "b=3"]);
});

Deno.test("serve: 10 MB stream in and out, and are the same", async () => {
  const block = patternOf(MIB);
  const hash = createHash("sha256");
  const upload = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 10; i++) {
      block[0] = i;
      const piece = block.slice();
      hash.update(piece);
      yield piece;
    }
  };
  await using relay = await startRelay();
  await using _server = await startServing(relay, (request) => new Response(request.body));
  const response = await fetch(`${relay.url}${TARGET}`, {
    method: "POST",
    body: ReadableStream.from(upload()),
  });
  const returned = await hashOf(response.body ?? ReadableStream.from([]));
  assertEquals(returned, hash.digest("hex"));
});

Deno.test("serve: small bodies come and go whole, without a stream", async () => {
  await using relay = await startRelay();
  await using _server = await startServing(
    relay,
    async (request) => Response.json(await request.json()),
  );
  const response = await fetch(`${relay.url}${TARGET}`, { method: "PUT", body: '{"a": [1]}' });
  assertEquals([await response.text(), response.headers.get("content-length")], ['{"a":[1]}', "9"]);
});

Deno.test("serve: an answer is not held back, and its first bytes come before its last are made", async () => {
  const gate = new Gate();
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    yield bytesOf("first, ");
    await gate.pass();
    yield bytesOf("last");
  };
  const completed = Promise.withResolvers<void>();
  await using relay = await startRelay();
  await using _server = await startServing(relay, (_request, info) => {
    info.completed.then(completed.resolve, completed.reject);
    return new Response(ReadableStream.from(chunks()), { headers: { "Content-Length": "11" } });
  });
  await using visitor = await RawConnection.open(relay.port);
  await visitor.send(toRequestText(TARGET, { headers: ["Connection: close"] }));
  await visitor.readThrough("\r\n\r\nfirst, ");
  await gate.reached;
  gate.open();
  assertEquals(await visitor.readToEnd(), "last");
  await completed.promise;
});

/** What a visitor's leaving does to a handler. */
interface Leaving {
  readonly handler: ServeHandler;
  /** Each settles when its part has come true. */
  readonly aborted: Promise<unknown>;
  readonly cancelled: Promise<unknown>;
  readonly completed: Promise<unknown>;
  readonly held: Gate;
}

function watchLeaving({ isHeld }: { readonly isHeld: boolean }): Leaving {
  const aborted = Promise.withResolvers<unknown>();
  const cancelled = Promise.withResolvers<unknown>();
  const completed = Promise.withResolvers<unknown>();
  const held = new Gate();
  const handler: ServeHandler = async (request, info) => {
    request.signal.addEventListener("abort", () => aborted.resolve(request.signal.reason));
    info.completed.catch(completed.resolve);
    if (isHeld) await held.pass();
    return new Response(
      new ReadableStream({
        start: (controller): void => controller.enqueue(bytesOf("first")),
        cancel: (reason): void => cancelled.resolve(reason),
      }),
    );
  };
  return {
    handler,
    held,
    aborted: aborted.promise,
    cancelled: cancelled.promise,
    completed: completed.promise,
  };
}

for (const isHeld of [false, true]) {
  const when = isHeld ? "before its answer begins" : "in the middle of its answer";
  Deno.test(`serve: a visitor that leaves ${when} aborts the signal and cancels the body`, async () => {
    const leaving = watchLeaving({ isHeld });
    const { log, lines } = createMemoryLog();
    await using relay = await startRelay();
    await using _server = await startServing(relay, leaving.handler, { log });
    const visitor = await RawConnection.open(relay.port);
    await visitor.send(toRequestText(TARGET));
    if (isHeld) await leaving.held.reached;
    else await visitor.readThrough("first");
    await visitor.close();
    assert(await leaving.aborted instanceof ClosedError);
    leaving.held.open();
    assert(await leaving.cancelled instanceof ClosedError);
    assert(await leaving.completed instanceof ClosedError);
    assertEquals(lines.filter((line) => line.startsWith("ERROR")), []);
  });
}

Deno.test("serve: a handler that gives up along with its visitor has not failed", async () => {
  const over = Promise.withResolvers<void>();
  const held = new Gate();
  const { log, lines } = createMemoryLog();
  await using relay = await startRelay();
  await using _server = await startServing(relay, async ({ signal }, info) => {
    info.completed.catch(() => over.resolve());
    void held.pass();
    return await new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  }, { log });
  const visitor = await RawConnection.open(relay.port);
  await visitor.send(toRequestText(TARGET));
  await held.reached;
  await visitor.close();
  await over.promise;
  assertEquals(lines.filter((line) => line.startsWith("ERROR")), []);
});

Deno.test("serve: a body that the visitor breaks off fails for the handler", async () => {
  const failed = Promise.withResolvers<unknown>();
  const begun = new Gate();
  await using relay = await startRelay();
  await using _server = await startServing(relay, async ({ body }) => {
    try {
      for await (const _chunk of body ?? []) void begun.pass();
    } catch (error) {
      failed.resolve(error);
    }
    return new Response();
  });
  const visitor = await RawConnection.open(relay.port);
  const headers = ["Content-Length: 1000000"];
  await visitor.send(toRequestText(TARGET, { method: "POST", headers }) + "a".repeat(100_000));
  await begun.reached;
  await visitor.close();
  assert(await failed.promise instanceof ClosedError);
});

Deno.test("serve: HEAD, 204 and 304 have no body, and what the handler made is cancelled", async () => {
  const cancelled = Promise.withResolvers<unknown>();
  await using relay = await startRelay();
  await using _server = await startServing(relay, ({ url, method }) => {
    const status = Number(new URL(url).pathname.slice(1));
    if (method !== "HEAD") return new Response(null, { status, headers: { ETag: '"1"' } });
    const body = new ReadableStream({ cancel: (reason): void => cancelled.resolve(reason) });
    return new Response(body, { headers: { "Content-Length": "1000" } });
  });
  for (const status of [204, 205, 304]) {
    const answer = await visit(relay.port, `/servers/${NAME}/${status}`);
    assertEquals([answer.status, answer.body, answer.isComplete], [status, "", true]);
    assertEquals(fieldOf(answer, "etag"), '"1"');
  }
  const answer = await visit(relay.port, TARGET, { method: "HEAD" });
  assertEquals([answer.status, answer.body, answer.isComplete], [200, "", true]);
  assertEquals(fieldOf(answer, "content-length"), "1000");
  await cancelled.promise;
});

Deno.test("serve: what goes wrong is 500 for the visitor, without details, and a line in the log", async () => {
  const { log, lines } = createMemoryLog();
  await using relay = await startRelay();
  await using _server = await startServing(relay, async ({ url }) => {
    switch (new URL(url).pathname) {
      case "/throws":
        throw new Error("a secret path");
      case "/used": {
        const response = new Response("x");
        await response.text();
        return response;
      }
      default:
        return Response.error();
    }
  }, { log });
  for (const path of ["throws", "used", "error"]) {
    const answer = await visit(relay.port, `/servers/${NAME}/${path}`);
    assertEquals([answer.status, answer.body], [500, "Internal error\n"]);
  }
  assertEquals(lines.filter((line) => line.startsWith("ERROR")), [
    'ERROR Handler failed reason="a secret path" target=/throws',
    'ERROR Response cannot be sent reason="its body is used already" target=/used',
    'ERROR Response cannot be sent reason="its status is 0" target=/error',
  ]);
});

Deno.test("serve: a body that fails, or is not as long as it says, is cut and never ended", async () => {
  const gates = { "/fails": new Gate(), "/short": new Gate() };
  const { log, lines } = createMemoryLog();
  await using relay = await startRelay();
  await using _server = await startServing(relay, (_request, { target }) => {
    const path = target === "/fails" ? "/fails" : "/short";
    const chunks = async function* (): AsyncGenerator<Uint8Array> {
      yield bytesOf("first");
      await gates[path].pass();
      if (path === "/fails") throw new Error("disk failure");
    };
    const headers: HeadersInit = path === "/short" ? { "Content-Length": "6" } : {};
    return new Response(ReadableStream.from(chunks()), { headers });
  }, { log });
  for (const path of ["/fails", "/short"] as const) {
    await using visitor = await RawConnection.open(relay.port);
    await visitor.send(toRequestText(`/servers/${NAME}${path}`));
    await visitor.readThrough("first");
    gates[path].open();
    assertEquals((await visitor.readToEnd()).trim(), "");
  }
  assertEquals(lines.filter((line) => line.startsWith("ERROR")), [
    'ERROR Response cannot be sent reason="disk failure" target=/fails',
  ]);
});

Deno.test("serve: a weak key is refused before a byte is sent", async () => {
  let connections = 0;
  const relay = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  const { port } = relay.address() as AddressInfo;
  const options = { relayUrl: `http://127.0.0.1:${port}`, name: NAME };
  {
    await using server = serve(() => new Response(), { ...options, apiKey: KEY });
    const error = await assertRejects(() => server.connected, RangeError, "Cannot use apiKey");
    assert(!error.message.includes(KEY));
    // Nor by a server that is shut down before its key has been looked at.
    const other = serve(() => new Response(), { ...options, apiKey: createKey() });
    await other.shutdown();
    await assertRejects(() => other.connected, ClosedError);
  }
  assertEquals(connections, 0);
  // A strong one goes out.
  const connected = new Promise((resolve) => relay.once("connection", resolve));
  {
    await using _server = serve(() => new Response(), { ...options, apiKey: createKey() });
    await connected;
  }
  await new Promise((resolve) => relay.close(resolve));
});

Deno.test("serve: shutdown takes no more, lets an exchange in flight end, and ends", async () => {
  const gate = new Gate();
  await using relay = await startRelay({ reconnectGraceMs: 50 });
  const server = await startServing(relay, async () => {
    await gate.pass();
    return new Response("late");
  });
  const visiting = visit(relay.port, TARGET);
  await gate.reached;
  let isOver = false;
  const stopping = Promise.all([server.shutdown(), server[Symbol.asyncDispose]()])
    .finally(() => isOver = true);
  assertEquals((await visit(relay.port, TARGET)).status, 503);
  assertEquals(isOver, false);
  gate.open();
  assertEquals((await visiting).body, "late");
  await stopping;
});

/** Stands between server and relay, with TLS or without; knows what connections there are. */
class Middle implements AsyncDisposable {
  readonly #listener: NetServer;
  readonly #sockets = new Set<Socket>();
  readonly #allClosed = Promise.withResolvers<void>();

  constructor(relayPort: number, tls?: TlsOptions) {
    const pass = (socket: Socket): void => {
      this.#sockets.add(socket);
      const onward = connect(relayPort, "127.0.0.1").on("error", () => {});
      socket.pipe(onward).pipe(socket);
      socket.on("error", () => {}).on("close", () => {
        onward.destroy();
        this.#sockets.delete(socket);
        if (this.#sockets.size === 0) this.#allClosed.resolve();
      });
    };
    this.#listener = tls === undefined ? createServer(pass) : createTlsServer(tls, pass);
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#listener.listen(0, "127.0.0.1", resolve));
    const address = this.#listener.address();
    return address === null || typeof address === "string" ? 0 : address.port;
  }

  /** Resolves when the last connection is gone. */
  get allClosed(): Promise<void> {
    return this.#allClosed.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#listener.close(resolve));
  }
}

Deno.test("serve: after a shutdown no connection is kept", async () => {
  await using relay = await startRelay();
  await using middle = new Middle(relay.port);
  const server = await startServing(relay, () => new Response(new Uint8Array(200_000)), {
    relayUrl: `http://127.0.0.1:${await middle.start()}`,
  });
  assertEquals((await visit(relay.port, TARGET)).isComplete, true);
  const before = performance.now();
  await server.shutdown();
  await middle.allClosed;
  assertLess(performance.now() - before, IDLE_CONNECTION_MS / 2);
});

Deno.test("serve: reaches its relay by https, with an authority of its own", async () => {
  await using relay = await startRelay();
  await using middle = new Middle(relay.port, readTlsOptions("localhost"));
  const { log, lines } = createMemoryLog();
  await using server = await startServing(relay, () => new Response("safe"), {
    relayUrl: new URL(`https://localhost:${await middle.start()}/7ZSFUKGV/`),
    caCertificates: readCa(),
    log,
  });
  assertMatch((await server.connected).url, /^https:\/\/localhost:\d+\/servers\/home\/$/);
  assertEquals((await visit(relay.port, TARGET)).body, "safe");
  assertEquals(lines.filter((line) => !line.startsWith("INFO")), []);
});

const ENOUGH: readonly (readonly [string, Partial<ServeOptions>, AbortSignal | undefined])[] = [
  ["its drainTimeoutMs is over", { drainTimeoutMs: 0 }, undefined],
  ["its signal has aborted", { drainTimeoutMs: Infinity }, AbortSignal.abort()],
];

for (const [when, options, signal] of ENOUGH) {
  Deno.test(`serve: shutdown cuts what is in flight once ${when}`, async () => {
    const leaving = watchLeaving({ isHeld: false });
    await using relay = await startRelay();
    const server = await startServing(relay, leaving.handler, options);
    await using visitor = await RawConnection.open(relay.port);
    await visitor.send(toRequestText(TARGET));
    await visitor.readThrough("first");
    await server.shutdown(signal);
    assertEquals((await visitor.readToEnd()).includes("0\r\n\r\n"), false);
    await Promise.all([leaving.cancelled, leaving.aborted, leaving.completed]);
  });
}

Deno.test("serve: a second shutdown can have less patience than the first", async () => {
  const leaving = watchLeaving({ isHeld: true });
  await using relay = await startRelay({ reconnectGraceMs: 50 });
  const server = await startServing(relay, leaving.handler, { drainTimeoutMs: Infinity });
  const visiting = visit(relay.port, TARGET);
  await leaving.held.reached;
  const stopping = server.shutdown();
  const deadline = new AbortController();
  const stoppingSoon = server.shutdown(deadline.signal);
  deadline.abort();
  await Promise.all([stopping, stoppingSoon]);
  leaving.held.open();
  assertEquals((await visiting).status, 502);
});

Deno.test("serve: two servers in one program have each their own visitors", async () => {
  await using relay = await startRelay({ servers: [toServerEntry("one"), toServerEntry("two")] });
  await using _one = await startServing(relay, () => new Response("1"), { name: "one" });
  await using _two = await startServing(relay, () => new Response("2"), { name: "two" });
  const bodies = ["one", "two", "one"].map(async (name) =>
    (await visit(relay.port, `/servers/${name}/`)).body
  );
  assertEquals(await Promise.all(bodies), ["1", "2", "1"]);
});

Deno.test("serve: the example answers, tells the time as it goes, reads what is sent, and stops", async () => {
  const key = createKey();
  await using relay = await startRelay({ servers: [toServerEntry("hello", key)] });
  await using program = ChildProgram.start(Deno.execPath(), {
    args: [
      ...toDenoArgs(readExamplePermissions(), "docs/examples/hello_server.ts"),
      relay.url,
      "hello",
    ],
    cwd: PROJECT,
    env: { PTTH_API_KEY: key },
  });
  await program.untilStdout(/^Visitors: http:\S+\/servers\/hello\/$/m);
  const hello = await visit(relay.port, "/servers/hello/hello?name=Ada%20L");
  assertEquals([hello.status, hello.body], [200, "Hello Ada L\n"]);
  const lines = await fetch(`${relay.url}/servers/hello/lines`, {
    method: "POST",
    body: "a line\n".repeat(100_000),
  });
  assertEquals(await lines.json(), { lines: 100_000 });
  assertEquals((await visit(relay.port, "/servers/hello/lines")).status, 404);
  await using visitor = await RawConnection.open(relay.port);
  await visitor.send(toRequestText("/servers/hello/clock"));
  assertMatch(await visitor.readThrough("Z\n\n"), /text\/event-stream[^]*data: \d{4}-\d\d-\d\dT/);
  await visitor.close();
  program.signal("SIGINT");
  assertEquals(await program.untilEnd(), 0, program.stderr);
  assert(!(program.stdout + program.stderr).includes(key));
});

Deno.test("serve: a program beside a copy of the project finds it by a workspace", async () => {
  await using folder = await TempFolder.create();
  await copyFolder(join(PROJECT, "lib"), folder.at("ptth/lib"));
  await Deno.copyFile(join(PROJECT, "deno.json"), folder.at("ptth/deno.json"));
  await Deno.copyFile(join(PROJECT, "deno.lock"), folder.at("deno.lock"));
  await folder.write("deno.json", '{ "workspace": ["./ptth"] }');
  await folder.write(
    "main.ts",
    `import { type PtthServer, serve } from "./ptth/lib/server/serve.ts";
    const options = { relayUrl: "http://127.0.0.1:1", name: "me", apiKey: "weak" };
    const server: PtthServer = serve(({ url }) => new Response(url), options);
    console.log(await server.connected.catch((error: unknown) => String(error)));`,
  );
  await using program = ChildProgram.start(Deno.execPath(), {
    args: ["run", "--no-prompt", "--check", "--cached-only", "main.ts"],
    cwd: folder.path,
  });
  assertEquals(await program.untilEnd(), 0, program.stderr);
  assertMatch(program.stdout, /^RangeError: Cannot use apiKey/);
});

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}

/** The permissions that the example names for itself. */
function readExamplePermissions(): readonly string[] {
  const text = Deno.readTextFileSync(
    new URL("../../docs/examples/hello_server.ts", import.meta.url),
  );
  const line = /deno run (--.*?) \\$/m.exec(text)?.[1];
  if (line === undefined) throw new Error("Cannot find the permissions in hello_server.ts");
  return line.split(" ");
}
