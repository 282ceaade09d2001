import { assert, assertEquals } from "@std/assert";
import { createHash } from "node:crypto";
import {
  FILE_PIECE_BYTES,
  MAX_DIGESTS_AT_ONCE,
  MAX_WAITING_DIGESTS,
} from "../../lib/base/limits.ts";
import { Confinement, type Located } from "../../lib/files/confinement.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { FileDigests } from "../../lib/files/file_digests.ts";
import { type FileSystem, isFault, type OpenFile } from "../../lib/files/file_system.ts";
import { laterClock } from "../support/later_clock.ts";
import { TempFolder } from "../support/temp_folder.ts";

interface World extends AsyncDisposable {
  readonly folder: TempFolder;
  readonly digests: FileDigests;
  readonly open: { now: number; most: number; total: number };
  /** What each read waits for. */
  readonly gate: { hold: Promise<void> };
  locate(name: string): Located;
  get(located: Located, signal?: AbortSignal): Promise<string>;
}

async function createWorld(): Promise<World> {
  const folder = await TempFolder.create();
  const open = { now: 0, most: 0, total: 0 };
  const gate = { hold: Promise.resolve() };
  const watch = (file: OpenFile): OpenFile => {
    open.total++;
    open.most = Math.max(open.most, ++open.now);
    return {
      ...file,
      read: async (buffer) => {
        await gate.hold;
        return await file.read(buffer);
      },
      close: () => (open.now--, file.close()),
    };
  };
  const fileSystem: FileSystem = {
    ...denoFileSystem,
    open: (path) => {
      const file = denoFileSystem.open(path);
      return isFault(file) ? file : watch(file);
    },
  };
  const confinement = new Confinement({ fileSystem, root: folder.path });
  const digests = new FileDigests(confinement);
  return {
    folder,
    digests,
    open,
    gate,
    locate: (name) => {
      const located = confinement.locate([name]);
      assert(!isFault(located));
      return located;
    },
    get: async (located, signal) => {
      const options = { algorithm: "sha-256", now: laterClock.now(), signal } as const;
      const digest = await digests.get(located, options);
      return isFault(digest) ? digest.fault : digest.toHex();
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

Deno.test("FileDigests reads a file of any size once, and remembers it until it changes", async () => {
  await using world = await createWorld();
  const bytes = new Uint8Array(2 * FILE_PIECE_BYTES + 7).map((_, i) => i);
  await world.folder.write("big", bytes);
  await world.folder.write("empty", "");
  assertEquals(await world.get(world.locate("big")), sha256(bytes));
  assertEquals(await world.get(world.locate("big")), sha256(bytes));
  assertEquals(await world.get(world.locate("empty")), sha256(""));
  assertEquals([world.open.total, world.open.now], [2, 0]);
  const now = laterClock.now();
  const other = await world.digests.get(world.locate("big"), {
    algorithm: "sha-512",
    now,
    signal: undefined,
  });
  assert(!isFault(other));
  assertEquals(other.toHex(), createHash("sha512").update(bytes).digest("hex"));
  await world.folder.write("big", "new");
  assertEquals(await world.get(world.locate("big")), sha256("new"));
});

Deno.test("FileDigests says that a file changed while it was read", async () => {
  await using world = await createWorld();
  await world.folder.write("f", "x".repeat(FILE_PIECE_BYTES + 1));
  const changes: (() => Promise<void>)[] = [
    () => Deno.truncate(world.folder.at("f"), 10),
    () => Deno.writeTextFile(world.folder.at("f"), "more", { append: true }),
  ];
  for (const change of changes) {
    const { promise, resolve } = Promise.withResolvers<void>();
    world.gate.hold = promise;
    const digest = world.get(world.locate("f"));
    await change();
    resolve();
    assertEquals(await digest, "changed");
    assertEquals(world.open.now, 0);
  }
});

Deno.test("FileDigests reads MAX_DIGESTS_AT_ONCE files at once, and refuses when many wait", async () => {
  await using world = await createWorld();
  const count = MAX_DIGESTS_AT_ONCE + MAX_WAITING_DIGESTS;
  for (let i = 0; i < count + 1; i++) await world.folder.write(`f${i}`, `${i}`);
  const { promise, resolve } = Promise.withResolvers<void>();
  world.gate.hold = promise;
  const digests = Array.from({ length: count }, (_, i) => world.get(world.locate(`f${i}`)));
  assertEquals(await world.get(world.locate(`f${count}`)), "busy");
  resolve();
  assertEquals(await Promise.all(digests), Array.from({ length: count }, (_, i) => sha256(`${i}`)));
  assertEquals([world.open.most, world.open.now], [MAX_DIGESTS_AT_ONCE, 0]);
});

Deno.test("FileDigests reads once for all who wait for the same, and stops for who has left", async () => {
  await using world = await createWorld();
  await world.folder.write("a", "a".repeat(3 * FILE_PIECE_BYTES));
  await world.folder.write("b", "b");
  const { promise, resolve } = Promise.withResolvers<void>();
  world.gate.hold = promise;
  const leaving = new AbortController();
  const gone = Array.from(
    { length: MAX_DIGESTS_AT_ONCE },
    () => world.get(world.locate("a"), leaving.signal),
  );
  const many = [1, 2, 3, 4].map(() => world.get(world.locate("b")));
  leaving.abort();
  resolve();
  assertEquals(new Set(await Promise.all(gone)), new Set(["busy"]));
  assertEquals(new Set(await Promise.all(many)), new Set([sha256("b")]));
  assert(world.open.total <= 2 * MAX_DIGESTS_AT_ONCE, String(world.open.total));
  assertEquals(world.open.now, 0);
});
