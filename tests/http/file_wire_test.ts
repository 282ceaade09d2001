// What RFC 9110 and 9112 ask of a server of files as a whole, its listener included: the very bytes.

import { assert, assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { systemClock } from "../../lib/base/clock.ts";
import { MAX_TARGET_BYTES } from "../../lib/base/limits.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer } from "../../lib/files/file_server.ts";
import { createRootHandler } from "../../lib/files/root_handler.ts";
import { Listener } from "../../lib/http/listener.ts";
import { laterClock } from "../support/later_clock.ts";
import { exchangeBytes } from "../support/raw_connection.ts";
import { TempFolder } from "../support/temp_folder.ts";

interface Row {
  readonly section: string;
  /** The request line, less the version; default: GET /f. */
  readonly line?: string;
  /** Default: HTTP/1.1. */
  readonly version?: string;
  /** Default: one Host. */
  readonly fields?: readonly string[];
  readonly status: number;
  /** Of the head and body that come. */
  readonly pattern?: RegExp;
}

const DATE = /\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/;
const CONTENT = /\r\n\r\ncontent$/;

const ROWS: readonly Row[] = [
  { section: "§6.6.1", status: 200, pattern: DATE },
  { section: "§6.6.1", line: "GET /dir", status: 308, pattern: DATE },
  { section: "§6.6.1", fields: ["Host: h", "If-None-Match: *"], status: 304, pattern: DATE },
  { section: "§6.6.1", line: "GET /missing", status: 404, pattern: DATE },
  { section: "§6.6.1", line: "DELETE /f", status: 405, pattern: DATE },
  { section: "§6.6.1", fields: ["Host: h", "Range: bytes=99-"], status: 416, pattern: DATE },
  { section: "RFC 9112 §3.2", fields: [], status: 400 },
  { section: "RFC 9112 §3.2", fields: [], version: "HTTP/1.0", status: 200, pattern: CONTENT },
  ...["h h", "u@h", "h/", "h:x", "[::1", "\xff"].map((host): Row => ({
    section: "RFC 9112 §3.2",
    fields: [`Host: ${host}`],
    status: 400,
  })),
  { section: "RFC 9112 §3.2", fields: ["Host: a", "Host: a"], status: 400 },
  { section: "RFC 9112 §3.2", fields: ["Host:"], status: 200, pattern: CONTENT },
  { section: "RFC 9112 §3.2.2", line: "GET http://other/f", status: 200, pattern: CONTENT },
  {
    section: "RFC 9112 §3.2.2",
    line: "GET http://other/dir",
    status: 308,
    pattern: /: \.\/dir\/\r/,
  },
  { section: "RFC 9112 §3.2.2", line: "GET http://u@other/f", status: 400 },
  { section: "RFC 9112 §3.2", line: "GET f", status: 400 },
  { section: "§15.5.15", line: `GET /${"x".repeat(MAX_TARGET_BYTES)}`, status: 414 },
  { section: "§15.5.15", line: `GET /${"x".repeat(MAX_TARGET_BYTES - 10)}`, status: 404 },
  { section: "§9.3.7", line: "OPTIONS *", status: 204, pattern: /\r\nAllow: GET, HEAD, OPTIONS\r/ },
  {
    section: "§9.3.7",
    line: "OPTIONS /f",
    status: 204,
    pattern: /\r\nAllow: GET, HEAD, OPTIONS\r/,
  },
  { section: "§9.3.8", line: "TRACE /f", status: 405 },
  {
    section: "§15.5.6",
    line: "PROPFIND /",
    status: 405,
    pattern: /\r\nAllow: GET, HEAD, OPTIONS\r/,
  },
  { section: "§15.6.2", line: "BREW /f", status: 501 },
  {
    section: "§9.3.2",
    line: "HEAD /f",
    status: 200,
    pattern: /Content-Length: 7\r\n[^]*\r\n\r\n$/,
  },
  { section: "§9.3.2", line: "HEAD /missing", status: 404, pattern: /\r\n\r\n$/ },
  {
    section: "§15.4.5",
    fields: ["Host: h", "If-None-Match: *"],
    status: 304,
    pattern: /\r\n\r\n$/,
  },
];

Deno.test("file server conformance on the wire", async (t) => {
  await using folder = await TempFolder.create();
  await folder.write("f", "content");
  await folder.write("dir/f", "content");
  const files = createFileServer({
    fileSystem: denoFileSystem,
    root: folder.path,
    clock: laterClock,
    log: silentLogger,
  });
  const handler = createRootHandler(files);
  const listener = new Listener({ handler, log: silentLogger, clock: systemClock });
  const { port } = await listener.start({ host: "127.0.0.1", port: 0 });
  for (const { section, line = "GET /f", fields = ["Host: h"], ...row } of ROWS) {
    const { version = "HTTP/1.1", status, pattern } = row;
    const name = `${section} ${line.slice(0, 40)} ${version} ${fields.join(" ")} -> ${status}`;
    await t.step(name, async () => {
      const head = [`${line} ${version}`, ...fields, "Connection: close"];
      const answer = await exchangeBytes(port, `${head.join("\r\n")}\r\n\r\n`);
      assertEquals(answer.slice(0, 13), `HTTP/1.1 ${status} `);
      if (pattern !== undefined) assertMatch(answer, pattern);
      assertNotMatch(answer.slice(1), /HTTP\/1\.1 /, "one answer");
    });
  }
  await listener.close(AbortSignal.abort());
  assert(ROWS.length > 0);
});
