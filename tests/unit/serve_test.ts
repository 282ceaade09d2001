import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ClosedError } from "../../lib/base/errors.ts";
import { serve, type ServeHandler, type ServeOptions } from "../../lib/server/serve.ts";

const KEY = "0Jq4mS7bGx2vE9pZr5tYh8wKc3nLd6uA1fQiVoXeTgM=";
const RIGHT: ServeOptions = { relayUrl: "http://127.0.0.1:1", name: "home", apiKey: KEY };

const denoHandler: Deno.ServeHandler<Deno.NetAddr> = (request, info) =>
  new Response(`${request.url} ${info.remoteAddr.hostname}`);
// One for Deno.serve is one for this, or it does not compile.
const handler: ServeHandler = denoHandler;

type Fault = readonly [Partial<Record<keyof ServeOptions, unknown>>, string];

const MALFORMED: readonly Fault[] = [
  [{ relayUrl: "relay.example.com" }, "Cannot use relayUrl: it must be an http:// or https:// URL"],
  [{ relayUrl: "https://me:secret@relay.example.com" }, "Cannot use relayUrl: it must be an http"],
  [{ relayUrl: new URL("ftp://relay.example.com") }, "Cannot use relayUrl: it must be an http"],
  [{ relayUrl: undefined }, "Cannot use relayUrl: it must be an http"],
  [{ name: "a/b" }, "Cannot use name: it must be 1 to 63 letters"],
  [{ name: "" }, "Cannot use name: it must be 1 to 63 letters"],
  [{ name: undefined }, "Cannot use name: it must be a string"],
  [{ apiKey: undefined }, "Cannot use apiKey: it is no string"],
  [{ apiKey: "" }, "Cannot use apiKey: it is empty"],
  [{ apiKey: `${KEY}\n` }, "Cannot use apiKey: it begins or ends with white space"],
  [
    { apiKey: `${KEY}é`, allowWeakKey: true },
    "Cannot use apiKey: it has a character outside ASCII",
  ],
  [
    { relayUrl: "http://relay.test", env: (): string => "socks5://me:secret@proxy.test" },
    "Cannot use the environment variable http_proxy: proxies of the kind socks5:// are not supported",
  ],
];

function serveWith(changes: Partial<Record<keyof ServeOptions, unknown>>): void {
  // As a program would that is not checked.
  serve(handler, Object.assign({}, RIGHT, changes));
}

for (const [changes, message] of MALFORMED) {
  Deno.test(`serve refuses ${JSON.stringify(changes)}, and quotes no secret`, () => {
    const error = assertThrows(() => serveWith(changes), TypeError, message);
    assert(!error.message.includes("secret") && !error.message.includes(KEY));
  });
}

for (const drainTimeoutMs of [-1, NaN, 86_400_001]) {
  Deno.test(`serve refuses a drainTimeoutMs of ${drainTimeoutMs}`, () => {
    assertThrows(
      () => serveWith({ drainTimeoutMs }),
      RangeError,
      `drainTimeoutMs ${drainTimeoutMs}`,
    );
  });
}

Deno.test("serve refuses certificates that it cannot read", () => {
  assertThrows(() => serveWith({ caCertificates: "?" }), SyntaxError, "Cannot read certificates");
});

Deno.test("serve: a shutdown before the relay has taken it rejects connected, and no more", async () => {
  for (const drainTimeoutMs of [0, Infinity]) {
    const server = serve(handler, { ...RIGHT, drainTimeoutMs });
    await server.shutdown();
    await assertRejects(() => server.connected, ClosedError, "was shut down before the relay");
    await server.shutdown();
    // Nobody listens: a rejection that is not handled would fail this test.
    await using _unheard = serve(handler, RIGHT);
  }
});

Deno.test("serve refuses a weak key by connected, and does not quote it", async () => {
  await using server = serve(handler, { ...RIGHT, apiKey: "correct horse" });
  const error = await assertRejects(() => server.connected, RangeError, "Cannot use apiKey: it ");
  assert(!error.message.includes("horse"));
  assertEquals(error.message.endsWith("ptth_server --generate-key"), true);
});
