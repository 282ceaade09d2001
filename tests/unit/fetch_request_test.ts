import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { Readable } from "node:stream";
import type { HttpAnswer } from "../../lib/http/message.ts";
import { toFetchRequest } from "../../lib/server/fetch_request.ts";
import { createFakeRequest, type FakeRequestOptions, readAnswer } from "../support/fake_request.ts";

const RELAY = new URL("https://relay.test:8443/p");

function made(target: string, options?: FakeRequestOptions): Request {
  const request = toFetchRequest(createFakeRequest(target, options), RELAY);
  assertInstanceOf(request, Request);
  return request;
}

function refused(target: string, options?: FakeRequestOptions): HttpAnswer {
  const answer = toFetchRequest(createFakeRequest(target, options), RELAY);
  assert(!(answer instanceof Request));
  return answer;
}

const FORWARDED = [
  ["Host", "inner.test"],
  ["X-Forwarded-Proto", "https"],
  ["X-Forwarded-Host", "public.test:444"],
  ["X-Forwarded-Prefix", "/servers/me"],
].flat();

const URLS: readonly (readonly [string, readonly string[], string])[] = [
  ["/a/b?x=1", FORWARDED, "https://public.test:444/a/b?x=1"],
  ["/", ["x-forwarded-host", "one.test, two.test"], "https://one.test/"],
  ["/", ["x-forwarded-proto", "HTTP , https", "host", "h.test"], "http://h.test/"],
  ["/", ["Host", "[::1]:81", "X-Forwarded-Proto", "http"], "http://[::1]:81/"],
  // The relay's own, where the request does not say.
  ["/a", [], "https://relay.test:8443/a"],
  ["/a", ["Host", "", "X-Forwarded-Host", ""], "https://relay.test:8443/a"],
  ["/a", ["Host", "h.test", "X-Forwarded-Host", ""], "https://h.test/a"],
  ["http://abs.test/a", ["Host", "h.test"], "https://abs.test/a"],
  // What the class makes of it.
  ["/a/../b//c\\d", FORWARDED, "https://public.test:444/b//c/d"],
  ["/%2e%2e/%zz/a%2fb", FORWARDED, "https://public.test:444/%zz/a%2fb"],
  ["//evil.test/x", FORWARDED, "https://public.test:444//evil.test/x"],
  ["/@evil.test/x", FORWARDED, "https://public.test:444/@evil.test/x"],
  // Bytes of UTF-8, one character each.
  ["/\xc3\xa9?\xc3\xa9", FORWARDED, "https://public.test:444/%C3%A9?%C3%A9"],
];

for (const [target, headers, url] of URLS) {
  Deno.test(`toFetchRequest: ${target} ${headers.join(" ")} is ${url}`, () => {
    assertEquals(made(target, { headers }).url, url);
  });
}

const MALFORMED: readonly (readonly [string, FakeRequestOptions])[] = [
  ["*", {}],
  ["", {}],
  ["/a b", {}],
  ["ftp://h.test/", {}],
  ["/", { headers: ["Host", "a b"] }],
  ["/", { headers: ["Host", "user@h.test"] }],
  ["/", { headers: ["Host", "h.test/x"] }],
  ["/", { headers: ["Host", "1.2.3.999"] }],
  ["/", { headers: ["Host", "h.test:99999"] }],
  ["/", { headers: ["Host", "%zz"] }],
  ["/", { headers: ["Host", "h.test", "X-Forwarded-Proto", "ftp"] }],
  ["/", { headers: ["Host", "h.test", "a b", "x"] }],
  ["/", { headers: ["Host", "h.test", "a", "x\0y"] }],
  ["/", { headers: ["Host", "h.test", "a", "x\u0100y"] }],
  ["/", { method: "G T" }],
];

for (const [target, options] of MALFORMED) {
  Deno.test(`toFetchRequest answers 400 to ${JSON.stringify([target, options])}`, () => {
    assertEquals(refused(target, options).status, 400);
  });
}

for (const method of ["CONNECT", "TRACE", "TRACK", "trace"]) {
  Deno.test(`toFetchRequest answers 501 to the method ${method}`, async () => {
    const answer = refused("/", { method });
    assertEquals(answer.status, 501);
    assertEquals(await readAnswer(answer), `${method} is not supported\n`);
  });
}

Deno.test("toFetchRequest keeps methods, and what fields mean", () => {
  for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"]) {
    assertEquals(made("/", { method }).method, method);
  }
  const { headers } = made("/", {
    headers: [
      "Host",
      "h.test",
      "A",
      "2",
      "a",
      "1",
      "Cookie",
      "x=1",
      "cookie",
      "y=2; z",
      "B",
      "\xe9",
    ],
  });
  assertEquals([...headers], [
    ["a", "2, 1"],
    ["b", "\xe9"],
    ["cookie", "x=1; y=2; z"],
    ["host", "h.test"],
  ]);
});

Deno.test("toFetchRequest passes a body on, unread", async () => {
  const fake = createFakeRequest("/", { method: "POST", body: "some text" });
  const request = toFetchRequest(fake, RELAY);
  assertInstanceOf(request, Request);
  assertEquals(fake.body?.readableDidRead, false);
  assertEquals(await request.text(), "some text");
  assertEquals(made("/", { method: "POST" }).body, null);
});

Deno.test("toFetchRequest has no body for GET, HEAD, and an upgrade; what comes is given up", () => {
  for (
    const options of [
      { method: "GET" },
      { method: "HEAD" },
      { method: "POST", upgrade: "websocket" },
    ]
  ) {
    const fake = createFakeRequest("/", { ...options, body: "some text" });
    const request = toFetchRequest(fake, RELAY);
    assertInstanceOf(request, Request);
    assertEquals([request.body, fake.body?.destroyed], [null, true]);
  }
});

Deno.test("toFetchRequest aborts the signal when the visitor is gone, with the reason", async () => {
  const visitor = new AbortController();
  const fake = { ...createFakeRequest("/"), signal: visitor.signal, body: Readable.from([]) };
  const request = toFetchRequest(fake, RELAY);
  assertInstanceOf(request, Request);
  assertEquals(request.signal.aborted, false);
  const aborted = new Promise((resolve) => request.signal.addEventListener("abort", resolve));
  visitor.abort(new Error("left"));
  await aborted;
  assertEquals(request.signal.reason.message, "left");
});
