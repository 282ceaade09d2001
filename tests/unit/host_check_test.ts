import { assertEquals, assertStrictEquals } from "@std/assert";
import { checkHost } from "../../lib/http/host_check.ts";
import type { Handler } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { createFakeRequest } from "../support/fake_request.ts";

/** The status that a request gets, and whether the handler saw it. */
async function ask(
  host: string | undefined,
  {
    boundHost = "127.0.0.1",
    allowedHosts = ["Pages.Example", "fd00::1", "rooted.example."],
    target = "/",
  } = {},
): Promise<{ status: number; isSeen: boolean }> {
  let isSeen = false;
  const handler: Handler = () => {
    isSeen = true;
    return textAnswer(200, "for this computer only");
  };
  const checked = checkHost(handler, { boundHost, allowedHosts: () => allowedHosts });
  const headers = host === undefined ? [] : ["hOST", host];
  const { status } = await checked(createFakeRequest(target, { headers }));
  return { status, isSeen };
}

const taken = [
  "127.0.0.1",
  "127.0.0.1:4001",
  "127.8.9.1",
  "localhost",
  "LOCALHOST:4001",
  "localhost.",
  "localhost.:4001",
  "app.localhost",
  "[::1]",
  "[::1]:4001",
  "pages.example",
  "PAGES.example.:80",
  "[fd00::1]:4001",
  "rooted.example",
  "rooted.example.",
  "",
];

for (const host of taken) {
  Deno.test(`checkHost takes Host "${host}" on a loopback listener`, async () => {
    assertEquals(await ask(host), { status: 200, isSeen: true });
  });
}

// What a page can make a browser send, once its own name points to 127.0.0.1 (DNS rebinding).
const refused = [
  "evil.test",
  "evil.test:4001",
  "localhost.evil.test",
  "127.0.0.1.evil.test",
  "evil.test.",
  "evil-localhost",
  "sub.pages.example",
  "xpages.example",
  "192.168.0.10",
  "[fd00::2]",
  "0.0.0.0:4001",
  "2130706433",
  "%6c%6f%63alhost",
];

for (const host of refused) {
  Deno.test(`checkHost refuses Host "${host}" with 421 (RFC 9110 §15.5.20)`, async () => {
    assertEquals(await ask(host), { status: 421, isSeen: false });
  });
}

Deno.test("checkHost takes a request without Host: no browser sends one", async () => {
  assertEquals(await ask(undefined), { status: 200, isSeen: true });
});

Deno.test("checkHost goes by the authority of an absolute target (RFC 9112 §3.2.2)", async () => {
  assertEquals((await ask("localhost", { target: "http://evil.test/" })).status, 421);
  assertEquals((await ask("evil.test", { target: "http://localhost:4001/" })).status, 200);
  assertEquals((await ask("evil.test", { target: "*" })).status, 421);
  assertEquals((await ask("evil.test", { target: "no target" })).status, 421);
});

Deno.test("checkHost checks on every loopback listener, and on no other", async () => {
  for (const boundHost of ["127.0.0.1", "127.0.0.2", "::1", "localhost", "LocalHost"]) {
    assertEquals((await ask("evil.test", { boundHost })).status, 421, boundHost);
  }
  for (const boundHost of ["0.0.0.0", "::", "192.168.0.10", "pages.example"]) {
    assertEquals((await ask("evil.test", { boundHost })).status, 200, boundHost);
  }
  const handler: Handler = () => textAnswer(200, "");
  assertStrictEquals(checkHost(handler, { boundHost: "0.0.0.0", allowedHosts: () => [] }), handler);
});
