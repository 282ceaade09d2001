import { assert, assertEquals } from "@std/assert";
import { denoFileSystem } from "../../lib/files/deno_file_system.ts";
import { isFault } from "../../lib/files/file_system.ts";
import { TempFolder } from "../support/temp_folder.ts";

Deno.test("denoFileSystem tells what a client may ask for and is not there as a value", async () => {
  await using folder = await TempFolder.create();
  await folder.write("file", "content");
  await Deno.symlink("loop", folder.at("loop"));
  const paths = [
    "absent",
    "file/below",
    "loop/below",
    "x".repeat(256),
    "a/".repeat(5000),
    "a\0b",
    "\ud800",
  ];
  for (const path of paths) {
    const at = `${folder.path}/${path}`;
    const name = JSON.stringify(path.slice(0, 20));
    assertEquals(denoFileSystem.lstat(at), { fault: "missing" }, name);
    assertEquals(denoFileSystem.realPath(at), { fault: "missing" }, name);
    assertEquals(denoFileSystem.open(at), { fault: "missing" }, name);
    assertEquals(await denoFileSystem.readDirectory(at), { fault: "missing" }, name);
  }
  assertEquals(await denoFileSystem.readDirectory(folder.at("file")), { fault: "missing" });
});

Deno.test("denoFileSystem reads a file by pieces, from any place", async () => {
  await using folder = await TempFolder.create();
  const path = await folder.write("file", "0123456789", new Date(5000));
  const file = denoFileSystem.open(path);
  assert(!isFault(file));
  const buffer = new Uint8Array(4);
  file.seek(7);
  assertEquals([file.readSync(buffer), await file.read(buffer)], [3, 0]);
  file.seek(0);
  assertEquals([await file.read(buffer), new TextDecoder().decode(buffer)], [4, "0123"]);
  const { kind, size, mtime } = file.stat();
  assertEquals([kind, size, mtime], ["file", 10, 5000]);
  assertEquals(denoFileSystem.lstat(path), file.stat());
  file.close();
});

Deno.test("denoFileSystem lists names with their kinds", async () => {
  await using folder = await TempFolder.create();
  await folder.write("file", "");
  await folder.write("dir/file", "");
  await Deno.symlink("file", folder.at("link"));
  const entries = await denoFileSystem.readDirectory(folder.path);
  assert(!isFault(entries));
  assertEquals(entries.map(({ name, kind }) => `${name}: ${kind}`).sort(), [
    "dir: directory",
    "file: file",
    "link: symlink",
  ]);
});

Deno.test("denoFileSystem gives no date where a file's is beyond all dates", () => {
  const { lstatSync } = Deno;
  Deno.lstatSync = (path) => ({ ...lstatSync(path), mtime: new Date(NaN) });
  try {
    const stat = denoFileSystem.lstat("/");
    assert(!isFault(stat));
    assertEquals(stat.mtime, null);
  } finally {
    Deno.lstatSync = lstatSync;
  }
});
