/** Our archives, read by the programs that people open them with. */

import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import fc from "fast-check";
import { crc32 } from "node:zlib";
import type { ArchiveEntry, OpenedFile } from "../../lib/archive/entry.ts";
import { toEntryName } from "../../lib/archive/entry_name.ts";
import { writeZip } from "../../lib/archive/zip.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { FILE_PIECE_BYTES } from "../../lib/base/limits.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer } from "../../lib/files/file_server.ts";
import { MemoryEntries, streamOf } from "../support/memory_entries.ts";
import { readBody } from "../support/read_body.ts";
import { TempFolder } from "../support/temp_folder.ts";

const SETTLED = new Date("2026-01-02T03:04:06Z");

/** Extracts ARCHIVE into the working directory. */
interface Extractor {
  readonly form: "zip" | "tar";
  readonly args: readonly string[];
  readonly keepsDates: boolean;
  /** Where the archive is read from; default: the file, so that it can be sought in. */
  readonly stdin?: boolean;
}

const PYTHON_ZIP = "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); " +
  "assert z.testzip() is None; z.extractall('.')";
const PYTHON_TAR = "import sys,tarfile; tarfile.open(sys.argv[1]).extractall('.')";

const EXTRACTORS: readonly Extractor[] = [
  { form: "zip", args: ["unzip", "-q", "ARCHIVE"], keepsDates: true },
  { form: "zip", args: ["7z", "x", "-y", "ARCHIVE"], keepsDates: true },
  { form: "zip", args: ["python3", "-c", PYTHON_ZIP, "ARCHIVE"], keepsDates: false },
  { form: "zip", args: ["bsdtar", "-xf", "ARCHIVE"], keepsDates: true },
  { form: "zip", args: ["bsdtar", "-xf", "-"], keepsDates: true, stdin: true },
  { form: "tar", args: ["tar", "-xf", "ARCHIVE"], keepsDates: true },
  { form: "tar", args: ["bsdtar", "-xf", "ARCHIVE"], keepsDates: true },
  { form: "tar", args: ["python3", "-c", PYTHON_TAR, "ARCHIVE"], keepsDates: true },
  { form: "tar", args: ["7z", "x", "-y", "ARCHIVE"], keepsDates: false },
];

interface RunOptions {
  readonly cwd: string;
  readonly archive: string;
  readonly stdin?: boolean;
}

/** Runs a program on an archive; its output, where it succeeds. */
async function run(
  [command = "", ...args]: readonly string[],
  options: RunOptions,
): Promise<string> {
  const process = new Deno.Command(command, {
    args: args.map((arg) => arg.replace("ARCHIVE", options.archive)),
    cwd: options.cwd,
    env: { LC_ALL: "C.UTF-8" },
    stdin: options.stdin === true ? "piped" : "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (options.stdin === true) {
    const file = await Deno.open(options.archive);
    await file.readable.pipeTo(process.stdin);
  }
  const { code, stdout, stderr } = await process.output();
  assertEquals(code, 0, `${command}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

async function isInstalled(command: string): Promise<boolean> {
  try {
    await new Deno.Command(command, { args: ["--help"], stdout: "null", stderr: "null" }).output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const missing = new Set<string>();
for (const program of new Set(EXTRACTORS.map(({ args }) => args[0] ?? ""))) {
  if (!await isInstalled(program)) missing.add(program);
}

/** A test that is reported as ignored, with the reason, where a program of it is not installed. */
function testWith(programs: readonly string[], name: string, fn: () => Promise<void>): void {
  const absent = programs.filter((program) => missing.has(program));
  const reason = ` (NOT RUN: install ${absent.join(", ")} by scripts/install_test_programs.sh)`;
  Deno.test({ name: absent.length > 0 ? name + reason : name, ignore: absent.length > 0, fn });
}

/** Saves what the file server answers for the root of a folder. */
async function saveArchive(folder: TempFolder, form: "zip" | "tar", to: string): Promise<void> {
  const server = createFileServer({
    fileSystem: denoFileSystem,
    root: folder.path,
    clock: systemClock,
    log: silentLogger,
  });
  const request = { method: "GET", target: `/?archive=${form}`, headers: [] };
  await Deno.writeFile(to, await readBody((await server.answer(request, "/")).body));
}

/**
 * Path to a summary of the content of all files below a folder, and of all folders, with a slash at
 * the end. Paths are normalised: libarchive composes letters and accents.
 */
async function readTree(path: string, prefix = ""): Promise<Map<string, string>> {
  const tree = new Map<string, string>();
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) {
      tree.set(`${prefix}${name}/`.normalize(), "folder");
      const below = await readTree(join(path, name), `${prefix}${name}/`);
      for (const [key, text] of below) tree.set(key, text);
    } else {
      tree.set((prefix + name).normalize(), summarize(await Deno.readFile(join(path, name))));
    }
  }
  return tree;
}

function summarize(bytes: Uint8Array): string {
  return `${bytes.length} bytes, CRC ${crc32(bytes)}`;
}

const AWKWARD_PATHS = [
  ["a b.txt"],
  ["100%25.txt"],
  [`"quoted" 'twice' <b>&amp;?*|`],
  ["line\nbreak.txt"],
  ["🐙 café", "cafe\u0301", "deep.txt"],
  ["-rf"],
  ["C:evil.txt"],
  ["trailing. "],
  ["photo.JPG"],
  ["ä".repeat(60), "x".repeat(120)],
];

for (const { form, args, keepsDates, stdin } of EXTRACTORS) {
  const source = stdin === true ? "from a pipe" : "from a file";
  testWith(
    [args[0] ?? ""],
    `${args[0]} extracts our ${form} ${source}, whatever the names`,
    async () => {
      await using folder = await TempFolder.create();
      await using work = await TempFolder.create();
      const expected = new Map<string, string>([["files/", "folder"]]);
      const expect = (path: readonly string[], content?: Uint8Array): void => {
        const name = toEntryName(["files", ...path], { isFolder: content === undefined });
        expected.set(name.normalize(), content === undefined ? "folder" : summarize(content));
      };
      for (const [i, path] of AWKWARD_PATHS.entries()) {
        const text = `content of ${i}\n`.repeat(i % 2 === 0 ? 1 : 50_000);
        await folder.write(path.join("/"), text, SETTLED);
        for (let depth = 1; depth < path.length; depth++) expect(path.slice(0, depth));
        expect(path, new TextEncoder().encode(text));
      }
      await Deno.mkdir(folder.at("empty"));
      expect(["empty"]);
      await folder.write("empty.txt", "", SETTLED);
      expect(["empty.txt"], new Uint8Array());
      const archive = work.at(`a.${form}`);
      await saveArchive(folder, form, archive);
      const target = work.at("extracted");
      await Deno.mkdir(target);
      await run(args, { cwd: target, archive, stdin: stdin === true });
      const tree = await readTree(target);
      assertEquals([...tree].sort(), [...expected].sort());
      if (keepsDates) {
        const { mtime } = await Deno.stat(join(target, "files", "photo.JPG"));
        assertEquals(mtime?.toISOString(), SETTLED.toISOString());
      }
    },
  );
}

const PYTHON_LIST = `
import base64, json, sys, tarfile, zipfile
z = zipfile.ZipFile(sys.argv[1] + ".zip")
assert z.testzip() is None
t = tarfile.open(sys.argv[1] + ".tar")
print(json.dumps([
  sorted([i.filename, base64.b64encode(z.read(i)).decode()] for i in z.infolist()),
  sorted([i.name + ("/" if i.isdir() else ""),
    base64.b64encode(t.extractfile(i).read() if i.isfile() else b"").decode()] for i in t),
]))`;

testWith(["python3"], "python3 reads back any tree from our zip and our tar", async () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 })
    .filter((text) => /^[^./\0][^/\0]*$/.test(text) && !text.includes("\\"))
    .filter((text) => text.isWellFormed() && new TextEncoder().encode(text).length < 250);
  const content = fc.uint8Array({ maxLength: 2000 });
  const suffix = fc.constantFrom(".txt", ".png");
  const files = fc.uniqueArray(fc.tuple(name, suffix, content), {
    maxLength: 8,
    selector: ([base, end]) => (base + end).normalize().toLowerCase(),
  });
  await fc.assert(
    fc.asyncProperty(files, async (specs) => {
      await using folder = await TempFolder.create();
      await using work = await TempFolder.create();
      const expected: [string, string][] = [["files/", ""]];
      for (const [base, end, bytes] of specs) {
        await folder.write(base + end, bytes);
        expected.push([toEntryName(["files", base + end], { isFolder: false }), bytes.toBase64()]);
      }
      for (const form of ["zip", "tar"] as const) {
        await saveArchive(folder, form, work.at(`a.${form}`));
      }
      const args = ["python3", "-c", PYTHON_LIST, "ARCHIVE"];
      const output: unknown = JSON.parse(
        await run(args, { cwd: work.path, archive: work.at("a") }),
      );
      const inOrder = new Map(expected);
      assertEquals(
        output,
        [0, 1].map(() => [...inOrder].sort(([a], [b]) => compareCodePoints(a, b))),
      );
    }),
    { numRuns: 15 },
  );
});

function compareCodePoints(a: string, b: string): number {
  const [x, y] = [[...a], [...b]].map((chars) => chars.map((char) => char.codePointAt(0) ?? 0));
  const at = x?.findIndex((code, i) => code !== y?.[i]) ?? -1;
  return at < 0 ? a.length - b.length : (x?.[at] ?? 0) - (y?.[at] ?? -1);
}

/** Writes a zip file; pieces of zeros are left to be holes. */
async function saveSparse(path: string, entries: Iterable<ArchiveEntry>): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true });
  const writer = { offset: 0 };
  for await (const piece of writeZip(streamOf(entries))) {
    if (piece.length < FILE_PIECE_BYTES) {
      await file.seek(writer.offset, Deno.SeekMode.Start);
      for (let at = 0; at < piece.length;) at += await file.write(piece.subarray(at));
    }
    writer.offset += piece.length;
  }
}

function zeros(name: string, size: number): ArchiveEntry {
  const read = (buffer: Uint8Array): Promise<number> => Promise.resolve(buffer.length);
  const open = (): OpenedFile => ({ size, read, close: () => {} });
  return { kind: "file", path: [name], mtime: SETTLED.getTime(), size, open };
}

const LISTERS: readonly (readonly string[])[] = [
  ["unzip", "-Z1", "ARCHIVE"],
  ["7z", "l", "-ba", "-slt", "ARCHIVE"],
  ["bsdtar", "-tf", "ARCHIVE"],
  ["python3", "-c", "import sys,zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(),sep='\\n')"]
    .concat("ARCHIVE"),
];

const ALL = ["unzip", "7z", "bsdtar", "python3"];

testWith(ALL, "every reader finds all 70,000 entries of our zip (Zip64)", async () => {
  await using work = await TempFolder.create();
  const made = new MemoryEntries();
  const archive = work.at("many.zip");
  await saveSparse(archive, Array.from({ length: 70_000 }, (_, i) => made.folder(`entry${i}x`)));
  for (const args of LISTERS) {
    const output = await run(args, { cwd: work.path, archive });
    assertEquals(output.match(/entry\d+x/g)?.length, 70_000, args[0]);
  }
});

testWith(
  ALL,
  "every reader finds what lies behind 4 GiB, and more than 4 GiB, in our zip (Zip64)",
  async () => {
    await using work = await TempFolder.create();
    const made = new MemoryEntries();
    const archive = work.at("big.zip");
    const size = 2 ** 32 + FILE_PIECE_BYTES;
    await saveSparse(archive, [zeros("zeros.mp4", size), made.file("last.txt", "the last one")]);
    for (const args of LISTERS) {
      const output = await run(args, { cwd: work.path, archive });
      assertEquals(output.match(/zeros\.mp4|last\.txt/g), ["zeros.mp4", "last.txt"], args[0]);
    }
    const options = { cwd: work.path, archive };
    assertEquals(await run(["unzip", "-p", "ARCHIVE", "last.txt"], options), "the last one");
    assertEquals(await run(["bsdtar", "-xOf", "ARCHIVE", "last.txt"], options), "the last one");
    assertEquals(await run(["7z", "x", "-so", "ARCHIVE", "last.txt"], options), "the last one");
    const python = "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); " +
      "print(z.getinfo('zeros.mp4').file_size, z.read('last.txt').decode())";
    assertEquals(
      await run(["python3", "-c", python, "ARCHIVE"], options),
      `${size} the last one\n`,
    );
  },
);
