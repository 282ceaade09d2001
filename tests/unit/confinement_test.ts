import { assert, assertEquals, assertThrows } from "@std/assert";
import { Confinement, isInside, type SymlinkPolicy } from "../../lib/files/confinement.ts";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import {
  type FileStat,
  type FileSystem,
  isFault,
  isSameFile,
} from "../../lib/files/file_system.ts";
import { TempFolder } from "../support/temp_folder.ts";

async function createTree(): Promise<TempFolder> {
  const folder = await TempFolder.create();
  await folder.write("root/file", "inside");
  await folder.write("root/dir/deep", "deep");
  await folder.write("root-secret/file", "sibling");
  await folder.write("secret", "outside");
  await Deno.symlink("dir/deep", folder.at("root/in"));
  await Deno.symlink("../secret", folder.at("root/out"));
  await Deno.symlink("../root-secret", folder.at("root/sibling"));
  await Deno.symlink("nowhere", folder.at("root/dangling"));
  await Deno.symlink("loop", folder.at("root/loop"));
  return folder;
}

function confine(
  folder: TempFolder,
  options: {
    readonly symlinks?: SymlinkPolicy;
    readonly neverServe?: string[];
    readonly fileSystem?: FileSystem;
  } = {},
): Confinement {
  return new Confinement({ fileSystem: denoFileSystem, root: folder.at("root"), ...options });
}

function found(confinement: Confinement, ...segments: string[]): string {
  const located = confinement.locate(segments);
  return isFault(located) ? located.fault : located.stat.kind;
}

Deno.test("isInside compares whole names (CVE-2014-6394, PYSEC-2023-83)", () => {
  assertEquals(isInside("/www", "/www"), true);
  assertEquals(isInside("/www", "/www/a"), true);
  assertEquals(isInside("/www", "/www-secret/a"), false);
  assertEquals(isInside("/www", "/"), false);
  assertEquals(isInside("/", "/etc"), true);
});

Deno.test("Confinement follows links by its policy, and never hangs on one", async () => {
  await using folder = await createTree();
  const rows: [policy: SymlinkPolicy, inside: string, outside: string][] = [
    ["inside", "file", "refused"],
    ["follow", "file", "file"],
    ["none", "refused", "refused"],
  ];
  for (const [symlinks, inside, outside] of rows) {
    const confinement = confine(folder, { symlinks });
    assertEquals(found(confinement, "file"), "file");
    assertEquals(found(confinement, "dir", "deep"), "file");
    assertEquals(found(confinement, "in"), inside, symlinks);
    assertEquals(found(confinement, "out"), outside, symlinks);
    assertEquals(found(confinement, "sibling", "file"), outside, symlinks);
    assertEquals(found(confinement, "dangling"), "missing");
    assertEquals(found(confinement, "loop"), "missing");
    assertEquals(found(confinement, "file", "below"), "missing");
    assertEquals(found(confinement, "x".repeat(256)), "missing");
  }
  assertEquals(found(confine(folder), "out"), "refused", "the default is inside");
});

Deno.test("Confinement takes a root that is a link, and refuses one that is no folder", async () => {
  await using folder = await createTree();
  await Deno.symlink("root", folder.at("link"));
  const confinement = new Confinement({ fileSystem: denoFileSystem, root: folder.at("link") });
  assertEquals(found(confinement, "file"), "file");
  for (const [root, reason] of [["nowhere", "missing"], ["secret", "not a folder"]] as const) {
    assertThrows(
      () => new Confinement({ fileSystem: denoFileSystem, root: folder.at(root) }),
      Error,
      reason,
    );
  }
});

Deno.test("Confinement refuses a secret file by each of its names, saved anew as well", async () => {
  await using folder = await createTree();
  const config = await folder.write("root/ptth_server.toml", "api_key");
  await Deno.link(config, folder.at("root/hard"));
  await Deno.symlink("ptth_server.toml", folder.at("root/soft"));
  await Deno.symlink("root/ptth_server.toml", folder.at("config_link"));
  for (const neverServe of [config, folder.at("config_link")]) {
    const confinement = confine(folder, { neverServe: [folder.at("absent"), neverServe] });
    for (const name of ["ptth_server.toml", "hard", "soft"]) {
      assertEquals(found(confinement, name), "refused", name);
    }
    assertEquals(found(confinement, "file"), "file");
  }
  const confinement = confine(folder, { neverServe: [config] });
  await folder.write("root/new", "api_key 2");
  await Deno.rename(folder.at("root/new"), config);
  assertEquals(found(confinement, "ptth_server.toml"), "refused");
  assertEquals(found(confinement, "hard"), "file", "the old content is no longer the secret file");
});

Deno.test("Confinement opens nothing that has changed since it was located", async () => {
  const changes: Record<string, (folder: TempFolder) => Promise<void>> = {
    "another file in its place": async (folder) => {
      await folder.write("root/new", "inside");
      await Deno.rename(folder.at("root/new"), folder.at("root/dir/deep"));
    },
    "more content": (folder) => Deno.writeTextFile(folder.at("root/dir/deep"), "deeper"),
    "a link in its place": async (folder) => {
      await Deno.remove(folder.at("root/dir/deep"));
      await Deno.symlink("../../secret", folder.at("root/dir/deep"));
    },
    "a link to the same file in place of its folder": async (folder) => {
      await Deno.rename(folder.at("root/dir"), folder.at("moved"));
      await Deno.symlink("../moved", folder.at("root/dir"));
    },
  };
  for (const [name, change] of Object.entries(changes)) {
    await using folder = await createTree();
    let closed = 0;
    let opened = 0;
    const fileSystem: FileSystem = {
      ...denoFileSystem,
      open: (path) => {
        const file = denoFileSystem.open(path);
        if (isFault(file)) return file;
        opened++;
        return { ...file, close: () => (closed++, file.close()) };
      },
    };
    const confinement = confine(folder, { fileSystem });
    const located = confinement.locate(["dir", "deep"]);
    assert(!isFault(located));
    await change(folder);
    const file = confinement.open(located);
    assert(isFault(file), name);
    assertEquals(file.fault, "changed", name);
    assertEquals([opened, closed], [1, 1], name);
  }
});

Deno.test("Confinement opens nothing but what was located, though the path looks the same after", async () => {
  await using folder = await createTree();
  const fileSystem: FileSystem = {
    ...denoFileSystem,
    // As when a folder on the way is a link for just this moment.
    open: () => denoFileSystem.open(folder.at("secret")),
  };
  const confinement = confine(folder, { fileSystem });
  const located = confinement.locate(["file"]);
  assert(!isFault(located));
  const file = confinement.open(located);
  assert(isFault(file));
  assertEquals(file.fault, "changed");
});

Deno.test("Confinement opens nothing from outside that was looked at from outside", async () => {
  await using folder = await createTree();
  let isSwapped = true;
  const swap = (path: string): string => isSwapped ? folder.at("secret") : path;
  const fileSystem: FileSystem = {
    ...denoFileSystem,
    lstat: (path) => denoFileSystem.lstat(path.endsWith("/file") ? swap(path) : path),
    open: (path) => {
      const file = denoFileSystem.open(swap(path));
      isSwapped = false;
      return file;
    },
  };
  const confinement = confine(folder, { fileSystem });
  const located = confinement.locate(["file"]);
  assert(!isFault(located));
  const file = confinement.open(located);
  assert(isFault(file));
  assertEquals(file.fault, "changed");
});

Deno.test("isSameFile compares device and inode number", () => {
  const stat: FileStat = { kind: "file", size: 0, mtime: 0, ctime: 0, dev: 1, ino: 1, links: 1 };
  assertEquals(isSameFile(stat, { ...stat, size: 1 }), true);
  assertEquals(isSameFile(stat, { ...stat, dev: 2 }), false);
  assertEquals(isSameFile(stat, { ...stat, ino: 2 }), false);
});
