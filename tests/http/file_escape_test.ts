// Nothing from outside the folder, however it is asked for, and whatever moves meanwhile.

import { assert, assertEquals, assertGreater } from "@std/assert";
import { type Clock, systemClock } from "../../lib/base/clock.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer } from "../../lib/files/file_server.ts";
import { readBody } from "../support/read_body.ts";
import type { SwapOrder } from "../support/swap_worker.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { traversalPaths } from "../support/traversal_paths.ts";

// Ten seconds ago nothing was settled: every answer reads its file anew.
const earlierClock: Clock = { ...systemClock, now: () => systemClock.now() - 10_000 };

/** Asks a server of `root` below the folder. */
function client(
  folder: TempFolder,
): (path: string, form?: "json") => Promise<{ readonly status: number; readonly text: string }> {
  const server = createFileServer({
    fileSystem: denoFileSystem,
    root: folder.at("root"),
    clock: earlierClock,
    log: silentLogger,
    index: "index.html",
    precompressed: true,
  });
  return async (path, form) => {
    const headers = ["Accept-Encoding", "br", "Accept", "text/plain"];
    const answer = await server.answer({ method: "GET", target: path, headers }, path, form);
    const text = new TextDecoder().decode(await readBody(answer.body));
    return { status: answer.status, text };
  };
}

Deno.test("file server refuses every way of writing a path out of its root (CVE-2018-3712, dir2opds#17, Rocket#134)", async () => {
  await using folder = await TempFolder.create();
  for (const name of ["secret", "secret.br", "root-secret/file"]) {
    await folder.write(name, "SECRET");
  }
  await folder.write("root/dir/file", "public");
  await folder.write("root/file", "public");
  const ask = client(folder);
  let count = 0;
  for (const path of traversalPaths(3)) {
    const { status, text } = await ask(path);
    if (status !== 404 && status !== 400 || /SECRET|root:/.test(text)) {
      throw new Error(`Path ${JSON.stringify(path)} is answered ${status}: ${text}`);
    }
    count++;
  }
  assertGreater(count, 10_000);
  assertEquals((await ask("/dir/file")).text, "public");
});

/** Swaps names in a thread of its own until disposed. */
async function swapAllTheTime(order: Omit<SwapOrder, "state">): Promise<AsyncDisposable> {
  const state = new Int32Array(new SharedArrayBuffer(8));
  const worker = new Worker(new URL("../support/swap_worker.ts", import.meta.url), {
    type: "module",
  });
  const message = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(event.error ?? new Error(event.message));
    });
  const started = message();
  worker.postMessage({ ...order, state } satisfies SwapOrder);
  await started;
  return {
    [Symbol.asyncDispose]: async () => {
      const ended = message();
      Atomics.store(state, 0, 1);
      await ended;
      worker.terminate();
    },
  };
}

const REQUESTS = 4000;

for (
  const [what, path, order] of [
    ["a file and a link to a file", "/file", ["file", "spare", "link"]],
    ["a folder and a link to a folder", "/dir/secret", ["dir", "spare_dir", "link_dir"]],
  ] as const
) {
  Deno.test(`file server sends nothing from outside while ${what} take turns (TOCTOU)`, async () => {
    await using folder = await TempFolder.create();
    // Same length and date: nothing but the file's identity tells them apart.
    const date = new Date("2026-01-02T03:04:05Z");
    await folder.write("secret", "SECRET", date);
    await folder.write("root/file", "public", date);
    await folder.write("root/dir/secret", "public", date);
    await Deno.symlink("../secret", folder.at("root/link"));
    await Deno.symlink("..", folder.at("root/link_dir"));
    const ask = client(folder);
    const seen = new Map<string, number>();
    {
      await using _swapping = await swapAllTheTime({
        names: order.map((name) => folder.at(`root/${name}`)),
      });
      for (let i = 0; i < REQUESTS; i++) {
        const { status, text } = await ask(path);
        assert(text !== "SECRET", `request ${i}`);
        assert([200, 404, 503].includes(status), `${status}`);
        const key = status === 200 ? text : String(status);
        seen.set(key, (seen.get(key) ?? 0) + 1);
      }
    }
    assertGreater(seen.get("public") ?? 0, 0, "served while it was there");
    assertGreater(seen.get("404") ?? 0, 0, "met the link");
  });
}
