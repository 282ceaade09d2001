import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import fc from "fast-check";
import { Readable } from "node:stream";
import { once } from "node:events";
import type { ArchiveEntry } from "../../lib/archive/entry.ts";
import { isStored, storedZipLength, writeZip } from "../../lib/archive/zip.ts";
import {
  centralRecord,
  dataDescriptor,
  endRecords,
  localHeader,
  MAX_UINT32,
  type ZipHeader,
} from "../../lib/archive/zip_records.ts";
import { FILE_PIECE_BYTES } from "../../lib/base/limits.ts";
import { collect, MemoryEntries, MTIME, streamOf } from "../support/memory_entries.ts";
import { readZip } from "../support/read_zip.ts";

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}

function words(text: string): string {
  return text.replaceAll(/\s/g, "");
}

Deno.test("writeZip writes a stored file and a folder (golden bytes, APPNOTE 6.3 §4.3)", async () => {
  const entries = new MemoryEntries();
  const bytes = await collect(
    writeZip(streamOf([entries.folder("d"), entries.file("d/é.png", "hi")])),
  );
  const folder = "1400 0008 0000 8318 225c 00000000 00000000 00000000 0200 0900";
  const file = (crc: string, size: string): string =>
    `1400 0808 0000 8318 225c ${crc} ${size} ${size} 0800 0900`;
  const time = "5554 0500 01 a6355769";
  assertEquals(
    hex(bytes),
    words(`
      504b0304 ${folder} 642f ${time}
      504b0304 ${file("00000000", "00000000")} 642fc3a92e706e67 ${time}
      6869
      504b0708 ac2a93d8 02000000 02000000
      504b0102 2d03 ${folder} 0000 0000 0000 1000 ed41 00000000 642f ${time}
      504b0102 2d03 ${file("ac2a93d8", "02000000")} 0000 0000 0000 0000 a481 29000000
        642fc3a92e706e67 ${time}
      504b0506 0000 0000 0200 0200 78000000 6a000000 0000
    `),
  );
});

Deno.test("writeZip stores what is compressed already and deflates the rest", async () => {
  const entries = new MemoryEntries();
  const text = "abcdefgh".repeat(FILE_PIECE_BYTES / 4);
  const bytes = await collect(writeZip(streamOf([
    entries.file("a.JPG", text.slice(0, 1000)),
    entries.file("a.txt", text),
    entries.file("zip", "no extension"),
    entries.file("empty.txt", ""),
  ])));
  const members = readZip(bytes);
  assertEquals(members.map(({ method }) => method), [0, 8, 8, 0]);
  assertEquals(new TextDecoder().decode(members[1]?.content), text);
  assertLess(bytes.length, text.length / 50);
  assertEquals(members.map(({ mtime }) => mtime), members.map(() => MTIME / 1000));
  assertEquals(entries.closed, 4);
});

Deno.test("storedZipLength is the length of what writeZip writes, and every entry reads back", async () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 })
    .filter((text) => /^[^/\\%:\p{Cc}.]+$/u.test(text));
  const tree = fc.array(
    fc.record({
      path: fc.array(name, { minLength: 1, maxLength: 3 }),
      content: fc.option(fc.uint8Array({ maxLength: 3000 })),
      suffix: fc.constantFrom(".jpg", ".txt"),
    }),
    { maxLength: 6 },
  );
  await fc.assert(
    fc.asyncProperty(tree, async (specs) => {
      const made = new MemoryEntries();
      const named = specs.map(({ path, content, suffix }) => ({
        path: [...path.slice(0, -1), path.at(-1) + suffix],
        content,
      }));
      const entries = named.map(({ path, content }) => ({
        ...content === null ? made.folder("x") : made.file("x", content),
        path,
      }));
      const bytes = await collect(writeZip(streamOf(entries)));
      if (entries.every(isStored)) assertEquals(storedZipLength(entries), bytes.length);
      assertEquals(
        readZip(bytes).map(({ name, content }) => [name, [...content]]),
        named.map(({ path, content }) => [
          path.join("/") + (content === null ? "/" : ""),
          [...content ?? []],
        ]),
      );
      assertEquals(made.closed, made.opened);
    }),
    { numRuns: 60 },
  );
});

Deno.test("writeZip cuts a file that has grown, leaves out one that is gone, and fails when one has shrunk", async () => {
  const entries = new MemoryEntries();
  const gone: ArchiveEntry = { ...entries.file("gone", "x"), open: () => undefined };
  for (const suffix of ["png", "txt"]) {
    const bytes = await collect(
      writeZip(streamOf([entries.file(`a.${suffix}`, "0123456789", 4), gone])),
    );
    const members = readZip(bytes);
    assertEquals(members.map(({ name }) => name), [`a.${suffix}`]);
    assertEquals(new TextDecoder().decode(members[0]?.content), "0123");
    const shrunk = writeZip(streamOf([entries.file(`a.${suffix}`, "01", 4), gone]));
    await assertRejects(() => collect(shrunk), Error, "it shrank while it was read");
  }
  assertEquals([entries.opened, entries.closed], [4, 4]);
});

Deno.test("writeZip closes the open file, not under a read, when its reader leaves", async () => {
  for (const name of ["a.png", "a.txt"]) {
    const entries = new MemoryEntries();
    const content = crypto.getRandomValues(new Uint8Array(65_536));
    const big = new Uint8Array(4 * FILE_PIECE_BYTES);
    for (let at = 0; at < big.length; at += content.length) big.set(content, at);
    const body = Readable.from(
      writeZip(streamOf([entries.file(name, big), entries.file("next", "x")])),
      { objectMode: false },
    );
    await once(body, "readable");
    body.destroy();
    await once(body, "close");
    assertEquals([entries.opened, entries.closed], [1, 1]);
  }
});

Deno.test("writeZip opens nothing when its reader leaves before it began", async () => {
  const entries = new MemoryEntries();
  const body = Readable.from(writeZip(streamOf([entries.file("a", "x")])), { objectMode: false });
  body.destroy();
  await once(body, "close");
  assertEquals([entries.opened, entries.closed], [0, 0]);
});

Deno.test("writeZip counts more than 65,535 entries in Zip64 records (APPNOTE §4.3.14)", async () => {
  const entries = new MemoryEntries();
  for (const count of [65_534, 65_535]) {
    const folders = Array.from({ length: count }, (_, i) => entries.folder(`d${i}`));
    const bytes = await collect(writeZip(streamOf(folders)));
    assertEquals(bytes.length, storedZipLength(folders));
    const view = new DataView(bytes.buffer);
    const hasZip64 = view.getUint32(bytes.length - 22 - 20, true) === 0x07064b50;
    assertEquals(hasZip64, count >= 65_535);
    if (hasZip64) assertEquals(readZip(bytes).length, count);
  }
});

const HEADER: ZipHeader = {
  name: new TextEncoder().encode("n"),
  isFolder: false,
  method: 0,
  mtime: null,
  hasDescriptor: true,
  isZip64: false,
};

Deno.test("zip records use Zip64 fields exactly where a number needs them (APPNOTE §4.5.3)", () => {
  const content = { crc: 0, compressedSize: 5, size: 5 };
  const small = hex(centralRecord(HEADER, { ...content, offset: MAX_UINT32 - 1 }));
  assert(small.endsWith(words("feffffff 6e")), small);
  const far = hex(centralRecord(HEADER, { ...content, offset: MAX_UINT32 }));
  assert(far.endsWith(words("ffffffff 6e 0100 0800 ffffffff00000000")), far);
  assertEquals(far.slice(12, 16), "2d00", "version needed 4.5");
  const big = { crc: 7, compressedSize: 2 ** 33, size: 2 ** 33 + 1 };
  const huge = { ...HEADER, isZip64: true };
  const record = hex(centralRecord(huge, { ...big, offset: 9 }));
  assert(
    record.endsWith(words("09000000 6e 0100 1000 0100000002000000 0000000002000000")),
    record,
  );
  assertEquals(
    hex(localHeader(huge)),
    words(`504b0304 2d00 0808 0000 0000 2100 00000000 ffffffff ffffffff 0100 1400 6e
      0100 1000 0000000000000000 0000000000000000`),
  );
  assertEquals(
    hex(dataDescriptor(huge, big)),
    words("504b0708 07000000 0000000002000000 0100000002000000"),
  );
  const end = hex(endRecords({ count: 1, offset: 2 ** 32, length: 47 }));
  assertEquals(
    end,
    words(`504b0606 2c00000000000000 2d03 2d00 00000000 00000000 0100000000000000 0100000000000000
      2f00000000000000 0000000001000000
      504b0607 00000000 2f00000001000000 01000000
      504b0506 0000 0000 0100 0100 2f000000 ffffffff 0000`),
  );
});

Deno.test("zip records clamp dates to what DOS knows, and omit the timestamp past 2038", () => {
  const date = (mtime: number | null): string =>
    hex(localHeader({ ...HEADER, mtime })).slice(20, 28);
  assertEquals(date(null), "00002100");
  assertEquals(date(Date.UTC(1970)), "00002100");
  assertEquals(date(Date.UTC(2107, 11, 31, 23, 59, 58)), date(Date.UTC(2200)));
  assertEquals(localHeader({ ...HEADER, mtime: Date.UTC(2038, 0, 19, 3, 14, 7) }).length, 40);
  assertEquals(localHeader({ ...HEADER, mtime: Date.UTC(2038, 0, 19, 3, 14, 8) }).length, 31);
  assertEquals(localHeader({ ...HEADER, mtime: -1 }).length, 40);
});

Deno.test("writeZip holds no more than a few pieces of a file whose reader is slow", async () => {
  let asked = 0;
  const zeros: ArchiveEntry = {
    kind: "file",
    path: ["zeros.bin"],
    mtime: 0,
    size: 1e12,
    open: () => ({
      size: 1e12,
      read: (buffer) => Promise.resolve((asked += buffer.length, buffer.length)),
      close: () => {},
    }),
  };
  const pieces = writeZip(streamOf([zeros]));
  await pieces.next();
  const afterOne = asked;
  await pieces.next();
  assertGreater(asked, afterOne);
  // DEFLATE makes 1 out of 1000 zeros: a block of 64 KiB takes 64 MiB.
  assertLess(asked, 300e6);
  await pieces.return(undefined);
});
