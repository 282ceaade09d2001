/** Answers that two programs might read differently, or that poison what comes behind them. */

import { assert, assertEquals } from "@std/assert";
import { MAX_ANSWER_HEAD_BYTES } from "../../lib/base/limits.ts";
import { createDispatcher } from "../../lib/server/dispatch.ts";
import { openOrigin } from "../support/origins.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { RawServer, type ServerConnection } from "../support/raw_server.ts";
import { printTable } from "../support/security_page.ts";
import { startRelay, startServer } from "../support/tunnel.ts";
import { parseVisit, toRequestText, type Visit, visit } from "../support/visit.ts";

interface Row {
  readonly what: string;
  /** What the origin sends, as bytes; then it leaves the connection open, or closes it. */
  readonly answer: string;
  readonly closes?: boolean;
  /** What it sends on the same connection once the visitor has its answer. Default: nothing. */
  readonly later?: string;
  readonly method?: string;
  /** What the visitor sends of a body, and the origin does not read, once it has its answer. */
  readonly body?: string;
  /** True where the visitor, and so the server, asks first whether that is wanted. */
  readonly expects?: boolean;
  /** What the visitor gets: a status of the server's own, no answer that looks complete, or this. */
  readonly gets: 502 | "cut" | string;
}

const POISON = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned";
const OK = "HTTP/1.1 200 OK\r\n";

const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

const ROWS: readonly Row[] = [
  {
    what: "length and chunks",
    answer: `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${POISON}`,
    gets: 502,
  },
  {
    what: "two lengths",
    answer: `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
    gets: 502,
  },
  {
    what: "the same length twice",
    answer: `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
    gets: 502,
  },
  { what: "`Content-Length: 5, 5`", answer: `${OK}Content-Length: 5, 5\r\n\r\nhello`, gets: 502 },
  { what: "an empty `Content-Length`", answer: `${OK}Content-Length:\r\n\r\nhello`, gets: 502 },
  {
    what: "two lengths, one with a space before its colon",
    answer: `${OK}Content-Length : 6\r\nContent-Length: 5\r\n\r\nhello`,
    gets: 502,
  },
  {
    what: "a length, and a coding with a space before its colon",
    answer: `${OK}Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${POISON}`,
    gets: 502,
  },
  { what: "`Content-Length: +5`", answer: `${OK}Content-Length: +5\r\n\r\nhello`, gets: 502 },
  { what: "`Content-Length: -1`", answer: `${OK}Content-Length: -1\r\n\r\nhello`, gets: 502 },
  {
    what: "an unknown coding",
    answer: `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    gets: 502,
  },
  {
    what: "the coding twice",
    answer: `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    gets: 502,
  },
  {
    what: "a coding of HTTP/1.0",
    answer: `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    gets: 502,
  },
  {
    what: "a chunk of size `-1`",
    answer: `${OK}Transfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n0\r\n\r\n`,
    gets: "cut",
  },
  {
    what: "a chunk of 17 digits",
    answer: `${OK}Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello\r\n0\r\n\r\n`,
    gets: "cut",
  },
  {
    what: "a chunk's line with a bare LF",
    answer: `${OK}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`,
    gets: "cut",
  },
  {
    what: "a chunk that is longer than it says",
    answer: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n${POISON}`,
    gets: "cut",
  },
  {
    what: "a chunk of a size that is none",
    answer: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n\r\n${POISON}`,
    gets: "cut",
  },
  {
    what: "an answer that ends early",
    answer: `${OK}Content-Length: 10\r\n\r\nhello`,
    closes: true,
    gets: "cut",
  },
  {
    what: "chunks that end early",
    answer: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    closes: true,
    gets: "cut",
  },
  { what: "HTTP/0.9", answer: "hello\r\n\r\n", closes: true, gets: 502 },
  { what: "HTTP/2.0", answer: "HTTP/2.0 200 OK\r\n\r\n", closes: true, gets: 502 },
  { what: "a status of two digits", answer: "HTTP/1.1 20 OK\r\n\r\n", closes: true, gets: 502 },
  { what: "status 099", answer: "HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n", gets: 502 },
  {
    what: "a bare LF (RFC 9112 §2.2)",
    answer: "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
    gets: "hello",
  },
  {
    what: "a line that goes on (RFC 9112 §5.2)",
    answer: `${OK}X: a\r\n b\r\nContent-Length: 5\r\n\r\nhello`,
    gets: "hello",
  },
  {
    what: "a space before a colon (RFC 9112 §5.1)",
    answer: `${OK}Content-Length : 5\r\n\r\nhello`,
    gets: "hello",
  },
  {
    what: "a bare CR in a value",
    answer: `${OK}X: a\rY: b\r\nContent-Length: 5\r\n\r\nhello`,
    gets: 502,
  },
  { what: "NUL in a value", answer: `${OK}X: a\0b\r\nContent-Length: 5\r\n\r\nhello`, gets: 502 },
  {
    what: "a head past its limit",
    answer: `${OK}X: ${"x".repeat(MAX_ANSWER_HEAD_BYTES)}\r\n\r\n`,
    gets: 502,
  },
  { what: "101 that nobody asked for", answer: "HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n", gets: 502 },
  {
    what: "a flood of 1xx",
    answer: "HTTP/1.1 102 Processing\r\n\r\n".repeat(100_000),
    closes: true,
    gets: 502,
  },
  {
    what: "another answer behind the first",
    answer: `${OK}Content-Length: 5\r\n\r\nhello${POISON}`,
    gets: "hello",
  },
  {
    what: "another answer, while nobody asks",
    answer: `${OK}Content-Length: 5\r\n\r\nhello`,
    later: POISON,
    gets: "hello",
  },
  {
    what: "an interim answer with a body",
    answer: `HTTP/1.1 102 P\r\nContent-Length: ${POISON.length}\r\n\r\n` +
      `${OK}Content-Length: 5\r\n\r\nhello`,
    gets: "hello",
  },
  {
    what: "an answer before the body, which it takes for a request",
    method: "POST",
    body: SMUGGLED,
    answer: `${OK}Content-Length: 5\r\n\r\nhello`,
    gets: "hello",
  },
  {
    what: "an answer in place of 100 (RFC 9110 §10.1.1)",
    method: "POST",
    body: SMUGGLED,
    expects: true,
    answer: `${OK}Content-Length: 5\r\n\r\nhello`,
    gets: "hello",
  },
  {
    what: "100, and the answer at once",
    method: "POST",
    body: SMUGGLED,
    expects: true,
    answer: `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 5\r\n\r\nhello`,
    gets: "hello",
  },
  {
    what: "the same to a GET with a body",
    body: SMUGGLED,
    expects: true,
    answer: `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 5\r\n\r\nhello`,
    gets: "hello",
  },
  {
    what: "100 that nobody asked for, twice",
    answer: `${"HTTP/1.1 100 Continue\r\n\r\n".repeat(2)}${OK}Content-Length: 5\r\n\r\nhello`,
    gets: "hello",
  },
  {
    what: "100 behind the answer",
    answer: `${OK}Content-Length: 5\r\n\r\nhelloHTTP/1.1 100 Continue\r\n\r\n`,
    gets: "hello",
  },
  {
    what: "204 with a body",
    answer: `HTTP/1.1 204 No Content\r\n\r\n${POISON}`,
    gets: "",
  },
  {
    what: "204 with a chunk",
    answer: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n" +
      `${POISON.length.toString(16)}\r\n${POISON}\r\n0\r\n\r\n`,
    gets: "",
  },
  {
    what: "304 with a body",
    answer: `HTTP/1.1 304 Not Modified\r\nContent-Length: ${POISON.length}\r\n\r\n${POISON}`,
    gets: "",
  },
  {
    what: "a body for HEAD",
    method: "HEAD",
    answer: `${OK}Content-Length: ${POISON.length}\r\n\r\n${POISON}`,
    gets: "",
  },
  {
    what: "fields that Connection names, and hop-by-hop ones",
    answer: `${OK}Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 9\r\nProxy-Authenticate: x\r\n` +
      "Upgrade: h2c\r\nContent-Length: 5\r\n\r\nhello",
    gets: "hello",
  },
];

const NEXT = `${OK}Content-Length: 4\r\n\r\nnext`;

/** The final answers on one connection: to a row, and to the request for /next behind it. */
function parseAnswers(bytes: string, method: string): { first: Visit | undefined; next: boolean } {
  const final = bytes.replace(/^(?:HTTP\/1\.1 1\d\d [^]*?\r\n\r\n)+/, "");
  const next = final.endsWith("\r\n\r\nnext");
  const own = next ? final.slice(0, final.lastIndexOf("HTTP/1.1 200 ")) : final;
  return { first: own === "" ? undefined : parseVisit(own, method), next };
}

/** A server behind a relay, whose origin answers the first request of each row as that says. */
async function tryRow(row: Row): Promise<string> {
  const { method = "GET", body, expects = false } = row;
  await using stack = new AsyncDisposableStack();
  const heads: (readonly [ServerConnection, string])[] = [];
  let origin: ServerConnection | undefined;
  const server = stack.use(
    await RawServer.listen(async (connection) => {
      for (;;) {
        const head = await connection.readHead();
        heads.push([connection, head]);
        if (/^\S+ \/next /.test(head)) connection.send(NEXT);
        else {
          origin = connection;
          connection.send(row.answer);
          if (row.closes === true) connection.socket.end();
        }
      }
    }),
  );
  const relay = stack.use(await startRelay());
  const forwarding = stack.use(openOrigin(server.port));
  const handler = createDispatcher({ origins: [forwarding] });
  const running = stack.use(await startServer(relay.url, handler));
  await running.server.connection?.path;
  const visitor = stack.use(await RawConnection.open(relay.port));
  const headers = [
    ...body === undefined ? [] : [`Content-Length: ${body.length}`],
    ...expects ? ["Expect: 100-continue"] : [],
  ];
  await visitor.send(toRequestText("/servers/home/row", { method, headers }));
  let begun = "";
  if (body !== undefined || row.later !== undefined) {
    begun = await visitor.readThrough("\r\n\r\nhello");
    await visitor.send(body ?? "");
  }
  if (row.later !== undefined) {
    origin?.send(row.later);
    // Whoever came next on that connection would get it.
    await origin?.closed;
  }
  // Where the answer broke off, the connection may be gone.
  await visitor.send(toRequestText("/servers/home/next", { headers: ["Connection: close"] }))
    .catch(() => {});
  const { first, next } = parseAnswers(begun + await visitor.readToEnd(), method);
  // Those behind it, on whatever connection is left, get theirs.
  for (let i = 0; i < 3; i++) {
    const next = await visit(relay.port, "/servers/home/next");
    assertEquals([next.status, next.body], [200, "next"]);
  }
  assert(!heads.some(([, head]) => head.includes("/smuggled")), "it ran as a request");
  // It waits for the body there, and would take the next request for it.
  const own = heads.filter(([connection]) => connection === origin);
  assert(body === undefined || own.length === 1, "a request follows one that was not sent whole");
  assert(first?.body.includes("poisoned") !== true);
  // A few bytes may be on their way before it shows that the rest does not come.
  if (row.gets === "cut") {
    assert(first === undefined || first.status === 502 || !first.isComplete, first?.body);
    assert(first?.status === 502 || !next, "it goes on behind an answer that broke off");
    return "502, or a cut connection";
  }
  assert(first !== undefined);
  // An answer that came too early for the rest of its request to be read ends the connection.
  assert(next || body !== undefined, "the next request on the connection got no answer");
  assert(!/^(?:x-hop|keep-alive|proxy-authenticate|upgrade):/im.test(first.head), first.head);
  if (row.gets === 502) {
    assertEquals(first.status, 502);
    assert(/^proxy-status: ptth_server/im.test(first.head), first.head);
    return "502";
  }
  assertEquals([first.body, first.isComplete], [row.gets, true]);
  return row.gets === "" ? "the head alone" : "the first answer alone";
}

Deno.test("hostile origin: no answer reaches another request, and none looks complete that is not", async (t) => {
  const rows: string[][] = [];
  for (const row of ROWS) {
    await t.step(row.what, async () => {
      rows.push([row.what, await tryRow(row)]);
    });
  }
  await printTable({ name: "answers", columns: ["Answer", "The visitor gets"], rows });
});
