/**
 * The file server under programs of other people: downloaders that resume and split, attackers, a
 * judge of headers. They see 127.0.0.1 alone, for a few seconds each.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { SETTLED_AGE_MS } from "../../lib/base/limits.ts";
import { toUneven } from "../support/bytes.ts";
import type { ChildProgram } from "../support/child_program.ts";
import { hasProgram, runProgram, toolPath } from "../support/outside_program.ts";
import { startProgram } from "../support/programs.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { traversalPaths } from "../support/traversal_paths.ts";
import { type Visit, visit } from "../support/visit.ts";

const MIB = 1024 * 1024;
const BIG = toUneven(24 * MIB);
const HAVE_BYTES = 5 * MIB + 3;
const OLD = new Date("2026-01-02T03:04:06Z");

/** A folder with a file server of its own on it. */
class Site implements AsyncDisposable {
  readonly #folder: TempFolder;
  readonly program: ChildProgram;
  readonly port: number;

  private constructor(folder: TempFolder, program: ChildProgram, port: number) {
    this.#folder = folder;
    this.program = program;
    this.port = port;
  }

  static async start(): Promise<Site> {
    const folder = await TempFolder.create();
    await folder.write("root/big.bin", BIG, OLD);
    await folder.write("root/note.txt", "a note, with some words in it\n".repeat(20), OLD);
    await folder.write("root/dir/file", "marker-in-public", OLD);
    await folder.write("secret", "marker-in-secret", OLD);
    await folder.write("root-secret/file", "marker-in-secret", OLD);
    await Deno.mkdir(folder.at("got"));
    const args = ["--port", "0", folder.at("root")];
    const program = startProgram("file_server", { cwd: folder.path, args });
    const [, port] = await program.untilStderr(/ on http:\/\/127\.0\.0\.1:(\d+)\//);
    return new Site(folder, program, Number(port));
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  async visit(target: string, headers: readonly string[] = []): Promise<Visit> {
    return await visit(this.port, target, { host: "127.0.0.1", headers });
  }

  /** Where downloads go. */
  get got(): string {
    return this.#folder.at("got");
  }

  /** Resolves when files have the tags that they keep. */
  async settled(...names: readonly string[]): Promise<void> {
    for (const name of names) {
      const { ctime } = await Deno.stat(this.#folder.at(`root/${name}`));
      const age = Date.now() - (ctime?.getTime() ?? 0);
      if (age < SETTLED_AGE_MS) await new Promise((done) => setTimeout(done, SETTLED_AGE_MS - age));
    }
  }

  async write(name: string, content: string | Uint8Array): Promise<string> {
    return await this.#folder.write(join("got", name), content);
  }

  /** Resident memory, by `ps`: Deno grants /proc to no test that has named permissions. */
  async readResidentMib(): Promise<number> {
    const command = ["ps", "-o", "rss=", "-p", String(this.program.pid)];
    return Number((await runProgram(command, { cwd: this.got })).stdout) / 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

async function toDigest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

// What a downloader has is made of zeros: if it asked for all again, they would be gone.
const RESUMED = BIG.slice().fill(0, 0, HAVE_BYTES);

for (
  const args of [
    ["curl", "-sS", "--fail", "-C", "-", "-o", "big.bin"],
    ["wget2", "-q", "--continue"],
  ]
) {
  const [program = ""] = args;
  Deno.test({
    name: `${program} resumes a download, and gets only what it lacks`,
    ignore: !await hasProgram(program),
    fn: async () => {
      await using site = await Site.start();
      const path = await site.write("big.bin", RESUMED.subarray(0, HAVE_BYTES));
      const { code, stderr } = await runProgram([...args, site.url("/big.bin")], { cwd: site.got });
      assertEquals(code, 0, stderr);
      assertEquals(await toDigest(await Deno.readFile(path)), await toDigest(RESUMED));
    },
  });
}

for (
  const args of [
    ["axel", "-q", "-n", "8", "-o", "big.bin"],
    ["aria2c", "-q", "-x8", "-s8", "-k1M", "--log=log", "--log-level=info"],
  ]
) {
  const [program = ""] = args;
  Deno.test({
    name: `${program} puts a file together from 8 connections`,
    ignore: !await hasProgram(program),
    fn: async () => {
      await using site = await Site.start();
      const { code, stdout } = await runProgram([...args, site.url("/big.bin")], { cwd: site.got });
      assertEquals(code, 0, stdout);
      const got = await Deno.readFile(join(site.got, "big.bin"));
      assertEquals(await toDigest(got), await toDigest(BIG));
      if (program !== "aria2c") return;
      const log = await Deno.readTextFile(join(site.got, "log"));
      assert(log.split("HTTP/1.1 206").length > 4, "it did not split the file");
    },
  });
}

const hasSlowHttpTest = await hasProgram("slowhttptest");

for (
  const [attack, ...flags] of [
    ["slow heads", "-H", "-i", "1"],
    ["slow bodies", "-B", "-i", "1", "-s", "100000"],
    ["slow readers", "-X", "-w", "1", "-y", "8", "-n", "1", "-z", "8", "-k", "3"],
    ["overlapping ranges", "-R", "-a", "5", "-b", "2000"],
  ]
) {
  Deno.test({
    name: `others are answered during slowhttptest's ${attack}`,
    ignore: !hasSlowHttpTest,
    fn: async () => {
      await using site = await Site.start();
      assertEquals((await site.visit("/note.txt")).status, 200);
      const before = await site.readResidentMib();
      const args = ["slowhttptest", ...flags, "-c", "60", "-r", "60", "-l", "3", "-p", "5"];
      let isOver = false;
      const attacked = runProgram([...args, "-u", site.url("/big.bin")], { cwd: site.got })
        .finally(() => isOver = true);
      let visits = 0;
      let worstMs = 0;
      while (!isOver) {
        const start = performance.now();
        const { status, isComplete } = await site.visit("/note.txt");
        assertEquals([status, isComplete], [200, true]);
        worstMs = Math.max(worstMs, performance.now() - start);
        visits++;
      }
      const { stdout } = await attacked;
      assertStringIncludes(stdout, "Exit status");
      assert(visits > 10, `there were ${visits} visits`);
      assert(worstMs < 5000, `a visit took ${worstMs} ms`);
      const grown = await site.readResidentMib() - before;
      assert(grown < 300, `60 connections took ${grown} MiB`);
    },
  });
}

Deno.test("a thousand overlapping ranges do not get more than the file", async () => {
  await using site = await Site.start();
  const ranges = Array.from({ length: 1000 }, (_, at) => `${at}-`).join(",");
  const { status, body } = await site.visit("/dir/file", [`Range: bytes=${ranges}`]);
  assertEquals([status, body], [200, "marker-in-public"]);
  const big = await site.visit("/big.bin", [`Range: bytes=${ranges}`]);
  assert(big.body.length <= BIG.length);
  assertEquals((await site.visit("/note.txt")).status, 200);
});

Deno.test({
  name: "ffuf finds no way out of the folder",
  ignore: !await hasProgram("ffuf"),
  fn: async () => {
    await using site = await Site.start();
    // Matchers are alternatives: the status that nobody sends turns off the one by status. A third of them is plenty, as ffuf writes each in one way only.
    const words = [...traversalPaths(3)].filter((_, at) => at % 3 === 0)
      .map((path) => path.slice(1)).filter((path) => !/[\r\n\0]/.test(path));
    const list = await site.write("words", [...words, "dir/file"].join("\n"));
    const args = ["ffuf", "-w", list, "-u", site.url("/FUZZ"), "-mr", "marker-in-"];
    const { code, stdout, stderr } = await runProgram([...args, "-mc", "599", "-s", "-t", "16"], {
      cwd: site.got,
      guardMs: 40_000,
    });
    assertEquals(code, 0, stderr);
    // That it finds the one that is there shows that it looks.
    assertEquals(stdout.trim(), "dir/file");
  },
});

/** Notes that stay, each with the reason. */
const KNOWN_NOTES: ReadonlyMap<string, string> = new Map([
  ["FIELD_DEPRECATED", "Keep-Alive: who heeds it sends nothing on a connection about to be closed"],
  ["FRESHNESS_NO_CACHE_NO_VALIDATOR", "a listing is made anew each time, and has no tag"],
]);

const REDBOT = toolPath("redbot/bin/redbot");

Deno.test({
  name: "REDbot has nothing against a file, a listing, a missing file and a redirect",
  ignore: !await hasProgram(REDBOT),
  fn: async () => {
    await using site = await Site.start();
    // It compares the tags of answers, and until then a file has another one than for ever after.
    await site.settled("note.txt", "big.bin");
    for (const path of ["/note.txt", "/big.bin", "/", "/missing", "/dir"]) {
      const args = [REDBOT, "-o", "har", site.url(path)];
      const { stdout } = await runProgram(args, { cwd: site.got });
      assertMatch(stdout, /"level": ?"GOOD"/, "it looked at nothing");
      const notes = [...stdout.matchAll(/\{[^{}]*"note_id": ?"(\w+)"[^{}]*\}/g)]
        .filter(([note]) => /"level": ?"(?:WARN|BAD)"/.test(note))
        .map(([, id = ""]) => id).filter((id) => !KNOWN_NOTES.has(id));
      assertEquals(notes, [], path);
    }
  },
});
