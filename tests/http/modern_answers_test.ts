/** What a visitor gets of a server's answer, and of one that HTTP cannot carry (docs/semantics.md). */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Readable } from "node:stream";
import { headerValue } from "../../lib/http/headers.ts";
import type { HttpAnswer, RawHeaders } from "../../lib/http/message.ts";
import type { RelaySettings } from "../../lib/relay/handlers.ts";
import { DATA } from "../../lib/wire/modern.ts";
import {
  encodeAnswer,
  encodeInform,
  encodeStreamHead,
  type ModernHead,
} from "../../lib/wire/modern_messages.ts";
import { encodeRecord } from "../../lib/wire/records.ts";
import { concatBytes, fromHex, fromLatin1 } from "../support/bytes.ts";
import { type FakeRequestOptions, readAnswer } from "../support/fake_request.ts";
import { PolledProcess } from "../support/polled_process.ts";
import { assertText, RelayWorld, type Visitor } from "../support/relay_world.ts";

const BODY = "hello";
const END = fromHex("23000000000002 0000");

/** How an answer comes. */
type Way = "message" | "stream" | "segment";

class World extends RelayWorld {
  process!: PolledProcess;
  readonly #isByHost: boolean;

  private constructor(settings: Partial<RelaySettings>) {
    super(settings);
    this.#isByHost = settings.hostSuffix !== undefined;
  }

  static async start({ hostSuffix }: { hostSuffix?: string } = {}): Promise<World> {
    const world = new World({ hostSuffix });
    world.process = await PolledProcess.open(world);
    return world;
  }

  async ask(options: FakeRequestOptions = {}): Promise<{ visitor: Visitor; id: string }> {
    const host = this.#isByHost ? "alpha.relay.test" : "relay.test";
    const target = this.#isByHost ? "/x" : "/servers/alpha/x";
    const visitor = this.visit(target, { headers: ["Host", host], ...options });
    return { visitor, id: (await this.process.takeRequest()).id };
  }

  /** Sends an answer; the reply comes when the visitor has it. */
  send(id: string, way: Way, head: ModernHead, body = BODY): Promise<HttpAnswer> {
    if (way === "message") return this.process.say(encodeAnswer(id, head, fromLatin1(body)));
    const data = encodeRecord(DATA, fromLatin1(body));
    const bytes = concatBytes([encodeStreamHead(head), data, END]);
    return this.process.ask(way === "stream" ? `answer/${id}` : `answer/${id}/0`, { body: bytes });
  }

  /** The visitor's answer to an exchange that a server answers so. */
  async answerOf(
    head: ModernHead,
    { way = "message", body = BODY, method = "GET" }: {
      readonly way?: Way;
      readonly body?: string;
      readonly method?: string;
    } = {},
  ): Promise<HttpAnswer & { readonly text: string }> {
    const { visitor, id } = await this.ask({ method });
    const reply = this.send(id, way, head, body);
    const answer = await visitor.answer;
    const text = await readAnswer(answer);
    visitor.request.finish("delivered");
    await reply;
    return { ...answer, text };
  }

  end(): void {
    this.state.sessions.endAll("stopped");
    assertEquals(this.clock.pendingCount, 0);
  }
}

const CANNOT_BE_CARRIED: readonly (readonly [what: string, head: ModernHead, reason: string])[] = [
  ...["", "a b", "a:", "a\r\nb", "\xe9", "a\0", "(a)"].map((name) =>
    [
      `a field called ${JSON.stringify(name)}`,
      { status: 200, headers: [name, "x"] },
      "a malformed header",
    ] as const
  ),
  ...["a\r\nSet-Cookie: forged=1", "a\nb", "a\rb", "a\0b", "\x7f", "\x01"].map((value) =>
    [
      `a value of ${JSON.stringify(value)}`,
      { status: 200, headers: ["X-A", value] },
      'a malformed header \\"X-A\\"',
    ] as const
  ),
  ...[["5", "6"], ["5, 5"], ["-5"], ["+5"], ["0x5"], ["5 "], [""], ["1".repeat(16)]].map((
    lengths,
  ) =>
    [
      `the lengths ${JSON.stringify(lengths)}`,
      { status: 200, headers: lengths.flatMap((length) => ["Content-Length", length]) },
      "a malformed Content-Length",
    ] as const
  ),
  ...[0, 99, 600, 999, 65_535].map((status) =>
    [`the status ${status}`, { status, headers: [] }, `the status ${status}`] as const
  ),
];

for (const way of ["message", "stream", "segment"] as const) {
  Deno.test(`answer by ${way}: one that HTTP cannot carry is 502, and the session goes on`, async () => {
    const world = await World.start();
    const cases = way === "message" ? CANNOT_BE_CARRIED : [
      ...CANNOT_BE_CARRIED,
      ["the status 101, unasked for", { status: 101, headers: [] }, "nobody asked for it"] as const,
    ];
    for (const [what, head, reason] of cases) {
      const { visitor, id } = await world.ask();
      const reply = world.send(id, way, head);
      const answer = await visitor.answer;
      assertEquals(answer.status, 502, what);
      assertEquals(
        headerValue(answer.headers, "proxy-status"),
        "ptth_relay; error=http_protocol_error",
      );
      await assertText(answer, 502, "cannot be understood");
      visitor.request.finish("delivered");
      assertEquals((await reply).status, way === "message" ? 204 : 410, what);
      const [line = "", ...more] = world.logged("WARN").slice(-1);
      assertStringIncludes(line, "Answer cannot be carried server=alpha");
      assertStringIncludes(line, reason);
      assertEquals(more, []);
    }
    assertEquals(world.logged("WARN").length, cases.length);
    const { status, text } = await world.answerOf({ status: 200, headers: [] }, { way });
    assertEquals([status, text], [200, BODY]);
    world.end();
  });
}

Deno.test("answer by message: a length that is not the body's is 502; none for HEAD, 204 and 304", async () => {
  const world = await World.start();
  for (const length of ["4", "6", "0"]) {
    const head = { status: 200, headers: ["Content-Length", length] };
    assertEquals((await world.answerOf(head)).status, 502);
  }
  const head = { status: 200, headers: ["Content-Length", "999"] };
  const asked = await world.answerOf(head, { method: "HEAD", body: "" });
  assertEquals([asked.status, headerValue(asked.headers, "content-length")], [200, "999"]);
  const same = await world.answerOf({ ...head, status: 304 }, { body: "" });
  assertEquals([same.status, headerValue(same.headers, "content-length")], [304, "999"]);
  const none = await world.answerOf({ ...head, status: 204 }, { body: "" });
  assertEquals([none.status, headerValue(none.headers, "content-length")], [204, undefined]);
  world.end();
});

Deno.test("answer: the same length twice is one length", async () => {
  const world = await World.start();
  for (const way of ["message", "stream", "segment"] as const) {
    const headers = ["Content-Length", "5", "content-length", "5"];
    const answer = await world.answerOf({ status: 200, headers }, { way });
    assertEquals([answer.status, answer.headers, answer.text], [
      200,
      ["Content-Length", "5"],
      BODY,
    ]);
  }
  world.end();
});

Deno.test("inform: interim answers go on at once, but for those that HTTP cannot carry", async () => {
  const world = await World.start();
  const { visitor, id } = await world.ask();
  const informs = [
    {
      status: 103,
      headers: ["Link", "</a.css>; rel=preload", "Connection", "X-Hop", "X-Hop", "1"],
    },
    { status: 103, headers: ["Link", "</a.css>\r\nSet-Cookie: forged"] },
    { status: 103, headers: ["a b", "c"] },
    { status: 102, headers: ["Content-Length", "5", "Proxy-Status", "ptth_relay", "X-A", "1"] },
    { status: 199, headers: [] },
  ];
  await world.process.say(...informs.map((head) => encodeInform(id, head)));
  await world.process.say(
    encodeAnswer(id, { status: 200, headers: [] }, fromLatin1(BODY)),
    // Too late.
    encodeInform(id, { status: 103, headers: [] }),
  );
  assertEquals((await visitor.answer).status, 200);
  assertEquals(visitor.request.informed, [
    { status: 103, headers: ["Link", "</servers/alpha/a.css>; rel=preload"] },
    { status: 102, headers: ["X-A", "1"] },
    { status: 199, headers: [] },
  ]);
  visitor.request.finish("delivered");
  world.end();
});

const HOPS: RawHeaders = [
  ...["Connection", "close, X-Hop", "connection", "X-Other", "X-Hop", "1", "x-other", "2"],
  ...["Keep-Alive", "timeout=5", "Proxy-Connection", "close", "Proxy-Authenticate", "Basic"],
  ...["Proxy-Authorization", "x", "TE", "trailers", "Transfer-Encoding", "chunked"],
  ...["Upgrade", "h2c"],
];

Deno.test("answer: fields of one hop, and those that Connection names, stay behind; others pass as they are", async () => {
  const world = await World.start();
  for (const way of ["message", "stream", "segment"] as const) {
    const headers = ["X-A", "1", ...HOPS, "x-a", "2", "ETag", '"\xe9"', "X-Hops", "kept"];
    const answer = await world.answerOf({ status: 200, headers }, { way });
    assertEquals(answer.headers, ["X-A", "1", "x-a", "2", "ETag", '"\xe9"', "X-Hops", "kept"]);
    assertEquals(answer.text, BODY);
  }
  world.end();
});

Deno.test("answer: nobody but the relay speaks as the relay, and nobody gives orders to its proxy", async () => {
  const orders = [
    ...["X-Accel-Redirect", "X-Sendfile", "X-Sendfile2", "X-LIGHTTPD-send-file"],
    ...["X-Reproxy-URL", "X-Reproxy-File", "X-LiteSpeed-Location"],
  ];
  for (const hostSuffix of [undefined, "relay.test"]) {
    const world = await World.start(hostSuffix === undefined ? {} : { hostSuffix });
    const answer = await world.answerOf({
      status: 502,
      headers: [
        ...["Proxy-Status", "ptth_relay; error=destination_not_found"],
        ...["proxy-status", "origin; error=x, PTTH_RELAY; error=y"],
        ...["Proxy-Status", "origin.example; error=connection_timeout"],
        ...orders.flatMap((name) => [name, "/etc/passwd", name.toLowerCase(), "/etc/passwd"]),
        ...["X-Accel-Buffering", "no"],
      ],
    });
    assertEquals(answer.status, 502);
    assertEquals(answer.headers, [
      ...["Proxy-Status", "origin.example; error=connection_timeout"],
      ...["X-Accel-Buffering", "no"],
    ]);
    world.end();
  }
});

Deno.test("answer: what speaks for all of an origin passes by a host of its own, and not below a path", async () => {
  const headers = [
    ...["Service-Worker-Allowed", "/", "Strict-Transport-Security", "max-age=9", "X-A", "1"],
    ...["Clear-Site-Data", '"*"', "Alt-Svc", 'h2=":443"', "NEL", "{}", "Report-To", "{}"],
  ];
  const shared = await World.start();
  assertEquals((await shared.answerOf({ status: 200, headers })).headers, ["X-A", "1"]);
  shared.end();
  const own = await World.start({ hostSuffix: "relay.test" });
  assertEquals((await own.answerOf({ status: 200, headers })).headers, headers);
  own.end();
});

Deno.test("answer: a cookie goes to no other server, whatever Domain it has", async () => {
  const cookies = [
    "a=b; Domain=relay.test",
    "a=b; Domain=.Test; Secure",
    "a=b; Domain=alpha.relay.test",
  ];
  const headers = cookies.flatMap((cookie) => ["Set-Cookie", cookie]);
  const ask = async (world: World): Promise<readonly string[]> => {
    const answer = await world.answerOf({ status: 200, headers });
    world.end();
    return answer.headers.filter((text) => text !== "Set-Cookie");
  };
  assertEquals(await ask(await World.start()), ["a=b", "a=b; Secure", "a=b"]);
  const byHost = await ask(await World.start({ hostSuffix: "relay.test" }));
  assertEquals(byHost, ["a=b", "a=b; Secure", "a=b; Domain=alpha.relay.test"]);
});

Deno.test("answer: trailers, and the field that announces them, go with a body without a length only", async () => {
  const world = await World.start();
  for (const [length, expected] of [[[], ["Trailer", "X-T"]], [["Content-Length", "5"], []]]) {
    const { visitor, id } = await world.ask();
    const head = { status: 200, headers: [...length ?? [], "Trailer", "X-T"] };
    const trailer = fromHex("23 00000000000b 0002 0003 0002 582d54 6f6b");
    const body = concatBytes([
      encodeStreamHead(head),
      encodeRecord(DATA, fromLatin1(BODY)),
      trailer,
    ]);
    const reply = world.process.ask(`answer/${id}`, { body });
    const answer = await visitor.answer;
    assertEquals(answer.headers, [...length ?? [], ...expected ?? []]);
    assert(answer.body instanceof Readable);
    assertEquals(await readAnswer(answer), BODY);
    assertEquals(answer.trailers?.(), length?.length === 0 ? ["X-T", "ok"] : undefined);
    visitor.request.finish("delivered");
    assertEquals((await reply).status, 200);
  }
  world.end();
});
