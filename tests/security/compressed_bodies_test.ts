/** Bodies that take a thousand times their size once they are unpacked: nobody here unpacks any. */

import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { createDispatcher } from "../../lib/server/dispatch.ts";
import { openOrigin } from "../support/origins.ts";
import { exchangeBytes } from "../support/raw_connection.ts";
import { RawServer } from "../support/raw_server.ts";
import { printTable } from "../support/security_page.ts";
import { startRelay, startServer } from "../support/tunnel.ts";
import { fieldOf, parseVisit, toRequestText } from "../support/visit.ts";

interface Row {
  readonly what: string;
  /** The value of Content-Encoding. */
  readonly codings: string;
  /** One character per byte. */
  readonly body: string;
}

const ZEROS = new Uint8Array(64 * 1024 * 1024);
const GZIP = toText(gzipSync(ZEROS));

const ROWS: readonly Row[] = [
  { what: "64 MiB as 64 KiB of gzip", codings: "gzip", body: GZIP },
  {
    what: "the same in gzip again, as some hundred bytes",
    codings: "gzip, gzip",
    body: toText(gzipSync(Buffer.from(GZIP, "latin1"))),
  },
  {
    what: "64 MiB as some bytes of Brotli",
    codings: "br",
    body: toText(brotliCompressSync(ZEROS)),
  },
  { what: "a thousand codings, of which none is one", codings: "gzip,".repeat(1000), body: "x" },
];

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

/** What an application gets, and what the visitor does, where both send the same. */
async function sendBothWays({ codings, body }: Row): Promise<{ upload: string; answer: string }> {
  await using stack = new AsyncDisposableStack();
  const fields = [`Content-Encoding: ${codings}`, `Content-Length: ${body.length}`];
  let upload = "";
  const origin = stack.use(
    await RawServer.listen(async (connection) => {
      const head = await connection.readHead();
      assertEquals(/^content-encoding: (.*)\r$/im.exec(head)?.[1], codings);
      upload = await connection.readThrough(body);
      connection.send(`${["HTTP/1.1 200 OK", ...fields].join("\r\n")}\r\n\r\n${body}`);
    }),
  );
  const relay = stack.use(await startRelay());
  const handler = createDispatcher({ origins: [stack.use(openOrigin(origin.port))] });
  const server = stack.use(await startServer(relay.url, handler));
  await server.server.connection?.path;
  const head = toRequestText("/servers/home/x", {
    method: "POST",
    headers: [...fields, "Connection: close"],
  });
  const answer = parseVisit(await exchangeBytes(relay.port, head + body));
  assertEquals(fieldOf(answer, "Content-Encoding"), codings);
  return { upload, answer: answer.body };
}

Deno.test("compressed bodies: they pass both ways as they are", async (t) => {
  const rows: string[][] = [];
  for (const row of ROWS) {
    await t.step(row.what, async () => {
      const { upload, answer } = await sendBothWays(row);
      // Not by assertEquals, which would print it.
      assertEquals([upload === row.body, answer === row.body], [true, true]);
      rows.push([row.what, "passed on unopened, both ways"]);
    });
  }
  await printTable({ name: "compressed", columns: ["Body", "What comes of it"], rows });
});
