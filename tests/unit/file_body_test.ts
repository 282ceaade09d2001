import { assert, assertEquals, assertRejects } from "@std/assert";
import { once } from "node:events";
import {
  FILE_BODIES_BYTES,
  FILE_PIECE_BYTES,
  MIN_FILE_PIECE_BYTES,
} from "../../lib/base/limits.ts";
import { FileBody, readSmall } from "../../lib/files/file_body.ts";
import type { FileStat, OpenFile } from "../../lib/files/file_system.ts";
import { readBody } from "../support/read_body.ts";

const STAT: FileStat = { kind: "file", size: 0, mtime: 0, ctime: 0, dev: 0, ino: 0, links: 1 };

/** A file in memory that counts its closings and gives at most `step` bytes per read. */
class MemoryFile implements OpenFile {
  closed = 0;
  /** When set, reads wait for it. */
  gate: Promise<void> | undefined;
  #at = 0;
  constructor(public content: Uint8Array, readonly step = Infinity) {}
  stat(): FileStat {
    return STAT;
  }
  seek(offset: number): void {
    this.#at = offset;
  }
  readSync(buffer: Uint8Array): number {
    assertEquals(this.closed, 0, "read after close");
    const part = this.content.subarray(this.#at, this.#at + Math.min(buffer.length, this.step));
    buffer.set(part);
    this.#at += part.length;
    return part.length;
  }
  async read(buffer: Uint8Array): Promise<number> {
    await this.gate;
    return this.readSync(buffer);
  }
  close(): void {
    this.closed++;
  }
}

function numbered(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i % 251);
}

Deno.test("FileBody sends ranges and bytes in order, in short reads too, and closes once", async () => {
  const content = numbered(3 * FILE_PIECE_BYTES + 7);
  for (const step of [Infinity, 100_000]) {
    const file = new MemoryFile(content, step);
    const last = content.length - 1;
    const text = new TextEncoder().encode("--");
    const body = new FileBody(file, [{ first: 5, last: 5 }, text, { first: 2, last }]);
    const bytes = await readBody(body);
    assertEquals(bytes.length, 3 + content.length - 2);
    assertEquals([...bytes.subarray(0, 4)], [5, 45, 45, 2]);
    assert(bytes.subarray(3).every((byte, i) => byte === content[i + 2]));
    assertEquals(file.closed, 1);
  }
});

Deno.test("FileBody stops at the announced length when the file has grown", async () => {
  const file = new MemoryFile(numbered(100));
  assertEquals((await readBody(new FileBody(file, [{ first: 0, last: 9 }]))).length, 10);
  assertEquals(file.closed, 1);
});

Deno.test("FileBody ends with an error, unpadded, when the file has shrunk (RFC 9110 §8.6)", async () => {
  const file = new MemoryFile(numbered(10));
  const body = new FileBody(file, [{ first: 0, last: 19 }]);
  await assertRejects(() => readBody(body), Error, "it shrank while it was sent");
  assertEquals(file.closed, 1);
});

Deno.test("FileBody ends with the error of a read that fails", async () => {
  const file = new MemoryFile(numbered(10));
  file.gate = Promise.reject(new Error("disk on fire"));
  const body = new FileBody(file, [{ first: 0, last: 9 }]);
  await assertRejects(() => readBody(body), Error, "disk on fire");
  assertEquals(file.closed, 1);
});

Deno.test("FileBody closes its file when destroyed before anything is read", async () => {
  const file = new MemoryFile(numbered(10));
  const body = new FileBody(file, [{ first: 0, last: 9 }]);
  body.destroy();
  await once(body, "close");
  body.destroy();
  assertEquals(file.closed, 1);
});

Deno.test("FileBody destroyed during a read closes its file after that read", async () => {
  const file = new MemoryFile(numbered(10));
  const gate = Promise.withResolvers<void>();
  file.gate = gate.promise;
  const body = new FileBody(file, [{ first: 0, last: 9 }]);
  body.on("data", () => assert(false, "data after destroy"));
  await new Promise((resolve) => setImmediate(resolve));
  body.destroy();
  await new Promise((resolve) => setImmediate(resolve));
  assertEquals(file.closed, 0);
  gate.resolve();
  await once(body, "close");
  assertEquals(file.closed, 1);
});

Deno.test("FileBody reads ahead no more than a piece while nobody takes any", async () => {
  let reads = 0;
  const file = new MemoryFile(numbered(10 * FILE_PIECE_BYTES));
  const read = file.read.bind(file);
  file.read = (buffer) => {
    reads++;
    return read(buffer);
  };
  const body = new FileBody(file, [{ first: 0, last: file.content.length - 1 }]);
  body.read(0);
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  assertEquals(reads, 1);
  assertEquals(body.readableLength, FILE_PIECE_BYTES);
  body.destroy();
  await once(body, "close");
});

Deno.test("readSmall fills its buffer over short reads, or says that the file is too short", () => {
  const content = numbered(20);
  assertEquals(
    readSmall(new MemoryFile(content, 3), { offset: 4, length: 10 }),
    content.slice(4, 14),
  );
  assertEquals(readSmall(new MemoryFile(content), { offset: 15, length: 6 }), undefined);
  assertEquals(readSmall(new MemoryFile(content), { offset: 0, length: 0 }), new Uint8Array());
});

Deno.test("FileBody reads the less at a time the more of them there are", async () => {
  const open = (): FileBody =>
    new FileBody(new MemoryFile(new Uint8Array(FILE_PIECE_BYTES)), [
      { first: 0, last: FILE_PIECE_BYTES - 1 },
    ]);
  const firstPiece = async (): Promise<number> => {
    const body = open();
    const [piece] = await once(body, "data");
    body.destroy();
    await once(body, "close");
    assert(piece instanceof Uint8Array);
    return piece.length;
  };
  assertEquals(await firstPiece(), FILE_PIECE_BYTES);
  const others: FileBody[] = [];
  for (const count of [FILE_BODIES_BYTES / FILE_PIECE_BYTES, FILE_BODIES_BYTES / 20_000, 2000]) {
    while (others.length < count - 1) others.push(open());
    const share = Math.floor(FILE_BODIES_BYTES / Math.ceil(count));
    const expected = Math.min(FILE_PIECE_BYTES, Math.max(MIN_FILE_PIECE_BYTES, share));
    assertEquals(await firstPiece(), expected);
  }
  for (const body of others) {
    body.destroy();
    await once(body, "close");
  }
  assertEquals(await firstPiece(), FILE_PIECE_BYTES);
});
