/**
 * Fields that say what only the relay may say: to an application, about who asks it; to visitors, in
 * the name of the relay or of all its servers. Also those that come behind a body, or before an
 * answer.
 */

import { assert, assertEquals } from "@std/assert";
import { createDispatcher } from "../../lib/server/dispatch.ts";
import { DATA, END } from "../../lib/wire/modern.ts";
import { encodeInform, encodeStreamHead } from "../../lib/wire/modern_messages.ts";
import { encodeRecord, measureTexts, writeTexts } from "../../lib/wire/records.ts";
import { AttackedRelay } from "../support/attacked_relay.ts";
import { concatBytes, fromLatin1 } from "../support/bytes.ts";
import { openOrigin } from "../support/origins.ts";
import { exchangeBytes } from "../support/raw_connection.ts";
import { RawServer } from "../support/raw_server.ts";
import { printTable } from "../support/security_page.ts";
import { type RelayOptions, startRelay, startServer } from "../support/tunnel.ts";
import { parseVisit, toRequestText, type Visit } from "../support/visit.ts";

/** Nobody's address or key; it stands in every value that is not to get through. */
const FORGED = "203.0.113.66";

interface RequestRow {
  readonly what: string;
  readonly headers?: readonly string[];
  /** Behind a body in chunks. */
  readonly trailers?: readonly string[];
  readonly options?: RelayOptions;
}

const BEHIND_PROXY: RelayOptions = {
  trustedProxies: [{ address: "127.0.0.1", prefixLength: 32, family: "ipv4" }],
};

const UNDERSCORED = [
  ...["X_Forwarded_For", "X-Forwarded_For", "x_forwarded_proto", "X_Forwarded_Host"],
  ...["X_Forwarded_User", "X_Real_IP", "X_ApiKey", "X_PTTH_Query"],
].map((name) => `${name}: ${FORGED}`);

const REQUESTS: readonly RequestRow[] = [
  {
    what: "`X_Forwarded_For` and others, which CGI and WSGI take for those with hyphens",
    headers: UNDERSCORED,
  },
  { what: "the same by a trusted proxy", headers: UNDERSCORED, options: BEHIND_PROXY },
  {
    what: "`Proxy`, which CGI makes the proxy of what a program fetches (CVE-2016-5385)",
    headers: [`Proxy: ${FORGED}`],
  },
  {
    what: "the same behind a body",
    trailers: [`proxy: ${FORGED}`],
  },
  {
    what: "the relay's fields behind a body, which some programs put to the others",
    trailers: [
      ...["X-Forwarded-For", "X-Forwarded-User", "X-Real-IP", "Forwarded", "Via", "X-ApiKey"],
      ...["X-PTTH-Query", "X_Forwarded_For"],
    ].map((name) => `${name}: ${FORGED}`),
  },
];

/** All that an application gets of a request that passes a relay and a server. */
async function forwardedText(
  { headers = [], trailers, options = {} }: RequestRow,
): Promise<string> {
  await using stack = new AsyncDisposableStack();
  let seen = "";
  const origin = stack.use(
    await RawServer.listen(async (connection) => {
      seen = await connection.readHead();
      if (trailers !== undefined) seen += await connection.readThrough("\r\n\r\n");
      connection.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }),
  );
  const relay = stack.use(await startRelay(options));
  const handler = createDispatcher({ origins: [stack.use(openOrigin(origin.port))] });
  const server = stack.use(await startServer(relay.url, handler));
  await server.server.connection?.path;
  const chunked = trailers === undefined ? [] : ["Transfer-Encoding: chunked"];
  const head = toRequestText("/servers/home/x", {
    method: trailers === undefined ? "GET" : "POST",
    headers: [...headers, ...chunked, "Connection: close"],
  });
  const body = trailers === undefined
    ? ""
    : ["1", "x", "0", ...trailers, "X-Kept: 1", "", ""].join("\r\n");
  const { status } = parseVisit(await exchangeBytes(relay.port, head + body));
  assertEquals(status, 200);
  return seen;
}

Deno.test("forged fields: an application is told who asks by nobody but those in between", async (t) => {
  const rows: string[][] = [];
  for (const row of REQUESTS) {
    await t.step(row.what, async () => {
      const seen = await forwardedText(row);
      assert(!seen.includes(FORGED), seen);
      assert(row.trailers === undefined || seen.endsWith("\r\n0\r\nX-Kept: 1\r\n\r\n"), seen);
      rows.push([row.what, "dropped"]);
    });
  }
  await printTable({ name: "forged:requests", columns: ["It sends", "What comes of it"], rows });
});

interface AnswerRow {
  readonly what: string;
  /** What the attacker says before its answer. */
  readonly inform?: { readonly status: number; readonly headers: readonly string[] };
  readonly status?: number;
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly trailers?: readonly string[];
  /** By segments instead of a stream. */
  readonly bySegment?: boolean;
  readonly outcome: "dropped" | "502, none of it" | "the visitor's connection is cut";
}

const NAMES_OF_ALL = ["NEL", "Report-To", "Clear-Site-Data", "Alt-Svc"];
const AS_RELAY = ["Proxy-Status", `ptth_relay; error=${FORGED}`];

const ANSWERS: readonly AnswerRow[] = [
  ...["NEL", "Report-To"].map((name): AnswerRow => ({
    what: `\`${name}\`, to be told of all requests to all servers`,
    headers: [name, FORGED],
    outcome: "dropped",
  })),
  {
    what: "fields for all servers, before its answer",
    inform: { status: 103, headers: [...NAMES_OF_ALL, "Service-Worker-Allowed"].flatMap(pair) },
    outcome: "dropped",
  },
  {
    what: "a Proxy-Status in the relay's name, as a string",
    headers: ["Proxy-Status", `"ptth_relay"; error=${FORGED}`],
    outcome: "dropped",
  },
  {
    what: "the same behind its body (RFC 9209 §2)",
    trailers: AS_RELAY,
    outcome: "dropped",
  },
  {
    what: "fields for all servers, and orders to a proxy, behind its body",
    trailers: [...NAMES_OF_ALL, "Set-Cookie", "X-Accel-Redirect"].flatMap(pair),
    outcome: "dropped",
  },
  {
    what: "lengths and codings behind its body",
    trailers: ["Content-Length", FORGED, "Transfer-Encoding", FORGED, "Connection", FORGED],
    outcome: "dropped",
  },
  {
    what: "CR LF in a value behind its body",
    trailers: ["X", `a\r\nSet-Cookie: ${FORGED}`],
    outcome: "dropped",
  },
  {
    what: "CR LF in a value before its answer",
    inform: { status: 103, headers: ["X", `a\r\nSet-Cookie: ${FORGED}`] },
    outcome: "dropped",
  },
  ...[false, true].flatMap((bySegment): AnswerRow[] => {
    const way = bySegment ? "by a segment" : "by a stream";
    return [
      {
        what: `CR LF in a value, ${way}`,
        headers: ["X", `a\r\nSet-Cookie: ${FORGED}`],
        bySegment,
        outcome: "502, none of it",
      },
      {
        what: `status 101, which nobody asked for, ${way}`,
        status: 101,
        headers: ["Upgrade", FORGED],
        bySegment,
        outcome: "502, none of it",
      },
      {
        what: `another answer behind the length that it announces, ${way}`,
        headers: ["Content-Length", "2"],
        body: `ok${FORGED}`,
        bySegment,
        outcome: "the visitor's connection is cut",
      },
      {
        what: `less than the length that it announces, ${way}`,
        headers: ["Content-Length", "20"],
        body: "ok",
        bySegment,
        outcome: "the visitor's connection is cut",
      },
    ];
  }),
];

function pair(name: string): string[] {
  return [name, FORGED];
}

function encodeEnd(trailers: readonly string[]): Uint8Array {
  const payload = new Uint8Array(measureTexts(trailers));
  writeTexts(payload, 0, trailers);
  return encodeRecord(END, payload);
}

/** What the visitor gets; undefined where the connection is cut before any of it has come. */
async function answer(relay: AttackedRelay, row: AnswerRow): Promise<Visit | undefined> {
  const { session, request, visitor } = await relay.take();
  const got = visitor.catch(() => undefined);
  const { inform, status = 200, headers = [], body = "ok", trailers = [] } = row;
  if (inform !== undefined) {
    await relay.ask(`modern/messages/${session}/1`, { body: encodeInform(request.id, inform) });
  }
  const stream = concatBytes([
    encodeStreamHead({ status, headers }),
    encodeRecord(DATA, fromLatin1(body)),
    encodeEnd(trailers.length === 0 ? [] : [...trailers, "X-Kept", "1"]),
  ]);
  const path = `modern/answer/${session}/${request.id}${row.bySegment === true ? "/0" : ""}`;
  await relay.ask(path, { body: stream });
  return await got;
}

Deno.test("forged fields: a server speaks for itself alone, wherever in its answer", async (t) => {
  const rows: string[][] = [];
  for (const row of ANSWERS) {
    await t.step(row.what, async () => {
      await using relay = await AttackedRelay.start();
      const got = await answer(relay, row);
      const text = got === undefined ? "" : got.head + got.body;
      assert(!text.includes(FORGED), text);
      if (row.outcome === "502, none of it") assertEquals(got?.status, 502);
      if (row.outcome === "dropped") assert(text.includes("\r\n\r\n2\r\nok\r\n0\r\n"), text);
      if (row.outcome === "the visitor's connection is cut") assert(got?.isComplete !== true, text);
      if (row.trailers !== undefined) assert(text.endsWith("\r\nX-Kept: 1\r\n\r\n"), text);
      rows.push([row.what, row.outcome]);
      await relay.assertServed();
    });
  }
  await printTable({ name: "forged:answers", columns: ["It sends", "What comes of it"], rows });
});
