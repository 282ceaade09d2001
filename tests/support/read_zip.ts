/** A strict reader of zip files, after APPNOTE and apart from our writer. */

import { assert, assertEquals } from "@std/assert";
import { crc32, inflateRawSync } from "node:zlib";

export interface ZipMember {
  readonly name: string;
  readonly method: number;
  readonly content: Uint8Array;
  /** Seconds since 1970 of the extended timestamp, or null. */
  readonly mtime: number | null;
  readonly mode: number;
}

/** The members in the order of the directory; asserts that both headers and the content agree. */
export function readZip(bytes: Uint8Array): readonly ZipMember[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const u16 = (at: number): number => view.getUint16(at, true);
  const u32 = (at: number): number => view.getUint32(at, true);
  const u64 = (at: number): number => Number(view.getBigUint64(at, true));
  const end = bytes.length - 22;
  assertEquals(u32(end), 0x06054b50, "no end record");
  let [count, length, offset] = [u16(end + 10), u32(end + 12), u32(end + 16)];
  let directoryEnd = end;
  if (end >= 20 && u32(end - 20) === 0x07064b50) {
    directoryEnd = u64(end - 12);
    assertEquals(u32(directoryEnd), 0x06064b50, "no zip64 end record");
    [count, length, offset] = [
      u64(directoryEnd + 32),
      u64(directoryEnd + 40),
      u64(directoryEnd + 48),
    ];
  }
  assertEquals(offset + length, directoryEnd, "bytes between the directory and its end");
  const members: ZipMember[] = [];
  let at = offset;
  let expectedLocal = 0;
  for (let i = 0; i < count; i++) {
    assertEquals(u32(at), 0x02014b50, "no directory record");
    const [flags, method, crc, compressed, size] = [
      u16(at + 8),
      u16(at + 10),
      u32(at + 16),
      u32(at + 20),
      u32(at + 24),
    ];
    const [nameLength, extraLength] = [u16(at + 28), u16(at + 30)];
    const local = u32(at + 42);
    assertEquals(local, expectedLocal, "a gap between entries");
    assertEquals(flags & 0x800, 0x800, "the name is not marked as UTF-8");
    const nameBytes = bytes.subarray(at + 46, at + 46 + nameLength);
    assertEquals(u32(local), 0x04034b50, "no local header");
    assertEquals(u16(local + 6), flags);
    assertEquals(u16(local + 8), method);
    assertEquals(bytes.subarray(local + 30, local + 30 + u16(local + 26)), nameBytes);
    const start = local + 30 + u16(local + 26) + u16(local + 28);
    const raw = bytes.subarray(start, start + compressed);
    const content = method === 8 ? new Uint8Array(inflateRawSync(raw)) : raw;
    assertEquals(content.length, size);
    assertEquals(crc32(content), crc);
    expectedLocal = start + compressed;
    if ((flags & 8) !== 0) {
      assertEquals(
        [u32(expectedLocal), u32(expectedLocal + 4), u32(expectedLocal + 8)],
        [0x08074b50, crc, compressed],
      );
      expectedLocal += 16;
    }
    const extra = at + 46 + nameLength;
    members.push({
      name: new TextDecoder("utf-8", { fatal: true }).decode(nameBytes),
      method,
      content,
      mtime: extraLength === 9 && u16(extra) === 0x5455 ? view.getInt32(extra + 5, true) : null,
      mode: u32(at + 38) >>> 16,
    });
    at = extra + extraLength + u16(at + 32);
  }
  assertEquals(at, offset + length, "the directory is longer than its records");
  assert(count === 0 || expectedLocal === offset, "bytes before the directory");
  return members;
}
