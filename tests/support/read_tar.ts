/** A strict reader of tar files, after POSIX and apart from our writer. */

import { assert, assertEquals } from "@std/assert";

export interface TarMember {
  readonly name: string;
  readonly type: string;
  readonly content: Uint8Array;
  readonly mtime: number;
  readonly mode: number;
}

export function readTar(bytes: Uint8Array): readonly TarMember[] {
  assertEquals(bytes.length % 512, 0, "no whole blocks");
  const members: TarMember[] = [];
  let pax = new Map<string, string>();
  for (let at = 0;;) {
    const block = bytes.subarray(at, at + 512);
    if (block.every((byte) => byte === 0)) {
      assertEquals(bytes.length - at, 1024, "not two blocks of zeros at the end");
      assert(bytes.subarray(at).every((byte) => byte === 0));
      return members;
    }
    const text = (start: number, length: number): string =>
      new TextDecoder("latin1").decode(block.subarray(start, start + length)).replace(/\0.*$/s, "");
    const number = (start: number, length: number): number =>
      Number.parseInt(text(start, length), 8);
    const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
    assertEquals(number(148, 8), sum, "wrong checksum");
    assertEquals(text(257, 8), "ustar");
    const size = Number(pax.get("size") ?? number(124, 12));
    const content = bytes.subarray(at + 512, at + 512 + size);
    const type = text(156, 1);
    at += 512 + Math.ceil(size / 512) * 512;
    if (type === "x") {
      pax = readPax(new TextDecoder("utf-8", { fatal: true }).decode(content));
      continue;
    }
    members.push({
      name: pax.get("path") ?? text(0, 100),
      type,
      content,
      mtime: Number(pax.get("mtime") ?? number(136, 12)),
      mode: number(100, 8),
    });
    pax = new Map();
  }
}

function readPax(text: string): Map<string, string> {
  const records = new Map<string, string>();
  while (text !== "") {
    const [, digits = "", key = ""] = /^(\d+) (\w+)=/.exec(text) ?? [];
    assert(digits !== "", "no pax record");
    // The length counts bytes, which are not characters.
    const bytes = new TextEncoder().encode(text);
    const record = new TextDecoder().decode(bytes.subarray(0, Number(digits)));
    assert(record.endsWith("\n"), "a pax record of the wrong length");
    records.set(key, record.slice(digits.length + key.length + 2, -1));
    text = new TextDecoder().decode(bytes.subarray(Number(digits)));
  }
  return records;
}
