/** The folder that every pairing serves: awkward names, awkward sizes, an empty folder. */

import { dirname, join } from "@std/path";

/** A file of the tree. */
export interface TreeFile {
  /** Path below the root, names joined by `/`, not encoded. */
  readonly path: string;
  readonly size: number;
  /** Lower-case hex of the SHA-256 of its content. */
  readonly sha256: string;
}

export interface Tree {
  readonly root: string;
  readonly files: readonly TreeFile[];
  /** A folder without entries, as a path below the root. */
  readonly emptyFolder: string;
  /** A sparse file of {@linkcode HUGE_BYTES} zeros, in a folder of its own. */
  readonly hugeFile: string;
}

/** Far more than sockets and buffers on the way can hold, so that a stalled reader shows. */
export const HUGE_BYTES = 512 * 1024 * 1024;

/** Long ago: a file that has just been written may be given no lasting tag. */
const MODIFIED = new Date("2026-01-02T03:04:05Z");

const SIZES: Readonly<Record<string, number>> = {
  "0.bin": 0,
  "1.bin": 1,
  "12.txt": 12,
  "4095.bin": 4095,
  "64k.bin": 64 * 1024,
  "1m1.bin": 1024 * 1024 + 1,
  "20m.bin": 20 * 1024 * 1024,
  "with space.txt": 100,
  "ünï ☃ 日本.txt": 101,
  "100%.txt": 102,
  "a%20b.txt": 103,
  "quotes\"and'.html": 104,
  "plus+and&=.txt": 105,
  "hash#query?.txt": 106,
  "curly{pipe|}[x].txt": 107,
  "semi;colon,~!$().txt": 108,
  "nested/deep/deeper/leaf.txt": 200,
  "nested/sp ace/ü&%/x y.txt": 201,
};

/** Writes the tree into `root`, which must exist. */
export async function createTree(root: string): Promise<Tree> {
  const files: TreeFile[] = [];
  for (const [path, size] of Object.entries(SIZES)) {
    const content = randomBytes(size);
    await writeFile(join(root, path), content);
    await Deno.utime(join(root, path), MODIFIED, MODIFIED);
    files.push({ path, size, sha256: await toSha256(content) });
  }
  const emptyFolder = "nested/empty";
  await Deno.mkdir(join(root, emptyFolder));
  const hugeFile = "huge/zeros.bin";
  await writeFile(join(root, hugeFile), new Uint8Array());
  await Deno.truncate(join(root, hugeFile), HUGE_BYTES);
  return { root, files, emptyFolder, hugeFile };
}

export async function toSha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

async function writeFile(path: string, content: Uint8Array): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeFile(path, content);
  // Whatever the umask: the original refuses to serve a file of mode 0600.
  await Deno.chmod(path, 0o644);
}

function randomBytes(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  const step = 65_536; // the most that getRandomValues fills at once
  for (let i = 0; i < size; i += step) crypto.getRandomValues(bytes.subarray(i, i + step));
  return bytes;
}
