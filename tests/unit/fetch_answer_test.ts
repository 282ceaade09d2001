import { assertEquals } from "@std/assert";
import { toFetchAnswer } from "../../lib/server/fetch_answer.ts";
import { readAnswer } from "../support/fake_request.ts";
import { turn } from "../support/turn.ts";

function failAtOnce(reason: string): never {
  throw new Error(reason);
}

Deno.test("toFetchAnswer keeps status, fields and body; Set-Cookie fields stay apart, in order", async () => {
  const response = new Response("body", { status: 418, headers: { "X-B": "1", "x-a": "2" } });
  for (const cookie of ["b=1", "a=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=3"]) {
    response.headers.append("Set-Cookie", cookie);
  }
  response.headers.append("Link", "</a>");
  response.headers.append("Link", "</b>");
  const answer = toFetchAnswer(response, failAtOnce);
  assertEquals(answer.status, 418);
  assertEquals(answer.headers, [
    ...["content-type", "text/plain;charset=UTF-8"],
    ...["link", "</a>, </b>"],
    ...["set-cookie", "b=1"],
    ...["set-cookie", "a=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
    ...["set-cookie", "b=3"],
    ...["x-a", "2"],
    ...["x-b", "1"],
  ]);
  assertEquals(await readAnswer(answer), "body");
});

Deno.test("toFetchAnswer has no body where the Response has none", () => {
  for (const status of [200, 204, 205, 304]) {
    const answer = toFetchAnswer(new Response(null, { status }), failAtOnce);
    assertEquals([answer.status, answer.body], [status, null]);
  }
});

Deno.test("toFetchAnswer leaves fields out that are of one connection", () => {
  const headers = { connection: "x-own", "x-own": "1", "transfer-encoding": "chunked", "x-b": "2" };
  assertEquals(toFetchAnswer(new Response(null, { headers }), failAtOnce).headers, ["x-b", "2"]);
});

async function usedUp(): Promise<Response> {
  const response = new Response("x");
  await response.text();
  return response;
}

async function begun(): Promise<Response> {
  const response = new Response("x");
  const reader = response.body?.getReader();
  await reader?.read();
  reader?.releaseLock();
  return response;
}

function locked(): Response {
  const response = new Response("x");
  response.body?.getReader();
  return response;
}

const FAULTS: readonly (readonly [string, () => unknown, string])[] = [
  ["no Response", () => ({ status: 200, headers: [], body: null }), "the handler gave no Response"],
  ["nothing", () => undefined, "the handler gave no Response"],
  ["Response.error()", () => Response.error(), "its status is 0"],
  // Deno makes such a one; it would be half a WebSocket.
  ["a Response of 101", () => new Response(null, { status: 101 }), "its status is 101"],
  ["a body that is used up", usedUp, "its body is used already"],
  ["a body that has been begun", begun, "its body is used already"],
  ["a body that somebody reads", locked, "its body is used already"],
  [
    "a malformed Content-Length",
    () => new Response("x", { headers: { "Content-Length": "one" } }),
    "its Content-Length is no number",
  ],
];

for (const [what, make, reason] of FAULTS) {
  Deno.test(`toFetchAnswer makes 500 of ${what}, and says so`, async () => {
    const faults: string[] = [];
    const answer = toFetchAnswer(await make(), (fault) => faults.push(fault));
    assertEquals(answer.status, 500);
    assertEquals(await readAnswer(answer), "Internal error\n");
    assertEquals(faults, [reason]);
  });
}

Deno.test("toFetchAnswer cancels the body of a Response that cannot be sent", async () => {
  const cancelled = Promise.withResolvers<Error>();
  const body = new ReadableStream({ cancel: (reason) => cancelled.resolve(reason) });
  toFetchAnswer(new Response(body, { headers: { "Content-Length": "-1" } }), () => {});
  const reason = "Cannot send Response: its Content-Length is no number";
  assertEquals((await cancelled.promise).message, reason);
});

Deno.test("toFetchAnswer says why a body failed", async () => {
  const faults: string[] = [];
  const body = new ReadableStream({ pull: () => Promise.reject(new Error("disk failure")) });
  const answer = toFetchAnswer(new Response(body), (fault) => faults.push(fault));
  assertEquals(faults, []);
  await readAnswer(answer).catch(() => {});
  await turn();
  assertEquals(faults, ["disk failure"]);
});
