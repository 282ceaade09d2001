/** What a relay on the open network is sent, and that others are served all the while. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Buffer } from "node:buffer";
import { MAX_HEAD_BYTES, MAX_HEADER_COUNT, MAX_TARGET_BYTES } from "../../lib/base/limits.ts";
import { RawConnection } from "../support/raw_connection.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { KEY, NAME, serveFolder, startRelay, startServer } from "../support/tunnel.ts";
import { parseVisit, toRequestText, visit } from "../support/visit.ts";
import { WatchedFileSystem } from "../support/watched_file_system.ts";

const FILE = `/servers/${NAME}/files/hello.txt`;
const SECRET = "THE SECRET NEXT TO THE ROOT";

async function setUp(): Promise<{ port: number } & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await TempFolder.create());
  await folder.write("public/hello.txt", "hello");
  await folder.write("public/sub/inner.txt", "inner");
  await folder.write("secret.txt", SECRET);
  await folder.write("public-secret/secret.txt", SECRET);
  const { port, url } = stack.use(await startRelay());
  const { fileSystem } = new WatchedFileSystem();
  stack.use(await startServer(url, serveFolder(folder.at("public"), fileSystem)));
  return { port, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const MAGIC = Buffer.from("9281 00c0 80".replaceAll(" ", ""), "hex").toString("base64");
const ID = "0".repeat(26);
const LISTEN = `/7ZSFUKGV/http_listen/${NAME}`;
const RESPONSE = `/7ZSFUKGV/http_response/${ID}`;

const post = (headers: readonly string[]): string =>
  toRequestText(RESPONSE, { method: "POST", headers: [...headers, "Content-Length: 0"] });
const get = (target: string, headers: readonly string[] = []): string =>
  toRequestText(target, { headers });

const table: readonly (readonly [string, string, number])[] = [
  ["a poll with a wrong key", get(LISTEN, ["X-ApiKey: wrong"]), 401],
  ["a poll with an empty key", get(LISTEN, ["X-ApiKey:"]), 401],
  ["a poll without a key", get(LISTEN), 403],
  ["a poll of an unknown name", get("/7ZSFUKGV/http_listen/nobody", [`X-ApiKey: ${KEY}`]), 401],
  ["a visit to an unknown server", get("/servers/nobody/x"), 404],
  ["a visit to a name that is a property of objects", get("/servers/__proto__/x"), 404],
  ["a visit without a slash after the name", get(`/servers/${NAME}`), 400],
  ["a visit by a name that is no percent-encoding", get("/servers/%zz/x"), 404],
  ["an answer to an unknown exchange", post([`X-PTTH-2LJYXWC4: ${MAGIC}`]), 400],
  ["an answer without a magic header", post([]), 400],
  ["an answer with a magic header that is no base64", post(["X-PTTH-2LJYXWC4: ???"]), 400],
  ["an answer with a magic header that is no message", post(["X-PTTH-2LJYXWC4: AAAA"]), 400],
  ["a POST to a visitor's path", toRequestText(FILE, { method: "POST" }), 405],
  ["a DELETE of a file", toRequestText(FILE, { method: "DELETE" }), 405],
  ["a head over the limit", get(FILE, [`X: ${"x".repeat(MAX_HEAD_BYTES)}`]), 431],
  [
    "too many fields",
    get(FILE, Array.from({ length: MAX_HEADER_COUNT }, (_, i) => `X-${i}: 1`)),
    431,
  ],
  ["a target over the limit", get(`/${"x".repeat(MAX_TARGET_BYTES)}`), 414],
  ["a target far over the limit", get(`/${"x".repeat(4 * MAX_HEAD_BYTES)}`), 414],
  ["a Host that is none", `GET ${FILE} HTTP/1.1\r\nHost: a b\r\n\r\n`, 400],
  ["a Host with a path", `GET / HTTP/1.1\r\nHost: x${FILE}?\r\n\r\n`, 400],
  ["no Host", `GET ${FILE} HTTP/1.1\r\n\r\n`, 400],
  ["two Hosts", `GET ${FILE} HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`, 400],
  ["CONNECT", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n", 405],
  ["TRACE", toRequestText(FILE, { method: "TRACE" }), 405],
  ["an unknown method", toRequestText(FILE, { method: "BREW" }), 501],
  ["HTTP/2 by prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505],
  [
    "Content-Length with chunks (request smuggling)",
    `POST ${RESPONSE} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n` +
    `0\r\n\r\nGET ${FILE} HTTP/1.1\r\nHost: a\r\n\r\n`,
    400,
  ],
  ["a pipe in a visitor's path", get(`/servers/${NAME}/files/a|b`), 404],
  ["a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
];

Deno.test("relay: refuses bad input by its status, and serves others all the while", async (t) => {
  await using world = await setUp();
  await using other = await RawConnection.open(world.port);
  for (const [what, bytes, status] of table) {
    await t.step(`${what}: ${status}`, async () => {
      await using connection = await RawConnection.open(world.port);
      await connection.send(bytes);
      const head = await connection.readThrough("\r\n\r\n");
      assertEquals(parseVisit(head).status, status, head);
      if (/^connection: close\r$/im.test(head)) await connection.readToEnd();
      else {
        // It is still in step: the next request on the same connection is answered.
        await connection.send(get(FILE));
        await connection.readThrough("hello");
      }
      // Nothing was let through beside the answer.
      assertEquals(connection.received.includes("HTTP/1.1 200"), false);
      await other.send(get(FILE));
      assertMatch(await other.readThrough("hello"), /^HTTP\/1\.1 200 /);
      assertEquals(other.received, "");
    });
  }
});

Deno.test("relay: a peer that sends half a head, or hangs up, harms nobody", async () => {
  await using world = await setUp();
  await using half = await RawConnection.open(world.port);
  await half.send("GET / HT");
  await using gone = await RawConnection.open(world.port);
  await gone.send(
    post([`X-PTTH-2LJYXWC4: ${MAGIC}`]).replace("Content-Length: 0", "Content-Length: 9"),
  );
  await gone.close();
  assertEquals((await visit(world.port, FILE)).body, "hello");
});

const escapes = [
  "..",
  "%2e%2e",
  "%2E%2E",
  ".%2e",
  "%252e%252e",
  "%c0%ae%c0%ae",
  "%e0%80%ae%e0%80%ae",
  "%u002e%u002e",
  "..;",
  "..%00",
  "...",
];
const separators = ["/", "%2f", "%5c", "\\", "%252f", "//", "%c0%af"];

Deno.test("tunnel: no spelling of a path gets a byte from outside the root", async (t) => {
  await using world = await setUp();
  const prefixes = ["files/", "files/sub/", "files//", "api/v1/dir/", ""];
  const tails = ["secret.txt", "public-secret/secret.txt"];
  for (const prefix of prefixes) {
    await t.step(`below /${prefix}`, async () => {
      for (const up of escapes) {
        for (const separator of separators) {
          for (const tail of tails) {
            for (const depth of [1, 2]) {
              const path = prefix + (up + separator).repeat(depth) + tail;
              const { status, body } = await visit(world.port, `/servers/${NAME}/${path}`);
              assert(status === 400 || status === 404, `${path} is ${status}`);
              assertEquals(body.includes(SECRET), false, path);
            }
          }
        }
      }
    });
  }
  for (
    const path of [
      "files//etc/passwd",
      "files/%2fetc%2fpasswd",
      "files/%00",
      "files/../../x/files/",
    ]
  ) {
    const { status, body } = await visit(world.port, `/servers/${NAME}/${path}`);
    assert(status === 400 || status === 404, `${path} is ${status}`);
    assertEquals(body.includes("root:"), false, path);
  }
  assertEquals((await visit(world.port, FILE)).body, "hello");
});
