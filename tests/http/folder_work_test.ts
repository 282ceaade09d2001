/** How much work on folders strangers can make at once. */

import { assert, assertEquals } from "@std/assert";
import { Readable } from "node:stream";
import {
  LISTING_PAGE_ENTRIES,
  LISTING_SLICE_ENTRIES,
  MAX_ARCHIVES,
  MAX_BIG_LISTINGS,
  MAX_LISTING_STREAMS,
  MAX_WAITING_LISTINGS,
} from "../../lib/base/limits.ts";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer } from "../../lib/files/file_server.ts";
import type { DirectoryEntry } from "../../lib/files/file_system.ts";
import { headerValue } from "../../lib/http/headers.ts";
import type { HttpAnswer } from "../../lib/http/message.ts";
import { laterClock } from "../support/later_clock.ts";
import { readBody } from "../support/read_body.ts";
import { TempFolder } from "../support/temp_folder.ts";

/** More names than are put together without giving others a turn. */
const MANY = LISTING_SLICE_ENTRIES + 1;

/** A folder of files that are only in its list, and what is asked of it. */
class World implements AsyncDisposable {
  readonly #folder: TempFolder;
  /** How often the folder was read, and how many times at once. */
  reads = 0;
  mostAtOnce = 0;
  #atOnce = 0;
  /** Awaited before each read. */
  gate: Promise<void> = Promise.resolve();
  count = MANY;

  private constructor(folder: TempFolder) {
    this.#folder = folder;
  }

  static async create(): Promise<World> {
    const folder = await TempFolder.create();
    await folder.write("f", "");
    return new World(folder);
  }

  /** Of a server that takes the folder for settled, unless told otherwise. */
  client(isSettled = true): (target: string, method?: string) => Promise<HttpAnswer> {
    const server = createFileServer({
      fileSystem: { ...denoFileSystem, readDirectory: () => this.#read() },
      root: this.#folder.path,
      clock: isSettled ? laterClock : systemClock,
      log: silentLogger,
    });
    return (target, method = "GET") =>
      server.answer({ method, target, headers: ["Host", "localhost"] }, "/");
  }

  async #read(): Promise<DirectoryEntry[]> {
    this.reads++;
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.#atOnce);
    await this.gate;
    this.#atOnce--;
    return Array.from(
      { length: this.count },
      (_, i) => ({ name: i === 0 ? "f" : `${i}`, kind: "file" }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folder[Symbol.asyncDispose]();
  }
}

function repeat<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

function count(answers: readonly HttpAnswer[], status: number): number {
  return answers.filter((answer) => answer.status === status).length;
}

/** Nobody reads on; resolves when the body knows. */
async function leave({ body }: HttpAnswer): Promise<void> {
  assert(body instanceof Readable);
  const closed = new Promise<void>((resolve) => body.once("close", () => resolve()));
  body.destroy();
  await closed;
}

Deno.test("a big folder that many ask for at once is read once", async () => {
  await using world = await World.create();
  const ask = world.client();
  const answers = await Promise.all(repeat(MAX_WAITING_LISTINGS, () => ask("/")));
  assertEquals(count(answers, 200), answers.length);
  assertEquals(world.reads, 1);
});

Deno.test("a big folder that keeps changing is waited for by so many, and one more gets 503", async () => {
  await using world = await World.create();
  const ask = world.client(false);
  await ask("/");
  const gate = Promise.withResolvers<void>();
  world.gate = gate.promise;
  const asked = repeat(1 + MAX_WAITING_LISTINGS, () => ask("/"));
  const refused = await ask("/");
  assertEquals([refused.status, headerValue(refused.headers, "retry-after")], [503, "1"]);
  gate.resolve();
  const answers = await Promise.all(asked);
  assertEquals(count(answers, 200), answers.length);
  assertEquals(world.mostAtOnce, 1);
});

Deno.test("a small folder that nobody has asked for before is for as many as come at once", async () => {
  await using world = await World.create();
  world.count = 2;
  const ask = world.client();
  const answers = await Promise.all(repeat(4 * MAX_WAITING_LISTINGS, () => ask("/")));
  assertEquals(count(answers, 200), answers.length);
});

Deno.test("a folder that keeps changing is read by one at a time", async () => {
  await using world = await World.create();
  const ask = world.client(false);
  const answers = await Promise.all(repeat(5, () => ask("/")));
  assertEquals(count(answers, 200), 5);
  assertEquals([world.reads, world.mostAtOnce], [5, 1]);
});

Deno.test("a folder that was small when it was read last is read by all at once", async () => {
  await using world = await World.create();
  world.count = LISTING_PAGE_ENTRIES;
  const ask = world.client();
  await ask("/");
  const gate = Promise.withResolvers<void>();
  world.gate = gate.promise;
  const asked = repeat(2 * MAX_WAITING_LISTINGS, () => ask("/"));
  gate.resolve();
  assertEquals(count(await Promise.all(asked), 200), asked.length);
  assertEquals(world.mostAtOnce, asked.length);
});

Deno.test("MAX_BIG_LISTINGS are put together at once, so many wait, and one more gets 503", async () => {
  await using world = await World.create();
  const ask = world.client();
  await ask("/");
  const most = MAX_BIG_LISTINGS + MAX_WAITING_LISTINGS;
  const answers = await Promise.all(repeat(most + 1, () => ask("/?sort=date")));
  assertEquals([count(answers, 200), count(answers, 503)], [most, 1]);
  assertEquals((await ask("/?sort=date")).status, 200);
});

Deno.test("MAX_LISTING_STREAMS are sent at once, one more gets 503, and each that ends makes room", async () => {
  await using world = await World.create();
  const ask = world.client();
  const sent: HttpAnswer[] = [];
  for (let i = 0; i < MAX_LISTING_STREAMS; i++) sent.push(await ask("/?format=json"));
  assertEquals(count(sent, 200), MAX_LISTING_STREAMS);
  assertEquals((await ask("/?format=json")).status, 503);
  // Pages are none of those.
  assertEquals((await ask("/")).status, 200);
  const [read, left, ...others] = sent;
  assert(read !== undefined && left !== undefined);
  assert((await readBody(read.body)).length > 0);
  await leave(left);
  for (let i = 0; i < 2; i++) others.push(await ask("/?format=json"));
  assertEquals(count(others, 200), others.length);
  assertEquals((await ask("/?format=json")).status, 503);
  for (const answer of others) await leave(answer);
});

Deno.test("MAX_ARCHIVES are made at once, one more gets 503, and each that ends makes room", async () => {
  await using world = await World.create();
  const ask = world.client();
  for (let i = 0; i < 2 * MAX_ARCHIVES; i++) {
    assertEquals((await ask("/?archive=zip", "HEAD")).status, 200);
    assertEquals((await ask("/?archive=rar")).status, 400);
  }
  const made: HttpAnswer[] = [];
  for (let i = 0; i < MAX_ARCHIVES; i++) made.push(await ask("/?archive=zip"));
  assertEquals(count(made, 200), MAX_ARCHIVES);
  assertEquals((await ask("/?archive=tar")).status, 503);
  const [first, ...others] = made;
  assert(first !== undefined);
  await leave(first);
  others.push(await ask("/?archive=zip"));
  assertEquals(count(others, 200), MAX_ARCHIVES);
  for (const answer of others) await leave(answer);
});
