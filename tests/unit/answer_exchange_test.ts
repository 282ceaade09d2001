import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Readable } from "node:stream";
import { RESPONSE_TIMEOUT_MS } from "../../lib/base/limits.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { Handler, HttpRequest } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { answerExchange } from "../../lib/server/answer_exchange.ts";
import type { RelayAnswer, RelayRequest } from "../../lib/server/relay_request.ts";
import type { ClassicRequest } from "../../lib/wire/http_serde.ts";
import { decodeMagicHeader } from "../../lib/wire/http_serde.ts";
import { ManualClock } from "../support/manual_clock.ts";
import { createMemoryLog } from "../support/memory_log.ts";
import { readBody } from "../support/read_body.ts";
import { turn } from "../support/turn.ts";

interface World {
  readonly clock: ManualClock;
  readonly posts: RelayRequest[];
  readonly requests: HttpRequest[];
  readonly lines: string[];
  run(handler: Handler, changes?: Partial<Options>): Promise<void>;
}

interface Options {
  readonly request: Partial<ClassicRequest>;
  readonly reply: (post: RelayRequest) => Promise<Partial<RelayAnswer>>;
  readonly signal: AbortSignal;
  readonly throttleUpload: boolean;
}

function setUp(): World {
  const clock = new ManualClock();
  const { log, lines } = createMemoryLog(clock);
  const posts: RelayRequest[] = [];
  const requests: HttpRequest[] = [];
  return {
    clock,
    posts,
    requests,
    lines,
    run: (handler, changes = {}) =>
      answerExchange({ id: "ID/1", method: "GET", uri: "/a", headers: [], ...changes.request }, {
        baseUrl: "http://relay.test/7ZSFUKGV",
        apiKey: "the key",
        handler: (request) => {
          requests.push(request);
          return handler(request);
        },
        client: {
          request: async (post) => {
            posts.push(post);
            const reply = await changes.reply?.(post);
            const body = new Uint8Array();
            return { status: 200, headers: [], body, isBodySent: true, ...reply };
          },
        },
        clock,
        log,
        signal: changes.signal ?? new AbortController().signal,
        throttleUpload: changes.throttleUpload ?? false,
      }),
  };
}

function magicOf(post: RelayRequest | undefined): ReturnType<typeof decodeMagicHeader> {
  return decodeMagicHeader(headerValue(post?.headers ?? [], "x-ptth-2ljyxwc4") ?? "");
}

const hello: Handler = () => textAnswer(200, "hello");

Deno.test("answerExchange posts the answer with key, magic header and limits", async () => {
  const world = setUp();
  await world.run(hello, { request: { uri: "/x%20y", headers: ["accept", "\xff"] } });
  const [post] = world.posts;
  assertEquals(post?.method, "POST");
  assertEquals(post?.url.href, "http://relay.test/7ZSFUKGV/http_response/ID%2F1");
  assertEquals(headerValue(post?.headers ?? [], "host"), "relay.test");
  assertEquals(headerValue(post?.headers ?? [], "x-apikey"), "the key");
  assertEquals(magicOf(post).status, 200);
  assertEquals(headerValue(magicOf(post).headers, "content-length"), "6");
  assertEquals(post?.bodyLength, 6);
  assertEquals(post?.answerTimeoutMs, RESPONSE_TIMEOUT_MS);
  const [request] = world.requests;
  assertEquals([request?.method, request?.target], ["GET", "/x%20y"]);
  assertEquals(request?.headers, ["accept", "\xff"]);
  assertEquals(request?.body, null);
  assertEquals(await request?.finished, "delivered");
  assertEquals(request?.signal.aborted, false);
  assertEquals(world.lines, []);
});

for (
  const [how, handler] of [
    ["throws", () => {
      throw new Error("secret path");
    }],
    ["rejects", () => Promise.reject(new Error("secret path"))],
  ] as const satisfies readonly (readonly [string, Handler])[]
) {
  Deno.test(`answerExchange posts a 500 without the reason when the handler ${how}`, async () => {
    const world = setUp();
    await world.run(handler);
    assertEquals(world.posts.length, 1);
    assertEquals(magicOf(world.posts[0]).status, 500);
    const body = new TextDecoder().decode(await readBody(world.posts[0]?.body ?? null));
    assertEquals(body.includes("secret"), false);
    assertEquals(world.lines.length, 1);
    assertStringIncludes(world.lines[0] ?? "", "ERROR Handler failed");
    assertStringIncludes(world.lines[0] ?? "", "secret path");
  });
}

Deno.test("answerExchange logs a lost relay once, tells the handler, and does not reject", async () => {
  const world = setUp();
  await world.run(hello, { reply: () => Promise.reject(new Error("connection reset")) });
  assertEquals(world.lines.length, 1);
  assertStringIncludes(
    world.lines[0] ?? "",
    'WARN Answer was cut id=ID/1 reason="connection reset"',
  );
  assertEquals(await world.requests[0]?.finished, "cut");
  assertEquals(world.requests[0]?.signal.aborted, true);
});

for (
  const [what, reply] of [
    ["an early answer", { isBodySent: false }],
    ["502, the visitor left", { status: 502 }],
  ] as const
) {
  Deno.test(`answerExchange aborts the request's signal after ${what}, and logs nothing`, async () => {
    const world = setUp();
    await world.run(hello, { reply: () => Promise.resolve(reply) });
    assertEquals(world.requests[0]?.signal.aborted, true);
    assertEquals(await world.requests[0]?.finished, "cut");
    assertEquals(world.lines, []);
  });
}

for (const status of [400, 401, 500]) {
  Deno.test(`answerExchange logs an answer that the relay refuses with ${status}`, async () => {
    const world = setUp();
    await world.run(hello, { reply: () => Promise.resolve({ status }) });
    assertEquals(world.lines, [`WARN Answer refused by the relay id=ID/1 status=${status}`]);
    assertEquals(await world.requests[0]?.finished, "cut");
  });
}

Deno.test("answerExchange logs nothing when the server itself gives up", async () => {
  const world = setUp();
  const controller = new AbortController();
  await world.run(hello, {
    signal: controller.signal,
    reply: () => {
      controller.abort();
      return Promise.reject(new Error("aborted"));
    },
  });
  assertEquals(world.lines, []);
  assertEquals(world.requests[0]?.signal.aborted, true);
});

Deno.test("answerExchange neither rejects nor leaks a body whose headers cannot be encoded", async () => {
  const world = setUp();
  const body = new Readable({ read: (): void => {} });
  await world.run(() => ({ status: 200, headers: ["X-Name", "\u{1F600}"], body }));
  assertEquals(world.posts.length, 1);
  assertEquals(magicOf(world.posts[0]).status, 500);
  assert(body.destroyed);
});

Deno.test("answerExchange sends HEAD without a body, and destroys the one that was made", async () => {
  const world = setUp();
  const body = new Readable({ read: (): void => {} });
  await world.run(
    () => ({ status: 200, headers: ["Content-Length", "5000"], body }),
    { request: { method: "HEAD" } },
  );
  assertEquals([world.posts[0]?.body, world.posts[0]?.bodyLength], [null, 0]);
  assertEquals(headerValue(magicOf(world.posts[0]).headers, "content-length"), "5000");
  assert(body.destroyed);
});

Deno.test("answerExchange with throttleUpload sends one chunk a second, and small bodies at once", async () => {
  const world = setUp();
  const source = Readable.from([Uint8Array.of(1), Uint8Array.of(2)], { objectMode: false });
  const received: number[] = [];
  const run = world.run(() => ({ status: 200, headers: ["Content-Length", "2"], body: source }), {
    throttleUpload: true,
    reply: async ({ body }) => {
      assert(body instanceof Readable);
      for await (const chunk of body) received.push(...chunk);
      return {};
    },
  });
  await turn();
  assertEquals(received, []);
  world.clock.advance(999);
  await turn();
  assertEquals(received, []);
  world.clock.advance(1);
  await turn();
  assertEquals(received, [1]);
  world.clock.advance(1000);
  await run;
  assertEquals(received, [1, 2]);
  assert(source.destroyed);
  assertEquals(world.clock.pendingCount, 0);
  const small = setUp();
  await small.run(hello, { throttleUpload: true });
  assert(small.posts[0]?.body instanceof Uint8Array);
});

Deno.test("answerExchange with throttleUpload lets go of the body when the relay breaks off", async () => {
  const world = setUp();
  const source = new Readable({
    read(): void {
      this.push(Uint8Array.of(1));
    },
  });
  const controller = new AbortController();
  await world.run(() => ({ status: 200, headers: [], body: source }), {
    throttleUpload: true,
    signal: controller.signal,
    reply: async ({ body }) => {
      assert(body instanceof Readable);
      body.resume();
      await turn();
      // As RelayClient does: it owns the body.
      body.destroy();
      controller.abort();
      throw new Error("aborted");
    },
  });
  await turn();
  assert(source.destroyed);
  assertEquals(world.clock.pendingCount, 0);
});
