/** What a visitor gets of a folder through relay and server, against the folder itself. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { RawConnection } from "../support/raw_connection.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { NAME, serveFolder, startRelay, startServer } from "../support/tunnel.ts";
import { fieldOf, toRequestText, type Visit, visit, type VisitOptions } from "../support/visit.ts";
import { WatchedFileSystem } from "../support/watched_file_system.ts";

interface World extends AsyncDisposable {
  readonly port: number;
  readonly folder: TempFolder;
  readonly files: WatchedFileSystem;
  /** Visits a path below /files/. */
  get(path: string, options?: VisitOptions): Promise<Visit>;
}

async function setUp(): Promise<World> {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await TempFolder.create());
  const files = new WatchedFileSystem();
  const { port, url } = stack.use(await startRelay());
  stack.use(await startServer(url, serveFolder(folder.path, files.fileSystem)));
  return {
    port,
    folder,
    files,
    get: (path, options) => visit(port, `/servers/${NAME}/files/${path}`, options),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Bytes of which no part looks like another. */
function createBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let x = 1;
  for (let i = 0; i < length; i++) {
    x = (x * 1103515245 + 12345) & 0x7fffffff;
    bytes[i] = x >> 16;
  }
  return bytes;
}

const OLD = new Date("2026-01-01T00:00:00Z");

Deno.test("tunnel: files arrive byte for byte, with their length, and no file stays open", async (t) => {
  await using world = await setUp();
  for (const size of [0, 1, 64 * 1024, 64 * 1024 + 1, 5 * 1024 * 1024]) {
    await t.step(`${size} bytes`, async () => {
      const bytes = createBytes(size);
      await world.folder.write("file.bin", bytes);
      const answer = await world.get("file.bin");
      assertEquals(answer.status, 200);
      assertEquals(fieldOf(answer, "content-length"), String(size));
      assert(answer.body === Buffer.from(bytes).toString("latin1"), "The bytes differ");
      assertEquals(world.files.openCount, 0);
    });
  }
});

Deno.test("tunnel: listings come as HTML and JSON, by both spellings of the path", async () => {
  await using world = await setUp();
  await world.folder.write("hello.txt", "hello");
  await world.folder.write("sub/inner.txt", "inner");
  const html = await world.get("", { headers: ["Accept: text/html"] });
  assertEquals(html.status, 200);
  assertMatch(fieldOf(html, "content-type") ?? "", /^text\/html/);
  assertStringIncludes(html.body, "hello.txt");
  assertStringIncludes(html.body, "sub/");
  for (const prefix of ["/servers", "/frontend/servers"]) {
    const json = await visit(world.port, `${prefix}/${NAME}/api/v1/dir/sub/`);
    assertEquals(json.status, 200);
    assertMatch(json.body, /"name":\s*"inner.txt"/);
  }
  const home = await visit(world.port, `/servers/${NAME}/`);
  assertStringIncludes(home.body, './files/"');
});

Deno.test("tunnel: names that URLs and headers find hard reach their files", async (t) => {
  await using world = await setUp();
  const names = [
    "a b.txt",
    "percent%20.txt",
    "hash#.txt",
    "question?.txt",
    "plus+and&.txt",
    "quote'\".txt",
    "Grüße 世界 😀.txt",
    "semi;colon,comma.txt",
    "[brackets]{braces}|pipe^.txt",
    "-dash",
    "new\nline.txt",
  ];
  for (const name of names) {
    await t.step(JSON.stringify(name), async () => {
      await world.folder.write(name, `content of ${name}`);
      const { status, body } = await world.get(encodeURIComponent(name));
      assertEquals([status, Buffer.from(body, "latin1").toString()], [200, `content of ${name}`]);
    });
  }
});

Deno.test("tunnel: ranges, conditions and redirects mean what they mean without it", async () => {
  await using world = await setUp();
  await world.folder.write("file.txt", "0123456789", OLD);
  await world.folder.write("a b/x", "x");
  const whole = await world.get("file.txt");
  const tag = fieldOf(whole, "etag") ?? "";
  assertMatch(tag, /^"[^"]+"$/);
  const cases: readonly (readonly [string, number, string, string | undefined])[] = [
    ["Range: bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["Range: bytes=-3", 206, "789", "bytes 7-9/10"],
    ["Range: bytes=8-99", 206, "89", "bytes 8-9/10"],
    ["Range: bytes=10-", 416, "", "bytes */10"],
    [`If-None-Match: ${tag}`, 304, "", undefined],
    ['If-None-Match: "other"', 200, "0123456789", undefined],
    [`If-Modified-Since: ${OLD.toUTCString()}`, 304, "", undefined],
  ];
  for (const [header, status, body, range] of cases) {
    const answer = await world.get("file.txt", { headers: [header] });
    assertEquals(answer.status, status, header);
    if (status !== 416) assertEquals(answer.body, body, header);
    assertEquals(fieldOf(answer, "content-range"), range, header);
    assert(answer.isComplete, header);
  }
  const redirect = await world.get("a%20b");
  assertEquals([redirect.status, fieldOf(redirect, "location")], [308, "./a%20b/"]);
  assertEquals((await world.get("missing.txt")).status, 404);
});

Deno.test("tunnel: HEAD tells a length, sends no body, and the connection goes on", async () => {
  await using world = await setUp();
  await world.folder.write("file.txt", "0123456789");
  await using connection = await RawConnection.open(world.port);
  for (let i = 0; i < 3; i++) {
    await connection.send(toRequestText(`/servers/${NAME}/files/file.txt`, { method: "HEAD" }));
    const head = await connection.readThrough("\r\n\r\n");
    assertMatch(head, /^HTTP\/1\.1 200 /);
    assertMatch(head, /\r\ncontent-length: 10\r\n/i);
  }
  await connection.send(toRequestText(`/servers/${NAME}/files/file.txt`));
  assertMatch(await connection.readThrough("\r\n\r\n"), /^HTTP\/1\.1 200 /);
  await connection.readThrough("0123456789");
  assertEquals(connection.received, "");
});

Deno.test("tunnel: a query reaches the server, and redirects keep it", async () => {
  await using world = await setUp();
  await world.folder.write("file.txt", "hello");
  const { status, body } = await world.get("file.txt?token=secret");
  assertEquals([status, body], [200, "hello"]);
  const listing = await world.get("?format=text");
  assertEquals([listing.status, listing.body], [200, "file.txt\n"]);
  await world.folder.write("sub/x", "x");
  const redirect = await world.get("sub?token=secret");
  assertEquals(fieldOf(redirect, "location"), "./sub/?token=secret");
});

Deno.test("tunnel: fifty visitors at once each get their own file", async () => {
  await using world = await setUp();
  const sizes = Array.from({ length: 50 }, (_, i) => 1 + i * 5_000);
  await Promise.all(sizes.map((size, i) => world.folder.write(`${i}`, createBytes(size))));
  await Promise.all(sizes.map(async (size, i) => {
    const { status, body } = await world.get(`${i}`);
    assertEquals(status, 200);
    assert(body === Buffer.from(createBytes(size)).toString("latin1"), `File ${i} differs`);
  }));
  assertEquals(world.files.openCount, 0);
});
