import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { ArchiveEntry } from "../../lib/archive/entry.ts";
import { tarLength, writeTar } from "../../lib/archive/tar.ts";
import { tarHeader } from "../../lib/archive/tar_header.ts";
import { collect, MemoryEntries, MTIME, streamOf } from "../support/memory_entries.ts";
import { readTar } from "../support/read_tar.ts";

function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

Deno.test("writeTar writes a ustar header, the content and two blocks of zeros (golden bytes)", async () => {
  const bytes = await collect(writeTar(streamOf([new MemoryEntries().file("a/b", "hi")])));
  const header = `a/b${"\0".repeat(97)}0000644\x000000000\x000000000\x00` +
    `00000000002\x0015125632646\x00006372\x00 0${"\0".repeat(100)}ustar\x0000${"\0".repeat(247)}`;
  assertEquals(latin1(bytes), `${header}hi${"\0".repeat(510)}${"\0".repeat(1024)}`);
});

Deno.test("writeTar names what ustar cannot in pax records: UTF-8, long names, big numbers", async () => {
  const entries = new MemoryEntries();
  const long = `${"ä".repeat(120)}/${"x".repeat(200)}`;
  const names = ["é🐙", long, "x".repeat(100), "x".repeat(101)];
  const old: ArchiveEntry = { kind: "directory", path: ["old"], mtime: -1000 };
  const files = names.map((name) => entries.file(name, "content"));
  const bytes = await collect(writeTar(streamOf([...files, old])));
  const members = readTar(bytes);
  assertEquals(members.map(({ name }) => name), [...names, "old/"]);
  assertEquals(members.map(({ mtime }) => mtime), [...names.map(() => MTIME / 1000), -1]);
  assertEquals(members.map(({ mode }) => mode), [...names.map(() => 0o644), 0o755]);
  assertEquals(latin1(members[0]?.content ?? new Uint8Array()), "content");
  assertEquals(latin1(bytes).split("PaxHeader").length - 1, 4, "100 bytes fit without");
  const size = 8 ** 11;
  const huge = { kind: "file", path: ["h"], mtime: 0, size, open: () => undefined } as const;
  assertStringIncludes(latin1(tarHeader(huge, size)), `19 size=${size}\n`);
  assertEquals(tarHeader(huge, size - 1).length, 512);
});

Deno.test("tarLength is the length of what writeTar writes, and every entry reads back", async () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 120 })
    .filter((text) => /^[^/\\%\p{Cc}.]+$/u.test(text));
  const tree = fc.array(
    fc.record({
      path: fc.array(name, { minLength: 1, maxLength: 3 }),
      content: fc.option(fc.uint8Array({ maxLength: 1100 })),
    }),
    { maxLength: 5 },
  );
  await fc.assert(
    fc.asyncProperty(tree, async (specs) => {
      const made = new MemoryEntries();
      const entries = specs.map(({ path, content }) => ({
        ...content === null ? made.folder("x") : made.file("x", content),
        path,
      }));
      const bytes = await collect(writeTar(streamOf(entries)));
      assertEquals(tarLength(entries), bytes.length);
      assertEquals(
        readTar(bytes).map(({ name, content }) => [name, [...content]]),
        specs.map(({ path, content }) => [
          path.join("/") + (content === null ? "/" : ""),
          [...content ?? []],
        ]),
      );
      assertEquals(made.closed, made.opened);
    }),
    { numRuns: 50 },
  );
});

Deno.test("writeTar cuts a file that has grown, and fails without padding when one has shrunk", async () => {
  const entries = new MemoryEntries();
  const grown = await collect(writeTar(streamOf([entries.file("a", "0123456789", 4)])));
  assertEquals(latin1(readTar(grown)[0]?.content ?? new Uint8Array()), "0123");
  const shrunk = writeTar(streamOf([entries.file("a", "01", 4), entries.file("b", "")]));
  await assertRejects(() => collect(shrunk), Error, "it shrank while it was read");
  assertEquals(entries.closed, 2);
});
