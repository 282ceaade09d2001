/**
 * The requests of smuggling_test to handlers in the server itself: one that reads bodies, and one
 * that answers before they have come, as a folder does. What is left of a body is never the next
 * request.
 */

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { INLINE_REQUEST_BYTES } from "../../lib/base/limits.ts";
import type { Handler, HttpAnswer, HttpRequest } from "../../lib/http/message.ts";
import { textAnswer } from "../../lib/http/text_answer.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { readBody } from "../support/read_body.ts";
import { type SmugglingRow, toSmugglingRows } from "../support/smuggling_rows.ts";
import { exchange, parseAnswers, toRequest } from "../support/smuggling_world.ts";
import { startRelay, startServer } from "../support/tunnel.ts";

const HOST = "relay.test";

/** Asked for in place of a body that was announced, and not sent with its head. */
const SMUGGLED = toRequest("smuggled", HOST);

function answer({ method, target }: HttpRequest, body: Uint8Array): HttpAnswer {
  const length = method === "HEAD" ? "" : `, ${body.length} bytes`;
  return textAnswer(200, `${method} ${target}${length}`);
}

Deno.test("smuggling: to a handler that reads bodies", async (t) => {
  const seen: string[] = [];
  const handler: Handler = async (request) => {
    // With an upgrade it is what comes once that is granted.
    const body = await readBody(request.upgrade === null ? request.body : null);
    seen.push(`${request.method} ${request.target} ${Buffer.from(body).toString("latin1")}`);
    return answer(request, body);
  };
  await using relay = await startRelay({ hostSuffix: HOST });
  await using _server = await startServer(relay.url, handler);
  for (const row of toSmugglingRows(HOST)) {
    await t.step(row.what, async () => {
      const { bytes, later = "", reads } = row;
      const second = toRequest("second", HOST);
      const text = later === ""
        ? await exchange(relay.port, bytes + second)
        : await exchange(relay.port, bytes, { later: later + second });
      const answers = parseAnswers(text, bytes.split(" ", 1)[0]);
      const next = reads === undefined ? row.goesOn === true : row.closes !== true;
      assertEquals(answers.length, next ? 2 : 1);
      if (next) assertEquals(answers[1], "200 GET /second, 0 bytes");
      const own = reads === undefined ? [] : [`${reads.method} ${targetOf(row)} ${reads.body}`];
      assertEquals(seen.splice(0), [...own, ...next ? ["GET /second "] : []]);
    });
  }
});

function targetOf({ reads }: SmugglingRow): string {
  return reads?.target ?? "/row";
}

interface Unread {
  readonly what: string;
  readonly head: string;
}

const UNREAD: readonly Unread[] = ["GET", "HEAD", "POST"].flatMap((method) => {
  const head = `${method} /servers/home/row HTTP/1.1\r\nHost: ${HOST}\r\n`;
  // A shorter one is waited for before anybody is asked.
  const length = `Content-Length: ${INLINE_REQUEST_BYTES + SMUGGLED.length}\r\n`;
  return [
    { what: `${method} with a length`, head: `${head}${length}\r\n` },
    { what: `${method} with chunks`, head: `${head}Transfer-Encoding: chunked\r\n\r\n` },
    {
      what: `${method} with an expectation`,
      head: `${head}Expect: 100-continue\r\n${length}\r\n`,
    },
  ];
});

Deno.test("smuggling: behind an answer that comes before the body, its bytes are no request", async (t) => {
  const seen: string[] = [];
  const handler: Handler = (request) => {
    seen.push(`${request.method} ${request.target}`);
    return answer(request, new Uint8Array());
  };
  await using relay = await startRelay();
  await using _server = await startServer(relay.url, handler);
  for (const { what, head } of UNREAD) {
    const [method = ""] = head.split(" ", 1);
    await t.step(what, async () => {
      // It looks like the request of somebody who has the answer, and is the body to who counts.
      await using visitor = await RawConnection.open(relay.port);
      await visitor.send(head);
      const begun = await visitor.readThrough("\r\n\r\n");
      await visitor.send(SMUGGLED);
      // Else what is left of the body is waited for.
      visitor.socket.end();
      const text = begun + await visitor.readToEnd();
      const [own = "", ...others] = parseAnswers(text, method);
      assert(own.startsWith("200"), own);
      assertEquals(others, []);
      assertEquals(seen.splice(0), [`${method} /row`]);
      await exchange(relay.port, toRequest("other", HOST));
      assertEquals(seen.splice(0), ["GET /other"]);
    });
  }
});
