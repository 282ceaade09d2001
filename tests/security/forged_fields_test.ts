/** Fields that say what only the relay may say to an application: who asks it. */

import { assert, assertEquals } from "@std/assert";
import { createDispatcher } from "../../lib/server/dispatch.ts";
import { openOrigin } from "../support/origins.ts";
import { exchangeBytes } from "../support/raw_connection.ts";
import { RawServer } from "../support/raw_server.ts";
import { printTable } from "../support/security_page.ts";
import { type RelayOptions, startRelay, startServer } from "../support/tunnel.ts";
import { parseVisit, toRequestText } from "../support/visit.ts";

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
