import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { SMALL_BODY_BYTES } from "../../lib/base/limits.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import {
  createFileServer,
  type FileServer,
  type FileServerOptions,
} from "../../lib/files/file_server.ts";
import type { FileSystem } from "../../lib/files/file_system.ts";
import { headerValue } from "../../lib/http/headers.ts";
import { laterClock } from "../support/later_clock.ts";
import { readBody } from "../support/read_body.ts";
import { TempFolder } from "../support/temp_folder.ts";

const OLD = new Date("2026-01-02T03:04:05Z");

function serve(folder: TempFolder, options: Partial<FileServerOptions> = {}): FileServer {
  return createFileServer({
    fileSystem: denoFileSystem,
    root: folder.path,
    clock: laterClock,
    log: silentLogger,
    ...options,
  });
}

async function ask(
  server: FileServer,
  target: string,
  headers: readonly string[] = [],
): Promise<{ status: number; text: string; field: (name: string) => string | undefined }> {
  const path = target.replace(/\?.*/s, "");
  const answer = await server.answer({ method: "GET", target, headers }, path);
  const text = new TextDecoder().decode(await readBody(answer.body));
  return { status: answer.status, text, field: (name) => headerValue(answer.headers, name) };
}

Deno.test("hiddenPatterns hide names from access, listings, archives and compressed forms", async () => {
  await using folder = await TempFolder.create();
  for (const name of ["a.js", "a.js.br", "SERVER.key", "private/f", "dir/private/f", "dir/b"]) {
    await folder.write(name, `content of ${name}`, OLD);
  }
  const hidden = serve(folder, {
    hiddenPatterns: ["*.key", "private", "*.br"],
    precompressed: true,
  });
  const open = serve(folder, { precompressed: true });
  const names = async (server: FileServer, path: string): Promise<string> =>
    (await ask(server, path, ["Accept", "text/plain"])).text.replaceAll("\n", " ");
  assertEquals(await names(open, "/"), "SERVER.key a.js a.js.br dir/ private/ ");
  assertEquals(await names(hidden, "/"), "a.js dir/ ");
  assertEquals(await names(hidden, "/dir/"), "b ");
  assertEquals((await ask(hidden, "/private/f")).status, 404);
  assertEquals((await ask(open, "/private/f")).text, "content of private/f");
  const acceptsBr = ["Accept-Encoding", "br"];
  assertEquals((await ask(open, "/a.js", acceptsBr)).text, "content of a.js.br");
  assertEquals((await ask(hidden, "/a.js", acceptsBr)).text, "content of a.js");
  const archive = async (server: FileServer): Promise<string> =>
    (await ask(server, "/?archive=tar")).text;
  assertStringIncludes(await archive(open), "content of private/f");
  assert(!/private|SERVER|\.br/.test(await archive(hidden)));
  assertStringIncludes(await archive(hidden), "content of dir/b");
});

Deno.test("precompressed sends no link to outside, FIFO or folder, and looks only where it may help", async () => {
  await using folder = await TempFolder.create();
  await folder.write("secret", "SECRET");
  for (const name of ["link.js", "inside.js", "fifo.js", "folder.js", "a.png", "folder.js.br/x"]) {
    await folder.write(`root/${name}`, name, OLD);
  }
  await folder.write("root/target", "compressed");
  await Deno.symlink("../secret", folder.at("root/link.js.br"));
  await Deno.symlink("target", folder.at("root/inside.js.br"));
  if (Deno.build.os !== "windows") {
    const made = await new Deno.Command("mkfifo", { args: [folder.at("root/fifo.js.br")] })
      .output();
    assert(made.success);
  }
  let looks = 0;
  const fileSystem: FileSystem = {
    ...denoFileSystem,
    exists: (path) => (looks++, denoFileSystem.exists(path)),
  };
  const server = serve(folder, { root: folder.at("root"), fileSystem, precompressed: true });
  for (const name of ["link.js", "fifo.js", "folder.js", "a.png"]) {
    assertEquals((await ask(server, `/${name}`, ["Accept-Encoding", "br"])).text, name);
  }
  assertEquals(looks, 3, "none for a picture");
  const inside = await ask(server, "/inside.js", ["Accept-Encoding", "br"]);
  assertEquals([inside.text, inside.field("content-encoding")], ["compressed", "br"]);
  looks = 0;
  assertEquals((await ask(server, "/inside.js")).text, "inside.js");
  assertEquals(looks, 0, "none for who accepts none");
});

Deno.test("trustedContent leaves documents their scripts", async () => {
  await using folder = await TempFolder.create();
  await folder.write("a.html", "<script>");
  for (const [trustedContent, policy] of [[true, false], [false, true]] as const) {
    const { field } = await ask(serve(folder, { trustedContent }), "/a.html");
    assertEquals(field("content-security-policy") !== undefined, policy);
    assertEquals(field("x-content-type-options"), "nosniff");
  }
});

Deno.test("createFileServer refuses a page that it would never serve", async () => {
  await using folder = await TempFolder.create();
  for (const page of ["", "/a", "a/", "../a", ".a", "a//b", "a.key"]) {
    for (const option of ["index", "spaFallback", "notFoundPage"] as const) {
      const options = { [option]: page, hiddenPatterns: ["*.key"] };
      assertThrows(() => serve(folder, options), Error, "Cannot use page");
    }
  }
});

Deno.test("index, spaFallback and notFoundPage do without files that are not there", async () => {
  await using folder = await TempFolder.create();
  await folder.write("secret", "SECRET");
  await folder.write("root/dir/index.html/f", "a folder of that name");
  await Deno.symlink("../secret", folder.at("root/404.html"));
  const root = folder.at("root");
  const server = serve(folder, {
    root,
    index: "index.html",
    spaFallback: "app.html",
    notFoundPage: "404.html",
  });
  const html = ["Accept", "text/html"];
  for (const path of ["/dir/", "/"]) {
    const { status, field } = await ask(server, path, html);
    assertEquals([status, field("vary")], [200, "Accept"], path);
  }
  const missing = await ask(server, "/missing", html);
  assertEquals([missing.status, missing.field("cache-control")], [404, "no-store"]);
  assertStringIncludes(missing.text, "Not Found");
  await Deno.remove(folder.at("root/404.html"));
  await folder.write("root/404.html", "x".repeat(SMALL_BODY_BYTES + 1));
  const page = await ask(server, "/missing", html);
  assertEquals([page.status, page.text.length], [404, SMALL_BODY_BYTES + 1]);
  await folder.write("root/index.html", "index of the root");
  assertEquals((await ask(server, "/")).text, "index of the root");
  const json = await server.answer({ method: "GET", target: "/", headers: [] }, "/", "json");
  assertEquals(headerValue(json.headers, "content-type"), "application/json");
});

Deno.test("Repr-Digest of a file that is not settled comes with its very bytes, or not at all (RFC 9530 §4)", async () => {
  await using folder = await TempFolder.create();
  await folder.write("small", "x");
  await folder.write("big", "x".repeat(SMALL_BODY_BYTES + 1));
  const hex = createHash("sha256").update("x").digest("base64");
  const wish = ["Want-Repr-Digest", "sha-256=1"];
  const young = serve(folder, { clock: { ...laterClock, now: () => Date.now() - 10_000 } });
  assertEquals((await ask(young, "/small", wish)).field("repr-digest"), `sha-256=:${hex}:`);
  assertEquals((await ask(young, "/big", wish)).field("repr-digest"), undefined);
  const settled = serve(folder);
  assertEquals((await ask(settled, "/small", wish)).field("repr-digest"), `sha-256=:${hex}:`);
  assert((await ask(settled, "/big", wish)).field("repr-digest") !== undefined);
});

const FIELDS: readonly (readonly [string, readonly string[]])[] = [
  ["Range", [
    "bytes=0-1",
    "bytes=-1",
    "bytes=5-2,1-",
    "bytes=0-0,2-2",
    "bytes=99999999999999999999-",
  ]],
  ["If-None-Match", ["*", '"x"', "W/", '"'.repeat(500)]],
  ["If-Match", ["*", '"x"']],
  ["If-Modified-Since", ["Sat, 01 Jan 2000 00:00:00 GMT", "Sat, 31 Feb 9999 99:99:99 GMT"]],
  ["If-Unmodified-Since", ["Sat, 01 Jan 2000 00:00:00 GMT"]],
  ["If-Range", ['"x"', "x"]],
  ["Accept-Encoding", ["br", "gzip, *;q=0", "identity;q=0", ";;q=,,"]],
  ["Accept", ["text/html", "*/*", "application/json;q=2", "\xff"]],
  ["Want-Repr-Digest", ["sha-256=1", "sha-512=10, x"]],
  ["Origin", ["null", "https://a"]],
  ["Authorization", ["Basic x", ""]],
];

Deno.test("file server answers HEAD as GET, and nothing with a 500, whatever the fields and options", async () => {
  await using folder = await TempFolder.create();
  await folder.write("a.html", "small".repeat(20), OLD);
  await folder.write("a.html.br", "compressed", OLD);
  await folder.write("big.js", "big".repeat(30_000), OLD);
  await folder.write("dir/index.html", "", OLD);
  await folder.write("sub/f", "", OLD);
  const options = fc.record<Partial<FileServerOptions>>({
    precompressed: fc.boolean(),
    index: fc.constantFrom(null, "index.html"),
    spaFallback: fc.constantFrom(null, "a.html"),
    notFoundPage: fc.constantFrom(null, "big.js"),
    cors: fc.constantFrom(null, "*"),
    trustedContent: fc.boolean(),
  });
  const field = fc.constantFrom(...FIELDS).chain(([name, values]) =>
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...values) },
      fc.string({ unit: "binary-ascii", maxLength: 8 }),
    ).map((value) => [name, value])
  );
  const target = fc.constantFrom(
    ..."/a.html /a.html.br /big.js /dir/ /dir /sub/ /none /a.html/ /a.html?download /big.js?sha256 /dir/?sha256"
      .split(" "),
  );
  await fc.assert(
    fc.asyncProperty(
      options,
      target,
      fc.array(field, { maxLength: 5 }),
      async (given, to, fields) => {
        const server = serve(folder, given);
        const path = to.replace(/\?.*/, "");
        // Range means nothing to HEAD (RFC 9110 §14.2).
        const headers = fields.filter(([name]) => name !== "Range").flat();
        const get = await server.answer({ method: "GET", target: to, headers }, path);
        const head = await server.answer({ method: "HEAD", target: to, headers }, path);
        const body = await readBody(get.body);
        if (head.body instanceof Readable) head.body.destroy();
        assertEquals([head.status, head.headers], [get.status, get.headers]);
        const length = headerValue(get.headers, "content-length");
        if (length !== undefined) assertEquals(Number(length), body.length);
        assert(get.status < 500);

        const ranged = await server.answer(
          { method: "GET", target: to, headers: fields.flat() },
          path,
        );
        const rangedBody = await readBody(ranged.body);
        assert(ranged.status < 500);
        const rangedLength = headerValue(ranged.headers, "content-length");
        if (rangedLength !== undefined) assertEquals(Number(rangedLength), rangedBody.length);
      },
    ),
    { numRuns: 600 },
  );
});
