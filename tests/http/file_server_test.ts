import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import fc from "fast-check";
import { once } from "node:events";
import { Readable } from "node:stream";
import { systemClock } from "../../lib/base/clock.ts";
import {
  LISTING_PAGE_ENTRIES,
  MAX_OPEN_ATTEMPTS,
  SETTLED_AGE_MS,
  SMALL_BODY_BYTES,
} from "../../lib/base/limits.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer, type FileServerOptions } from "../../lib/files/file_server.ts";
import { type FileSystem, isFault } from "../../lib/files/file_system.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { HttpAnswer } from "../../lib/http/message.ts";
import { laterClock } from "../support/later_clock.ts";
import { readBody } from "../support/read_body.ts";
import { TempFolder } from "../support/temp_folder.ts";

const SETTLED = new Date("2026-01-02T03:04:05Z");

interface Asked {
  readonly method?: string;
  readonly headers?: readonly string[];
  readonly form?: "auto" | "json";
}

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly field: (name: string) => string | undefined;
  readonly answer: HttpAnswer;
}

/** Asks for a target, as the listener would, and reads the answer whole. */
function client(
  folder: TempFolder,
  options: Partial<FileServerOptions> = {},
): (target: string, asked?: Asked) => Promise<Reply> {
  const server = createFileServer({
    fileSystem: denoFileSystem,
    root: folder.path,
    clock: laterClock,
    log: silentLogger,
    ...options,
  });
  return async (target, { method = "GET", headers = [], form } = {}) => {
    const answer = await server.answer(
      { method, target, headers },
      target.replace(/\?.*/s, ""),
      form,
    );
    const text = new TextDecoder().decode(await readBody(answer.body));
    return {
      status: answer.status,
      text,
      field: (name) => headerValue(answer.headers, name),
      answer,
    };
  };
}

/** The computer's file system, counting what is opened and closed. */
function countingFileSystem(): FileSystem & { opened: number; closed: number } {
  const counting = {
    ...denoFileSystem,
    opened: 0,
    closed: 0,
    open: (path: string): ReturnType<FileSystem["open"]> => {
      const file = denoFileSystem.open(path);
      if (isFault(file)) return file;
      counting.opened++;
      return { ...file, close: () => (counting.closed++, file.close()) };
    },
  };
  return counting;
}

/** Where the entries of a page lead, without the `./` before it, as in the HTML. */
function entryLinks(html: string): string[] {
  return [...html.matchAll(/<div class="n"><a href="\.\/([^"]*)"/g)].map(([, href = ""]) => href);
}

const AWKWARD_NAMES = [
  "a b.txt",
  "100%.txt",
  "%41.txt",
  "a#b",
  "a?b",
  `"quoted" 'twice'`,
  "<b>&amp;",
  "line\nbreak",
  "tab\t\u0007bell",
  "🐙 café",
  "cafe\u0301",
  "\ufeffbom",
  "-rf",
  "--",
  "~",
  "a:b",
  "javascript:alert(1)",
  "con",
  "trailing.",
  " spaces ",
  "a+b&c=d;e",
  "ä".repeat(127),
  "x".repeat(255),
];

Deno.test("file server serves every awkward name, and its listing links to it", async () => {
  await using folder = await TempFolder.create();
  for (const name of AWKWARD_NAMES) await folder.write(name, `content of ${name}`);
  const ask = client(folder);
  const listing = await ask("/");
  assertEquals(listing.status, 200);
  const links = entryLinks(listing.text)
    .map((href) => href.replaceAll("&#39;", "'").replaceAll("&amp;", "&"));
  assertEquals(links.length, AWKWARD_NAMES.length);
  const contents = await Promise.all(links.map((link) => ask(`/${link}`)));
  assertEquals(
    contents.map(({ text }) => text).sort(),
    AWKWARD_NAMES.map((name) => `content of ${name}`).sort(),
  );
  const json: { entries: { name: string }[] } = JSON.parse((await ask("/", { form: "json" })).text);
  assertEquals(json.entries.map(({ name }) => name).sort(), AWKWARD_NAMES.toSorted());
});

Deno.test("file server redirects a folder of any name relatively, query kept (CVE-2015-1164, CVE-2021-28861)", async () => {
  await using folder = await TempFolder.create();
  const names = ["a b", "evil.com:80", "%2f", "é", "?", "line\nbreak", "@host"];
  for (const name of names) await folder.write(`up/${name}/f`, "");
  const ask = client(folder);
  for (const name of names) {
    const encoded = encodeURIComponent(name);
    const { status, field } = await ask(`/up/${encoded}?q=%20//x`);
    assertEquals([status, field("location")], [308, `./${encoded}/?q=%20//x`]);
    const base = "http://relay/servers/s/files/up/x";
    const followed = new URL(field("location") ?? "", base).pathname;
    assertEquals(followed, `/servers/s/files/up/${encoded}/`);
  }
  for (const path of ["//evil.com/..%2fdir", "/\\evil.com/%2e%2e/up", "//evil.com/up/.."]) {
    const { status, field } = await ask(path);
    assertEquals([status, field("location")], [404, undefined], path);
  }
});

const TRAVERSALS = [
  "/../secret",
  "/../../../../../../etc/passwd",
  "/%2e%2e/secret",
  "/%2E%2E/secret",
  "/.%2e/secret",
  "/..%2fsecret",
  "/..%2Fsecret",
  "/%2e%2e%2fsecret",
  "/%252e%252e/secret",
  "/.%252e/secret",
  "/..%5csecret",
  "/..\\secret",
  "/%5c..%5csecret",
  "//etc/passwd",
  "/%2fetc%2fpasswd",
  "///etc/passwd",
  "/./../secret",
  "/dir/../../secret",
  "/dir/..%2f..%2fsecret",
  "/..;/secret",
  "/%00/../secret",
  "/secret%00.txt",
  "/%c0%ae%c0%ae/secret",
  "/%e0%80%ae%e0%80%ae/secret",
  "/..%c0%afsecret",
  "/../root-secret/file",
  "/..%2froot-secret/file",
  "/-secret/file",
  "/c:/windows/win.ini",
  "/%2e%2e./secret",
  "/.../secret",
];

Deno.test("file server gives nothing outside its root, and keeps serving (CVE-2014-3744, CVE-2014-6394, CVE-2023-37474)", async () => {
  await using folder = await TempFolder.create();
  await folder.write("secret", "SECRET");
  await folder.write("root-secret/file", "SECRET");
  await folder.write("root/dir/file", "public");
  const ask = client(folder, { root: folder.at("root") });
  for (const path of TRAVERSALS) {
    for (const form of ["auto", "json"] as const) {
      const { status, text } = await ask(path, { form });
      assert(status === 404 || status === 400, `${path}: ${status}`);
      assert(!text.includes("SECRET") && !text.includes("root:"), path);
    }
  }
  assertEquals((await ask("/dir/file")).text, "public");
});

Deno.test("file server yields no byte from outside its root, and no 500, whatever the path", async () => {
  await using folder = await TempFolder.create();
  await folder.write("secret", "SECRET");
  await folder.write("root/a/secret", "public");
  await folder.write("root/.env", "SECRET");
  await folder.write("root/a/x.key", "SECRET");
  await folder.write("root/private/f", "SECRET");
  await Deno.symlink("../secret", folder.at("root/link"));
  await Deno.symlink("..", folder.at("root/a/up"));
  await Deno.symlink("../..", folder.at("root/a/out"));
  const hiddenPatterns = ["*.key", "PRIVATE"];
  const ask = client(folder, { root: folder.at("root"), hiddenPatterns });
  const part = fc.oneof(
    fc.constantFrom(
      ..."/ // a/ private f private/f PRIVATE x.key X.KEY %2ekey %e2%80%8c ?download ?sha256 . .. %2e %2E %2f %5c \\ %00 %25 %252e a link secret up out .env root etc passwd ? # : ; ~ %c0%ae %ff \xff"
        .split(" "),
    ),
    fc.string({ maxLength: 3 }),
  );
  let served = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { maxLength: 8 }),
      fc.constantFrom("auto", "json"),
      async (parts, form) => {
        const { status, text } = await ask(`/${parts.join("")}`, { form });
        assert(status < 500, `${status}`);
        assert(!text.includes("SECRET"));
        if (text === "public") served++;
      },
    ),
    { numRuns: 3000, examples: [[["a/secret"], "auto"], [["a/up/a/secret"], "auto"]] },
  );
  assert(served >= 2);
});

Deno.test("file server confines symbolic links (CVE-2019-5438)", async () => {
  await using folder = await TempFolder.create();
  await folder.write("secret", "SECRET");
  await folder.write("root/file", "public");
  await folder.write("root/dir/deep", "deep");
  const links = {
    in: "file",
    indir: "dir",
    out: "../secret",
    outdir: "..",
    dangling: "gone",
    loop: "loop",
  };
  for (const [name, target] of Object.entries(links)) {
    await Deno.symlink(target, folder.at(`root/${name}`));
  }
  const ask = client(folder, { root: folder.at("root") });
  assertEquals((await ask("/in")).text, "public");
  assertEquals((await ask("/indir/deep")).text, "deep");
  assertEquals((await ask("/indir")).field("location"), "./indir/");
  for (
    const path of ["/out", "/outdir", "/outdir/", "/outdir/secret", "/dangling", "/loop", "/loop/"]
  ) {
    assertEquals((await ask(path)).status, 404, path);
  }
  const list = await ask("/", { headers: ["Accept", "text/plain"] });
  assertEquals(list.text, "dir/\nfile\nin\nindir/\n");
});

Deno.test({
  name: "file server never opens a FIFO, a socket or a device, and does not list them",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await TempFolder.create();
    await folder.write("file", "public");
    const made = await new Deno.Command("mkfifo", { args: [folder.at("fifo")] }).output();
    assert(made.success);
    await Deno.symlink("fifo", folder.at("link"));
    await Deno.symlink("/dev/zero", folder.at("zero"));
    const fileSystem = countingFileSystem();
    for (const symlinks of ["inside", "follow"] as const) {
      const ask = client(folder, { fileSystem, symlinks });
      for (const path of ["/fifo", "/link", "/zero"]) {
        for (const method of ["GET", "HEAD"]) {
          assertEquals((await ask(path, { method })).status, 404);
        }
      }
      assertEquals(fileSystem.opened, 0);
      const list = await ask("/", { headers: ["Accept", "text/plain"] });
      assertEquals(list.text, "file\n");
      assertStringIncludes((await ask("/")).text, "<p>1 file, ");
    }
    assertEquals((await client(folder)("/file")).text, "public");
  },
});

Deno.test("file server hides hidden names and its configuration, by link too", async () => {
  await using folder = await TempFolder.create();
  await folder.write("file", "public");
  await folder.write(".env", "SECRET");
  await folder.write(".git/config", "SECRET");
  await folder.write(".well-known/acme", "token");
  const config = await folder.write("ptth_server.toml", "SECRET");
  await Deno.link(config, folder.at("copy"));
  await Deno.symlink("ptth_server.toml", folder.at("link"));
  const ask = client(folder, { neverServe: [config] });
  for (
    const path of [
      "/.env",
      "/%2eenv",
      "/.git/",
      "/.git/config",
      "/ptth_server.toml",
      "/copy",
      "/link",
    ]
  ) {
    const { status, text } = await ask(path);
    assertEquals([status, text], [404, "Not Found\n"], path);
  }
  assertEquals((await ask("/.well-known/acme")).text, "token");
  assertEquals(
    (await ask("/", { headers: ["Accept", "text/plain"] })).text,
    ".well-known/\nfile\n",
  );
  const json: { entries: { name: string }[] } = JSON.parse((await ask("/", { form: "json" })).text);
  assertEquals(json.entries.map(({ name }) => name), [".well-known", "file"]);
  const html = (await ask("/")).text;
  assertStringIncludes(html, "./file");
  assert(!/env|git|toml|copy|link<|SECRET/.test(html));
  await Deno.remove(folder.at("copy"));
  assertStringIncludes((await ask("/")).text, "<p>1 folder, 1 file, ");
});

Deno.test("file server opens no file for HEAD, 304, 412, 416 or a refusal, and closes what it opens", async () => {
  await using folder = await TempFolder.create();
  await folder.write("small", "x".repeat(SMALL_BODY_BYTES), SETTLED);
  await folder.write("big", "x".repeat(SMALL_BODY_BYTES + 1), SETTLED);
  const fileSystem = countingFileSystem();
  const ask = client(folder, { fileSystem });
  for (const path of ["/small", "/big"]) {
    const head = await ask(path, { method: "HEAD" });
    const etag = head.field("etag") ?? "";
    await ask(path, { headers: ["If-None-Match", etag] });
    await ask(path, { headers: ["If-Match", '"no"'] });
    await ask(path, { headers: ["Range", "bytes=99999999-"] });
    await ask(path, { method: "DELETE" });
    assertEquals(fileSystem.opened, 0);
    const get = await ask(path);
    const sameFields = (name: string): boolean => get.field(name) === head.field(name);
    assert(["content-length", "etag", "content-type", "last-modified"].every(sameFields));
    assertEquals(get.text.length, Number(get.field("content-length")));
    assertEquals([fileSystem.opened, fileSystem.closed], [1, 1]);
    fileSystem.opened = fileSystem.closed = 0;
  }
  assertInstanceOf((await ask("/small")).answer.body, Uint8Array);
  assertInstanceOf((await ask("/big")).answer.body, Readable);
});

Deno.test("file server closes the file of an answer that nobody reads", async () => {
  await using folder = await TempFolder.create();
  await folder.write("big", "x".repeat(SMALL_BODY_BYTES + 1));
  const fileSystem = countingFileSystem();
  const options = { fileSystem, root: folder.path, clock: systemClock, log: silentLogger };
  const request = { method: "GET", target: "/big", headers: [] };
  const { body } = await createFileServer(options).answer(request, "/big");
  assertInstanceOf(body, Readable);
  body.destroy();
  await once(body, "close");
  assertEquals([fileSystem.opened, fileSystem.closed], [1, 1]);
});

Deno.test("file server answers several ranges in parts of exact length (RFC 9110 §14.6)", async () => {
  await using folder = await TempFolder.create();
  const content = Array.from({ length: 300_000 }, (_, i) => String.fromCharCode(97 + i % 26)).join(
    "",
  );
  await folder.write("f.txt", content, SETTLED);
  const { status, text, field } = await client(folder)("/f.txt", {
    headers: ["Range", "bytes=0-1, 100000-199999, -3"],
  });
  assertEquals(status, 206);
  assertEquals(field("content-length"), String(text.length));
  const [, boundary = ""] =
    /^multipart\/byteranges; boundary=(\w+)$/.exec(field("content-type") ?? "") ?? [];
  const parts = text.split(`--${boundary}`).slice(1);
  assertEquals(parts.pop(), "--\r\n");
  assertEquals(
    parts.map((part) => {
      const [, range = "", body = ""] =
        /^\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Range: bytes (\S+)\r\n\r\n([a-z]*)\r\n$/
          .exec(part) ?? [];
      return [range, body];
    }),
    [["0-1/300000", "ab"], ["100000-199999/300000", content.slice(100000, 200000)], [
      "299997-299999/300000",
      content.slice(-3),
    ]],
  );
});

Deno.test("file server tags a file that is not settled by its bytes, or weakly where it is big (RFC 9110 §8.8.1)", async () => {
  await using folder = await TempFolder.create();
  const [small, big] = ["x".repeat(SMALL_BODY_BYTES), "x".repeat(SMALL_BODY_BYTES + 1)];
  const path = await folder.write("small", small, SETTLED);
  await folder.write("big", big, SETTLED);
  const { ctime } = await Deno.stat(path);
  const changed = ctime?.getTime() ?? 0;
  // Dates as coarse as can be: all changes of one second look the same.
  const fileSystem: FileSystem = {
    ...denoFileSystem,
    lstat: (path) => withChangeTime(denoFileSystem.lstat(path), changed),
    open: (path) => {
      const file = denoFileSystem.open(path);
      if (isFault(file)) return file;
      const stat = file.stat();
      return { ...file, stat: () => ({ ...stat, ctime: changed }) };
    },
  };
  let now = changed + SETTLED_AGE_MS - 1;
  const ask = client(folder, { fileSystem, clock: { ...systemClock, now: () => now } });
  const tagOf = async (target: string, method = "GET"): Promise<string> =>
    (await ask(target, { method })).field("etag") ?? "none";
  const [smallTag, bigTag] = [await tagOf("/small"), await tagOf("/big")];
  assertMatch(smallTag, /^"[\w-]{22}"$/);
  assertMatch(bigTag, /^W\/"/);
  assertEquals([await tagOf("/small", "HEAD"), await tagOf("/big", "HEAD")], [smallTag, bigTag]);

  await folder.write("small", small.replace("x", "y"), SETTLED);
  assertNotEquals(await tagOf("/small"), smallTag, "the bytes changed, and nothing else");
  await folder.write("small", small, SETTLED);
  assertEquals(await tagOf("/small"), smallTag);

  now++;
  const [smallLater, bigLater] = [await tagOf("/small"), await tagOf("/big")];
  assertMatch(smallLater, /^"/);
  assertMatch(bigLater, /^"/);
  // A copy that was made too early is replaced.
  assertEquals((await ask("/big", { headers: ["If-None-Match", bigTag] })).status, 200);
  assertEquals((await ask("/big", { headers: ["If-None-Match", bigLater] })).status, 304);
});

function withChangeTime(stat: ReturnType<FileSystem["lstat"]>, ctime: number): typeof stat {
  return isFault(stat) ? stat : { ...stat, ctime };
}

Deno.test("file server keeps the bytes of small files, for as long as the files stay as they are", async () => {
  await using folder = await TempFolder.create();
  await folder.write("f", "old", SETTLED);
  const fileSystem = countingFileSystem();
  const ask = client(folder, { fileSystem });
  const [first, second] = [await ask("/f"), await ask("/f")];
  assertEquals([first.text, second.text, fileSystem.opened], ["old", "old", 1]);
  assertEquals((await ask("/f", { headers: ["Range", "bytes=1-"] })).text, "ld");
  await folder.write("f", "new", new Date(SETTLED.getTime() + 1));
  const third = await ask("/f");
  assertEquals([third.text, fileSystem.opened], ["new", 2]);
  assertNotEquals(third.field("etag"), second.field("etag"));
  assertEquals(third.field("etag"), (await ask("/f")).field("etag"));
  await Deno.remove(folder.at("f"));
  assertEquals((await ask("/f")).status, 404);
});

Deno.test("file server gives documents that can run scripts no rights (CVE-2026-28683)", async () => {
  await using folder = await TempFolder.create();
  const ask = client(folder);
  for (const name of ["a.html", "a.svg", "a.xml", "a.xhtml"]) {
    await folder.write(name, "<script>alert(1)</script>");
    const policy = (await ask(`/${name}`)).field("content-security-policy") ?? "";
    assertEquals(policy.startsWith("sandbox "), true, name);
    assert(!/allow-(scripts|same-origin|forms)/.test(policy), name);
  }
  for (const name of ["a.txt", "a.png", "a.pdf", "a"]) {
    await folder.write(name, "x");
    const { field } = await ask(`/${name}`);
    assertEquals([field("content-security-policy"), field("x-content-type-options")], [
      undefined,
      "nosniff",
    ]);
  }
});

Deno.test("file server looks anew at a file that is replaced while it is opened", async () => {
  await using folder = await TempFolder.create();
  await folder.write("f", "old", SETTLED);
  for (
    const [replacements, status, text] of [[1, 200, "new 1"], [
      MAX_OPEN_ATTEMPTS,
      503,
      undefined,
    ]] as const
  ) {
    let left: number = replacements;
    let count = 0;
    const fileSystem: FileSystem = {
      ...denoFileSystem,
      open: (path) => {
        if (left-- > 0) {
          Deno.writeTextFileSync(folder.at("temporary"), `new ${++count}`);
          Deno.renameSync(folder.at("temporary"), path);
        }
        return denoFileSystem.open(path);
      },
    };
    const reply = await client(folder, { fileSystem })("/f");
    assertEquals(reply.status, status);
    if (text === undefined) assertEquals(reply.field("retry-after"), "1");
    else assertEquals([reply.text, reply.field("content-length")], [text, String(text.length)]);
  }
});

Deno.test("file server answers 403 to what its rights forbid and 503 when files run out", async () => {
  await using folder = await TempFolder.create();
  await folder.write("dir/f", "x");
  for (const [fault, status] of [["denied", 403], ["busy", 503], ["missing", 404]] as const) {
    const fileSystem: FileSystem = {
      ...denoFileSystem,
      open: () => ({ fault }),
      readDirectory: () => Promise.resolve({ fault }),
    };
    const ask = client(folder, { fileSystem });
    assertEquals((await ask("/dir/f")).status, status);
    assertEquals((await ask("/dir/")).status, status);
    assertEquals((await ask("/dir/f", { method: "HEAD" })).status, 200);
  }
});

Deno.test("file server lists as HTML, JSON or text (RFC 9110 §12.5.1)", async () => {
  await using folder = await TempFolder.create();
  await folder.write("b.txt", "123456", SETTLED);
  await folder.write("a/x", "", SETTLED);
  await folder.write("Z", "", SETTLED);
  const ask = client(folder);
  const html = await ask("/", { headers: ["Accept", "*/*"] });
  assertEquals(html.field("content-type"), "text/html; charset=utf-8");
  assertEquals(entryLinks(html.text), [
    "a/",
    "Z",
    "b.txt",
  ]);
  const json = await ask("/", { headers: ["Accept", "application/json"] });
  assertEquals([json.field("content-type"), json.field("vary")], ["application/json", "Accept"]);
  const { entries }: { entries: Record<string, unknown>[] } = JSON.parse(json.text);
  assertEquals(entries.map(({ name }) => name), ["Z", "a", "b.txt"]);
  assertEquals(entries[2], {
    name: "b.txt",
    size: 6,
    is_dir: false,
    type: "file",
    mtime: "2026-01-02T03:04:05.000Z",
  });
  const text = await ask("/", { headers: ["Accept", "text/plain"] });
  assertEquals([text.field("content-type"), text.text], [
    "text/plain; charset=utf-8",
    "Z\na/\nb.txt\n",
  ]);
  const forced = await ask("/", { headers: ["Accept", "text/html"], form: "json" });
  assertEquals([forced.text, forced.field("vary")], [json.text, undefined]);
  assertEquals((await ask("/b.txt", { form: "json" })).status, 404);
  assertEquals((await ask("/a", { form: "json" })).field("location"), "./a/");
  assertEquals((await ask("", {})).text, html.text);
});

Deno.test("file server sorts a listing by name, size and date, folders first, whatever the query says", async () => {
  await using folder = await TempFolder.create();
  const day = 86_400_000;
  await folder.write("big", "xxx", new Date(SETTLED.getTime() + day));
  await folder.write("mid", "xx", new Date(SETTLED.getTime() - day));
  await folder.write("one", "x", SETTLED);
  await folder.write("ydir/f", "");
  await folder.write("zdir/f", "");
  await Deno.utime(folder.at("ydir"), SETTLED, SETTLED);
  const ask = client(folder);
  const rows: [query: string, names: string][] = [
    ["", "ydir/ zdir/ big mid one"],
    ["?sort=name&order=desc", "zdir/ ydir/ one mid big"],
    ["?sort=size", "ydir/ zdir/ one mid big"],
    ["?sort=size&order=desc", "zdir/ ydir/ big mid one"],
    ["?sort=date", "ydir/ zdir/ mid one big"],
    ["?sort=%zz&order=&page=-1&&=%ff", "ydir/ zdir/ big mid one"],
    ["?page=99999999999999999999", "ydir/ zdir/ big mid one"],
    ["?page=0", "ydir/ zdir/ big mid one"],
  ];
  for (const [query, names] of rows) {
    const { status, text } = await ask(`/${query}`);
    const links = entryLinks(text);
    assertEquals([status, links.join(" ")], [200, names], query);
  }
});

Deno.test("file server pages a big listing, and gives JSON whole (RFC 8288 §3)", async () => {
  await using folder = await TempFolder.create();
  const count = 2 * LISTING_PAGE_ENTRIES + 5;
  const name = (i: number): string => `f${String(i).padStart(5, "0")}`;
  for (let i = 0; i < count; i++) await Deno.writeTextFile(folder.at(name(i)), "");
  await Deno.utime(folder.path, SETTLED, SETTLED);
  let reads = 0;
  const fileSystem: FileSystem = {
    ...denoFileSystem,
    readDirectory: (path) => (reads++, denoFileSystem.readDirectory(path)),
  };
  const ask = client(folder, { fileSystem });
  const first = await ask("/");
  const last = await ask("/?page=3");
  assertEquals(entryLinks(first.text).length, LISTING_PAGE_ENTRIES);
  assertEquals(
    entryLinks(last.text),
    [0, 1, 2, 3, 4].map((i) => name(2 * LISTING_PAGE_ENTRIES + i)),
  );
  assertStringIncludes(first.field("link") ?? "", '<./?page=2>; rel="next"');
  assertStringIncludes(last.field("link") ?? "", '<./?page=2>; rel="prev"');
  assert(!(last.field("link") ?? "").includes("next"));
  assertEquals(reads, 1, "turning a page reads no names again");
  const json = await ask("/", { form: "json" });
  assertInstanceOf(json.answer.body, Readable);
  const { entries }: { entries: { name: string }[] } = JSON.parse(json.text);
  assertEquals(
    entries.map((entry) => entry.name),
    Array.from({ length: count }, (_, i) => name(i)),
  );
  await folder.write("new", "");
  assertStringIncludes((await ask("/", { headers: ["Accept", "text/plain"] })).text, "\nnew\n");
});

Deno.test({
  name: "file server lists a folder with a name that is not UTF-8 and an entry that cannot be read",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using folder = await TempFolder.create();
    await folder.write("file", "public");
    await folder.write("locked", "x");
    const touch = new Deno.Command("sh", {
      args: ["-c", "touch \"$(printf 'bad\\377')\""],
      cwd: folder.path,
    });
    assert((await touch.output()).success);
    const fileSystem: FileSystem = {
      ...denoFileSystem,
      lstat: (path) => path.endsWith("locked") ? { fault: "denied" } : denoFileSystem.lstat(path),
    };
    const ask = client(folder, { fileSystem });
    const html = await ask("/");
    assertEquals(html.status, 200);
    assertStringIncludes(html.text, "bad\ufffd (not available)");
    assertStringIncludes(html.text, "locked (not available)");
    assertStringIncludes(html.text, 'href="./file"');
    assertEquals((await ask("/?sort=size")).status, 200);
    assertEquals((await ask("/", { headers: ["Accept", "text/plain"] })).text, "file\n");
    const { entries }: { entries: { name: string }[] } = JSON.parse(
      (await ask("/", { form: "json" })).text,
    );
    assertEquals(entries.map(({ name }) => name), ["file"]);
    assertEquals((await ask("/bad%FF")).status, 400);
    assertEquals((await ask("/bad%EF%BF%BD")).status, 404);
  },
});
