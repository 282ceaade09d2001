/** What a visitor can get of a server's computer by the folder that it serves, through a relay. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { systemClock } from "../../lib/base/clock.ts";
import { silentLogger } from "../../lib/base/log.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { createFileServer } from "../../lib/files/file_server.ts";
import { createDispatcher } from "../../lib/server/dispatch.ts";
import { printTable } from "../support/security_page.ts";
import { TempFolder } from "../support/temp_folder.ts";
import { traversalPaths } from "../support/traversal_paths.ts";
import { NAME, startRelay, startServer } from "../support/tunnel.ts";
import { type Visit, visit } from "../support/visit.ts";

const SECRET = "THE SECRET";
const CONFIG = "ptth_server.toml";

class World implements AsyncDisposable {
  readonly folder: TempFolder;
  readonly port: number;
  readonly #stack: AsyncDisposableStack;

  private constructor(folder: TempFolder, port: number, stack: AsyncDisposableStack) {
    this.folder = folder;
    this.port = port;
    this.#stack = stack;
  }

  static async start(): Promise<World> {
    const stack = new AsyncDisposableStack();
    const folder = stack.use(await TempFolder.create());
    await folder.write("secret", SECRET);
    await folder.write("root-secret/file", SECRET);
    await folder.write("root/file", "public");
    await folder.write("root/dir/deep", "deep");
    await folder.write("root/.env", SECRET);
    await folder.write("root/.git/config", SECRET);
    const config = await folder.write(`root/${CONFIG}`, SECRET);
    const links = {
      out: "../secret",
      outdir: "..",
      absolute: "/etc",
      zero: "/dev/zero",
      tty: "/dev/tty",
      process: "/proc/self/environ",
      byconfig: CONFIG,
      fifolink: "fifo",
      loop: "loop",
    };
    for (const [name, target] of Object.entries(links)) {
      await Deno.symlink(target, folder.at(`root/${name}`));
    }
    await Deno.link(config, folder.at("root/copy"));
    const made = await new Deno.Command("mkfifo", { args: [folder.at("root/fifo")] }).output();
    assert(made.success);
    const files = createFileServer({
      fileSystem: denoFileSystem,
      root: folder.at("root"),
      neverServe: [config],
      clock: systemClock,
      log: silentLogger,
    });
    const { port, url } = stack.use(await startRelay());
    stack.use(await startServer(url, createDispatcher({ files })));
    return new World(folder, port, stack);
  }

  get(path: string): Promise<Visit> {
    return visit(this.port, `/servers/${NAME}/files${path}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

type Row = readonly [what: string, attack: (world: World) => Promise<string>];

/** Names in the folder that nothing may be got of, by any form of asking. */
function kept(what: string, paths: readonly string[]): Row {
  return [what, async (world) => {
    for (const path of paths) {
      for (const query of ["", "?preview", "?search=THE", "?archive=zip", "?archive=tar", "/"]) {
        const { status, body } = await world.get(path + query);
        assertEquals(status, 404, path + query);
        assert(!body.includes(SECRET), path + query);
      }
    }
    return "404";
  }];
}

const ROWS: readonly Row[] = [
  ["a path out of the folder, in a thousand spellings", async (world) => {
    let count = 0;
    for (const path of [...traversalPaths(2)].filter((_, at) => at % 23 === 0)) {
      const { status, body } = await world.get(path);
      assert(status === 404 || status === 400, `${path} is ${status}`);
      assert(!/SECRET|root:/.test(body), path);
      count++;
    }
    assertGreater(count, 1000);
    return "400 or 404";
  }],
  kept("a link to a file outside", ["/out"]),
  kept("a link to a folder outside, and what is in there", [
    ...["/outdir", "/outdir/secret", "/absolute", "/absolute/passwd"],
  ]),
  kept("a link to what the system tells of the process", ["/process"]),
  kept("a link to a device", ["/zero", "/tty"]),
  kept("a FIFO, and a link to it, which nobody ever writes to", ["/fifo", "/fifolink"]),
  kept("a link to itself", ["/loop"]),
  kept("hidden names, also encoded", ["/.env", "/%2eenv", "/%2Eenv", "/.git", "/.git/config"]),
  ["a link in the folder that gives a hidden file another name", async (world) => {
    const link = world.folder.at("root/shown");
    await Deno.symlink(".env", link);
    const { status } = await world.get("/shown");
    await Deno.remove(link);
    assertEquals(status, 200);
    return "the file: it is names that are hidden, and who made the link has shown it";
  }],
  kept("the server's own configuration, by link and hard link", [
    ...[`/${CONFIG}`, "/byconfig", "/copy"],
  ]),
  ["a list, a search or an archive of the whole folder", async (world) => {
    for (
      const query of ["?archive=zip", "?archive=tar", "?search=e", "?view=grid", ""]
    ) {
      const { status, body } = await world.get(`/${query}`);
      assertEquals(status, 200);
      for (const name of ["secret", "fifo", ".env", ".git", CONFIG, "zero", "outdir", "byconfig"]) {
        assert(!new RegExp(`["/>]${name.replaceAll(".", "\\.")}["/<]`).test(body), query + name);
      }
      assert(!body.includes(SECRET));
    }
    return "without all of these";
  }],
];

Deno.test({
  name: "attack on files",
  ignore: Deno.build.os === "windows",
  fn: async (t) => {
    await using world = await World.start();
    const cells: string[][] = [];
    for (const [what, attack] of ROWS) {
      await t.step(what, async () => {
        cells.push([what, await attack(world)]);
        assertEquals((await world.get("/file")).body, "public");
      });
    }
    const columns = ["A visitor asks for", "What comes of it"];
    await printTable({ name: "files", columns, rows: cells });
  },
});
