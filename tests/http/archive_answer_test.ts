import {
  assert,
  assertEquals,
  assertLess,
  assertRejects,
  assertStringIncludes,
  fail,
} from "@std/assert";
import { once } from "node:events";
import { Readable } from "node:stream";
import { clearImmediate, setImmediate } from "node:timers";
import { systemClock } from "../../lib/base/clock.ts";
import {
  ARCHIVE_SLICE_ENTRIES,
  FILE_PIECE_BYTES,
  MAX_ARCHIVE_DEPTH,
  MAX_PLANNED_ENTRIES,
} from "../../lib/base/limits.ts";
import { LimitError } from "../../lib/base/errors.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { Confinement } from "../../lib/files/confinement.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import {
  type ListedName,
  type ListingSource,
  readNames,
} from "../../lib/files/directory_listing.ts";
import { createFileServer, type FileServerOptions } from "../../lib/files/file_server.ts";
import { type FileSystem, isFault } from "../../lib/files/file_system.ts";
import { walkFolder } from "../../lib/files/walk_folder.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { HttpAnswer } from "../../lib/http/message.ts";
import { readBody } from "../support/read_body.ts";
import { readTar } from "../support/read_tar.ts";
import { readZip } from "../support/read_zip.ts";
import { TempFolder } from "../support/temp_folder.ts";

type Ask = (target: string, method?: string) => Promise<HttpAnswer>;

function client(folder: TempFolder, options: Partial<FileServerOptions> = {}): Ask {
  const server = createFileServer({
    fileSystem: denoFileSystem,
    root: folder.path,
    clock: systemClock,
    log: silentLogger,
    ...options,
  });
  return (target, method = "GET") =>
    server.answer({ method, target, headers: [] }, target.replace(/\?.*/s, ""));
}

/** Names and texts of the files in an archive, whichever its form. */
async function readArchive(answer: HttpAnswer): Promise<Record<string, string>> {
  assertEquals(answer.status, 200);
  const bytes = await readBody(answer.body);
  const isZip = headerValue(answer.headers, "content-type") === "application/zip";
  const length = headerValue(answer.headers, "content-length");
  if (length !== undefined) assertEquals(bytes.length, Number(length));
  return Object.fromEntries(
    (isZip ? readZip(bytes) : readTar(bytes))
      .map(({ name, content }) => [name, new TextDecoder().decode(content)]),
  );
}

/** The computer's file system, counting files opened and closed, and bytes read. */
interface Watched extends FileSystem {
  opened: number;
  closed: number;
  read: number;
}

function watchedFileSystem(): Watched {
  const watched: Watched = {
    ...denoFileSystem,
    opened: 0,
    closed: 0,
    read: 0,
    open: (path) => {
      const file = denoFileSystem.open(path);
      if (isFault(file)) return file;
      watched.opened++;
      return {
        ...file,
        read: async (buffer) => {
          const count = await file.read(buffer);
          watched.read += count;
          return count;
        },
        close: () => {
          watched.closed++;
          file.close();
        },
      };
    },
  };
  return watched;
}

Deno.test("a folder is answered as an archive with all that its listings show, and nothing else", async () => {
  await using folder = await TempFolder.create();
  await folder.write("d/a.txt", "a");
  await folder.write("d/é 🐙/b.jpg", "b");
  await folder.write("d/.hidden/x", "secret");
  await folder.write("d/.well-known/y", "y");
  await folder.write("d/back\\slash", "unservable");
  await folder.write("d/config.toml", "secret");
  await folder.write("d/é 🐙/my.key", "secret");
  await folder.write("outside", "o");
  await Deno.mkdir(folder.at("d/empty"));
  await Deno.symlink("..", folder.at("d/é 🐙/up"));
  await Deno.symlink(folder.at("outside"), folder.at("d/inside_the_root"));
  await Deno.symlink("/etc", folder.at("d/etc"));
  await Deno.link(folder.at("d/config.toml"), folder.at("d/other_name"));
  const ask = client(folder, {
    neverServe: [folder.at("d/config.toml")],
    hiddenPatterns: ["*.key"],
  });
  for (const form of ["zip", "tar"]) {
    const answer = await ask(`/d/?archive=${form}`);
    assertEquals(await readArchive(answer), {
      "d/": "",
      "d/.well-known/": "",
      "d/.well-known/y": "y",
      "d/a.txt": "a",
      "d/empty/": "",
      "d/inside_the_root": "o",
      "d/é 🐙/": "",
      "d/é 🐙/b.jpg": "b",
    });
    const field = (name: string): string | undefined => headerValue(answer.headers, name);
    assertEquals(field("content-type"), form === "zip" ? "application/zip" : "application/x-tar");
    assertEquals(field("content-disposition"), `attachment; filename="d.${form}"`);
    assertEquals(field("accept-ranges"), "none");
    assertEquals(field("cache-control"), "no-cache");
    assertEquals(field("x-content-type-options"), "nosniff");
    assertEquals(field("etag"), undefined);
  }
  const root = await readArchive(await ask("/?archive=zip"));
  assertEquals(root["files/outside"], "o");
  assertEquals(root["files/d/a.txt"], "a");
});

Deno.test("a folder's archive holds the entries that were ticked; one that is not there is a 404", async () => {
  await using folder = await TempFolder.create();
  for (const name of ["a.txt", "b c&.txt", "sub/x.txt", ".hidden", "b\\s"]) {
    await folder.write(name, name);
  }
  const ask = client(folder);
  assertEquals(
    await readArchive(await ask("/?archive=tar&entry=b%20c%26.txt&entry=sub&entry=sub")),
    {
      "files/": "",
      "files/b c&.txt": "b c&.txt",
      "files/sub/": "",
      "files/sub/x.txt": "sub/x.txt",
    },
  );
  for (const entry of ["no", "b%5Cs", ".hidden", "..", "sub/x.txt", "", "%2Fetc", "a.txt%00"]) {
    const answer = await ask(`/?archive=tar&entry=a.txt&entry=${entry}`);
    assertEquals(answer.status, 404, entry);
  }
  assertEquals((await ask("/?archive=rar")).status, 400);
  assertEquals((await ask("/?archive=")).status, 400);
  assertEquals((await ask("/a.txt?archive=zip")).status, 200, "a file is a file");
  assertStringIncludes((await ask("/sub?archive=zip")).headers.join(), "./sub/?archive=zip");
});

Deno.test("an archive announces its length where that is known, to HEAD too, which reads no file", async () => {
  await using folder = await TempFolder.create();
  const fileSystem = watchedFileSystem();
  await folder.write("photos/a.jpg", "a".repeat(5000));
  await folder.write("photos/sub/b.mp4", "b");
  await folder.write("mixed/c.txt", "c");
  const ask = client(folder, { fileSystem });
  for (const target of ["/photos/?archive=zip", "/?archive=tar"]) {
    const head = await ask(target, "HEAD");
    assertEquals(head.body, null);
    assertEquals([fileSystem.read, fileSystem.opened], [0, fileSystem.closed]);
    const answer = await ask(target);
    const length = headerValue(answer.headers, "content-length");
    assertEquals(length, headerValue(head.headers, "content-length"));
    assert(length !== undefined);
    await readArchive(answer);
    fileSystem.read = 0;
  }
  const mixed = await ask("/mixed/?archive=zip");
  assertEquals(headerValue(mixed.headers, "content-length"), undefined);
  await readArchive(mixed);
  assertEquals(fileSystem.opened, fileSystem.closed);
});

Deno.test("an archive of more than MAX_PLANNED_ENTRIES is sent whole, without a length", async () => {
  await using folder = await TempFolder.create();
  for (let i = 0; i <= MAX_PLANNED_ENTRIES; i++) await Deno.mkdir(folder.at(`d${i}`));
  const answer = await client(folder)("/?archive=tar");
  assertEquals(headerValue(answer.headers, "content-length"), undefined);
  assertEquals(Object.keys(await readArchive(answer)).length, MAX_PLANNED_ENTRIES + 2);
});

Deno.test("a file that may not be read is left out, before and after the length was announced", async () => {
  await using folder = await TempFolder.create();
  for (const name of ["a.jpg", "denied.jpg", "z.jpg"]) await folder.write(name, name);
  const fileSystem: FileSystem = {
    ...denoFileSystem,
    open: (path) => path.endsWith("denied.jpg") ? { fault: "denied" } : denoFileSystem.open(path),
  };
  for (const form of ["zip", "tar"]) {
    const names = await readArchive(await client(folder, { fileSystem })(`/?archive=${form}`));
    assertEquals(Object.keys(names), ["files/", "files/a.jpg", "files/z.jpg"]);
  }
});

Deno.test("a file that vanished or became a link is left out where no length was announced", async () => {
  await using folder = await TempFolder.create();
  await using outside = await TempFolder.create();
  await outside.write("passwd", "secret");
  for (const name of ["a.txt", "gone.txt", "link.txt", "sub/x.txt"]) await folder.write(name, name);
  const answer = await client(folder)("/?archive=zip");
  await Deno.remove(folder.at("gone.txt"));
  await Deno.remove(folder.at("link.txt"));
  await Deno.symlink(outside.at("passwd"), folder.at("link.txt"));
  assertEquals(await readArchive(answer), {
    "files/": "",
    "files/a.txt": "a.txt",
    "files/sub/": "",
    "files/sub/x.txt": "sub/x.txt",
  });
});

Deno.test("an archive breaks off where a file is gone or shrank since its length was announced", async () => {
  await using folder = await TempFolder.create();
  for (const change of ["gone", "shrunk", "link"]) {
    await folder.write("a.jpg", "0123456789");
    await folder.write("b.jpg", "0123456789");
    const answer = await client(folder)("/?archive=tar");
    await Deno.remove(folder.at("b.jpg"));
    if (change === "shrunk") await folder.write("b.jpg", "01234");
    if (change === "link") await Deno.symlink("/etc/passwd", folder.at("b.jpg"));
    await assertRejects(() => readBody(answer.body), Error, "it is gone or has shrunk");
    await Deno.remove(folder.at("b.jpg")).catch(() => {});
  }
  await folder.write("b.jpg", "0123456789");
  const answer = await client(folder)("/?archive=tar");
  await folder.write("b.jpg", "0123456789 and more");
  assertEquals((await readArchive(answer))["files/b.jpg"], "0123456789", "cut as announced");
});

Deno.test("an archive stops reading and closes its file when the visitor leaves", async () => {
  await using folder = await TempFolder.create();
  const content = crypto.getRandomValues(new Uint8Array(65_536));
  const big = new Uint8Array(8 * FILE_PIECE_BYTES);
  for (let at = 0; at < big.length; at += content.length) big.set(content, at);
  for (const name of ["a.txt", "b.txt", "c.txt"]) await folder.write(name, big);
  for (const form of ["zip", "tar"]) {
    const fileSystem = watchedFileSystem();
    const { body } = await client(folder, { fileSystem })(`/?archive=${form}`);
    assert(body instanceof Readable);
    await once(body, "readable");
    assertEquals(fileSystem.opened - fileSystem.closed, 1, "one file is open");
    body.destroy();
    await once(body, "close");
    assertEquals(fileSystem.opened, fileSystem.closed);
    assertLess(fileSystem.read, big.length);
  }
});

Deno.test("an archive leaves the event loop free, whatever it holds", async () => {
  await using folder = await TempFolder.create();
  for (let i = 0; i < 3000; i++) await folder.write(`empty${i}`, "");
  await folder.write("big.txt", new Uint8Array(64 * 1024 * 1024));
  for (const form of ["zip", "tar"]) {
    const { body } = await client(folder)(`/?archive=${form}`);
    assert(body instanceof Readable);
    let [read, most] = [0, 0];
    let timer = setImmediate(function turn(): void {
      read = 0;
      timer = setImmediate(turn);
    });
    for await (const piece of body) {
      read += (piece as Uint8Array).length;
      most = Math.max(most, read);
    }
    clearImmediate(timer);
    assert(most > 0 && most < 8 * 1024 * 1024, `${most} bytes between two turns of the loop`);
  }
});

function sourceOf(folder: TempFolder): ListingSource {
  const fileSystem = denoFileSystem;
  const confinement = new Confinement({ fileSystem, root: folder.path });
  const directory = confinement.locate([]);
  assert(!isFault(directory));
  return { fileSystem, confinement, directory };
}

Deno.test("walkFolder takes a turn of the event loop every ARCHIVE_SLICE_ENTRIES names", async () => {
  await using folder = await TempFolder.create();
  const source = sourceOf(folder);
  const gone = Array.from({ length: 10 * ARCHIVE_SLICE_ENTRIES }, (_, i): ListedName => ({
    entry: { name: `gone${i}`, kind: "file" },
    isDirectory: false,
  }));
  let turns = 0;
  const count = (): void => {
    turns++;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  for await (const { path } of walkFolder(gone, source)) fail(path.join());
  clearImmediate(immediate);
  assert(turns >= 9, String(turns));
});

Deno.test("walkFolder ends with LimitError past its entries and its depth, and not before", async () => {
  await using folder = await TempFolder.create();
  await folder.write("a/b/c.txt", "");
  const source = sourceOf(folder);
  const names = await readNames(source);
  assert(!isFault(names));
  const walk = async (options: { maxEntries?: number; maxDepth?: number }): Promise<string[]> => {
    const paths: string[] = [];
    for await (const { path } of walkFolder(names, source, options)) paths.push(path.join("/"));
    return paths;
  };
  assertEquals(await walk({ maxEntries: 3, maxDepth: 3 }), ["a", "a/b", "a/b/c.txt"]);
  await assertRejects(() => walk({ maxEntries: 2 }), LimitError, "MAX_ARCHIVE_ENTRIES");
  await assertRejects(() => walk({ maxDepth: 2 }), LimitError, "MAX_ARCHIVE_DEPTH");
});

Deno.test("a folder deeper than MAX_ARCHIVE_DEPTH is refused where that shows before the answer", async () => {
  await using folder = await TempFolder.create();
  const deep = "d/".repeat(MAX_ARCHIVE_DEPTH);
  await Deno.mkdir(folder.at(deep), { recursive: true });
  const ask = client(folder);
  assertEquals((await ask("/?archive=tar")).status, 403);
  assertEquals((await ask("/d/?archive=tar")).status, 200);
});
