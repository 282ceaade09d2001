import { assert, assertEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { systemClock } from "../../lib/base/clock.ts";
import {
  MAX_MARKDOWN_BYTES,
  MAX_PREVIEW_BYTES,
  MAX_SEARCH_RESULTS,
  MAX_SEARCHES,
} from "../../lib/base/limits.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { Confinement } from "../../lib/files/confinement.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer, type FileServerOptions } from "../../lib/files/file_server.ts";
import { isFault } from "../../lib/files/file_system.ts";
import { searchFolder, type SearchOptions } from "../../lib/files/search_folder.ts";
import { headerValue } from "../../lib/http/headers.ts";
import { readBody } from "../support/read_body.ts";
import { TempFolder } from "../support/temp_folder.ts";

interface Page {
  readonly status: number;
  readonly text: string;
  readonly field: (name: string) => string;
}

type Ask = (target: string, headers?: readonly string[], mount?: string) => Promise<Page>;

function client(folder: TempFolder, options: Partial<FileServerOptions> = {}): Ask {
  const server = createFileServer({
    fileSystem: denoFileSystem,
    root: folder.path,
    clock: systemClock,
    log: silentLogger,
    ...options,
  });
  return async (target, headers = ["Host", "localhost"], mount = "") => {
    const request = { method: "GET", target: mount + target, headers };
    const answer = await server.answer(request, target.replace(/\?.*/s, ""));
    const text = new TextDecoder().decode(await readBody(answer.body));
    const field = (name: string): string => headerValue(answer.headers, name) ?? "";
    return { status: answer.status, text, field };
  };
}

Deno.test("pages load their style, kept for good, from where no file can be", async () => {
  await using folder = await TempFolder.create();
  await folder.write(".ptth/style.css", "SECRET");
  await folder.write("a/b/f.txt", "text");
  const ask = client(folder);
  for (const [page, root] of [["/", "./"], ["/a/b/", "../../"], ["/a/b/f.txt?preview", "../../"]]) {
    const { text, field } = await ask(page ?? "");
    const [, style = ""] = /<link rel="stylesheet" href="([^"]*)">/.exec(text) ?? [];
    assertStringIncludes(style, `${root}.ptth/style.`);
    const { pathname } = new URL(style, `http://h${page}`);
    const asset = await ask(pathname);
    assertEquals([asset.status, asset.field("content-type")], [200, "text/css; charset=utf-8"]);
    assertEquals(asset.field("cache-control"), "max-age=31536000, immutable");
    const hash = createHash("sha256").update(asset.text).digest("hex");
    assertStringIncludes(pathname, hash.slice(0, 12));
    assertNotMatch(text, /<style| style=|<script|https?:/);
    assertNotMatch(field("content-security-policy"), /unsafe|https?:|\*/);
  }
  for (
    const path of ["/.ptth/style.css", "/.ptth/", "/.ptth/style.000000000000.css", "/a/.ptth/x"]
  ) {
    assertEquals((await ask(path)).status, 404, path);
  }
});

Deno.test("the one script of a page is that which its policy names", async () => {
  await using folder = await TempFolder.create();
  await folder.write("a/f", "");
  const ask = client(folder);
  const { text, field } = await ask("/a/?qr");
  const [, src = "", hash = ""] = /<script src="([^"]*)" integrity="([^"]*)" defer>/.exec(text) ??
    [];
  assertStringIncludes(field("content-security-policy"), `script-src '${hash}'`);
  const script = await ask(new URL(src, "http://h/a/").pathname);
  assertEquals(hash, `sha256-${createHash("sha256").update(script.text).digest("base64")}`);
});

Deno.test("a folder filters its names, in every form, and says so in its links", async () => {
  await using folder = await TempFolder.create();
  for (const name of ["Report 2026.pdf", "report.txt", "CAFE\u0301", "other"]) {
    await folder.write(name, "");
  }
  const ask = client(folder);
  const list = async (query: string): Promise<string> => (await ask(`/?format=text&${query}`)).text;
  assertEquals(await list("filter=REPORT"), "Report 2026.pdf\nreport.txt\n");
  assertEquals(await list("filter=2026+report"), "Report 2026.pdf\n");
  assertEquals(await list("filter=caf%C3%A9"), "CAFE\u0301\n");
  assertEquals(await list("filter=nothing"), "");
  assertEquals(JSON.parse((await ask("/?format=json&filter=txt")).text).entries.length, 1);
  const { text, field } = await ask("/?filter=report&sort=size");
  assertStringIncludes(text, "2 of 4 names with “report”");
  assertStringIncludes(text, 'href="./?search=report"');
  assertStringIncludes(field("link"), '<./?format=json>; rel="alternate"; type="application/json"');
});

Deno.test("a folder answers in the form that ?format asks for, whatever Accept says", async () => {
  await using folder = await TempFolder.create();
  await folder.write("f/x", "");
  const ask = client(folder);
  const json = await ask("/?format=json", ["Accept", "text/html"]);
  assertEquals([json.field("content-type"), json.field("vary")], ["application/json", ""]);
  const text = await ask("/?format=text", ["Accept", "text/html"]);
  assertEquals([text.field("content-type"), text.text], ["text/plain; charset=utf-8", "f/\n"]);
  assertEquals((await ask("/?format=junk")).field("content-type"), "text/html; charset=utf-8");
  assertEquals((await ask("/?format=junk")).field("vary"), "Accept");
  assertStringIncludes((await ask("/f/")).field("link"), '<../>; rel="up"');
});

Deno.test("a folder shows its README, rendered where it is Markdown, unless it is long or no text", async () => {
  await using folder = await TempFolder.create();
  await folder.write("md/readme.MD", "# Hello <script>x</script>");
  await folder.write("md/README.txt", "plain");
  await folder.write("txt/README", "<b># plain");
  await folder.write("long/README.md", "x".repeat(MAX_MARKDOWN_BYTES + 1));
  await folder.write("binary/README.md", "\0SECRET");
  await folder.write("folder/README.md/f", "");
  await Deno.mkdir(folder.at("outside"));
  await Deno.symlink("/etc/passwd", folder.at("outside/README.md"));
  const ask = client(folder);
  assertStringIncludes((await ask("/md/")).text, "<h2>Hello &lt;script&gt;x&lt;/script&gt;</h2>");
  assertStringIncludes((await ask("/txt/")).text, "<pre>&lt;b&gt;# plain</pre>");
  for (const path of ["/long/", "/binary/", "/folder/", "/outside/", "/md/?filter=r", "/"]) {
    const { status, text } = await ask(path);
    assertEquals([status, text.includes('class="doc"')], [200, false], path);
  }
});

Deno.test("a preview holds a text, escaped, and of other files where to find them", async () => {
  await using folder = await TempFolder.create();
  await folder.write("d/a.html", "<script>alert(1)</script>\r\n2");
  await folder.write("d/long.txt", "ä".repeat(MAX_PREVIEW_BYTES));
  await folder.write("d/data.bin", "\0\x01");
  await folder.write("d/unknown", "words");
  for (const name of ["i.png", "i.svg", "s.mp3", "v.mp4", "p.pdf"]) {
    await folder.write(`d/${name}`, "SECRET");
  }
  await folder.write("d/n.md", "*words*");
  const ask = client(folder);
  const { text, field } = await ask("/d/a.html?preview");
  assertEquals(field("content-type"), "text/html; charset=utf-8");
  assertStringIncludes(text, "&lt;script&gt;alert(1)&lt;/script&gt;\n2</pre>");
  assertStringIncludes(text, '<li><a href="./">d</a>');
  assertStringIncludes(text, 'href="./a.html?download"');
  const long = (await ask("/d/long.txt?preview")).text;
  assertStringIncludes(long, "This is the beginning");
  assertEquals(/(ä+)</.exec(long)?.[1]?.length, MAX_PREVIEW_BYTES / 2);
  assertStringIncludes((await ask("/d/unknown?preview")).text, "\nwords</pre>");
  assertStringIncludes((await ask("/d/n.md?preview")).text, "<em>words</em>");
  const shown: readonly [string, string][] = [
    ["i.png", '<img src="./i.png"'],
    ["i.svg", '<img src="./i.svg"'],
    ["s.mp3", '<audio controls preload="metadata" src="./s.mp3"'],
    ["v.mp4", '<video controls playsinline preload="metadata" src="./v.mp4"'],
    ["p.pdf", '<object type="application/pdf" data="./p.pdf"'],
    ["data.bin", "There is no preview"],
  ];
  for (const [name, part] of shown) {
    const page = await ask(`/d/${name}?preview`);
    assertStringIncludes(page.text, part);
    assert(!page.text.includes("SECRET"), name);
  }
  assertEquals((await ask("/d/none?preview")).status, 404);
  assertEquals((await ask("/d/a.html")).text, "<script>alert(1)</script>\r\n2", "the file itself");
});

Deno.test("the page to share shows the address where it is known, and a QR code of it", async () => {
  await using folder = await TempFolder.create();
  await folder.write("a b/f", "");
  const ask = client(folder);
  const page = await ask("/a%20b/?qr", ["Host", "h.example"]);
  assertStringIncludes(page.text, 'value="http://h.example/a%20b/"');
  assertStringIncludes(page.text, '<svg class="qr"');
  assertEquals(page.field("cache-control"), "no-store");
  const file = await ask(
    "/a%20b/f?qr",
    ["Host", "h", "X-Forwarded-Prefix", "/servers/me"],
    "/files",
  );
  assertStringIncludes(file.text, 'value="http://h/servers/me/files/a%20b/f"');
  assertStringIncludes(file.text, 'data-copy="./f"');
  for (const [host, mount] of [["h", "/files"], ['"><script>', ""]]) {
    const unknown = await ask("/a%20b/?qr", ["Host", host ?? ""], mount);
    assertEquals([unknown.status, /<svg|value=|<script>/.test(unknown.text)], [200, false]);
  }
});

Deno.test("a search finds names below, near ones first, and nothing hidden or outside", async () => {
  await using folder = await TempFolder.create();
  await folder.write("secret/needle", "");
  await folder.write("root/z/needle 2", "12");
  await folder.write("root/Needle/deep/needle", "");
  await folder.write("root/.hidden/needle", "");
  await folder.write("root/.needle", "");
  await folder.write("root/needle.key", "");
  await Deno.symlink("../secret", folder.at("root/link"));
  await Deno.symlink("Needle", folder.at("root/needles"));
  const ask = client(folder, {
    root: folder.at("root"),
    neverServe: [folder.at("root/needle.key")],
  });
  const text = await ask("/?search=NEEDLE", ["Accept", "text/plain"]);
  assertEquals(text.text, "Needle/\nneedles/\nz/needle 2\nNeedle/deep/needle\n");
  const { entries, cut } = JSON.parse((await ask("/z/?search=needle&format=json")).text);
  assertEquals(cut, null);
  assertEquals(entries.map(({ mtime: _, ...rest }: Record<string, unknown>) => rest), [
    { path: "needle 2", size: 2, is_dir: false, type: "file" },
  ]);
  const html = (await ask("/?search=needle+2")).text;
  assertStringIncludes(html, '<a href="./z/needle%202"><span class="dir">z/</span>needle 2</a>');
  assertStringIncludes(html, "1 name found");
  assertStringIncludes((await ask("/?search=none")).text, "Nothing found");
  assertStringIncludes((await ask("/?search=")).text, "autofocus");
});

async function search(
  folder: TempFolder,
  options: Partial<SearchOptions>,
): ReturnType<typeof searchFolder> {
  const fileSystem = denoFileSystem;
  const confinement = new Confinement({ fileSystem, root: folder.path });
  const directory = confinement.locate([]);
  assert(!isFault(directory));
  const base = { fileSystem, confinement, directory, clock: systemClock, signal: undefined };
  return await searchFolder({ ...base, words: "f", ...options });
}

Deno.test("searchFolder says when it was cut, by count, by time or by the visitor's leaving", async () => {
  await using folder = await TempFolder.create();
  for (const name of ["f1", "f2", "d/f3", "d/e/f4"]) await folder.write(name, "");
  const count = async (options: Partial<SearchOptions>): Promise<[number, string | undefined]> => {
    const { entries, cut } = await search(folder, options);
    return [entries.length, cut];
  };
  assertEquals(await count({}), [4, undefined]);
  assertEquals(await count({ maxResults: 4 }), [4, undefined]);
  assertEquals(await count({ maxResults: 3 }), [3, "count"]);
  assertEquals(await count({ timeMs: 0 }), [0, "time"]);
  let now = 0;
  assertEquals(await count({ timeMs: 3, clock: { ...systemClock, monotonic: () => now++ } }), [
    1,
    "time",
  ]);
  assertEquals(await count({ signal: AbortSignal.abort() }), [0, "time"]);
  assert(MAX_SEARCH_RESULTS > 0);
});

Deno.test("a folder's server runs MAX_SEARCHES at once, refuses more with 503, and then goes on", async () => {
  await using folder = await TempFolder.create();
  await folder.write("f", "");
  const gate = Promise.withResolvers<void>();
  const ask = client(folder, {
    fileSystem: {
      ...denoFileSystem,
      readDirectory: async (path) => {
        await gate.promise;
        return await denoFileSystem.readDirectory(path);
      },
    },
  });
  const running = Array.from({ length: MAX_SEARCHES }, () => ask("/?search=f"));
  const refused = await ask("/?search=f");
  assertEquals([refused.status, refused.field("retry-after")], [503, "1"]);
  gate.resolve();
  assertEquals((await Promise.all(running)).map(({ status }) => status), running.map(() => 200));
  assertEquals((await ask("/?search=f")).status, 200);
});
