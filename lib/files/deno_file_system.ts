/** The computer's own file system, by Deno's API: the only place of the file server that knows it. */

import { existsSync } from "node:fs";
import type { DirectoryEntry, FileFault, FileKind, FileStat, FileSystem } from "./file_system.ts";

const FAULTS: ReadonlyMap<string, FileFault["fault"]> = new Map([
  ["ENOENT", "missing"],
  ["ENOTDIR", "missing"],
  ["ELOOP", "missing"],
  ["ENAMETOOLONG", "missing"],
  ["EINVAL", "missing"], // what Windows says of names that cannot be
  ["EACCES", "denied"],
  ["EPERM", "denied"],
  ["EMFILE", "busy"],
  ["ENFILE", "busy"],
  ["EBUSY", "busy"],
]);

/** The file system of this computer. */
export const denoFileSystem: FileSystem = {
  platform: Deno.build.os === "windows" ? "windows" : "posix",
  realPath: (path) => attempt(() => Deno.realPathSync(path)),
  exists: (path) => existsSync(path),
  lstat: (path) => attempt(() => toFileStat(Deno.lstatSync(path))),
  open: (path) =>
    attempt(() => {
      const file = Deno.openSync(path);
      return {
        stat: () => toFileStat(file.statSync()),
        seek: (offset) => void file.seekSync(offset, Deno.SeekMode.Start),
        readSync: (buffer) => file.readSync(buffer) ?? 0,
        read: async (buffer) => await file.read(buffer) ?? 0,
        close: () => file.close(),
      };
    }),
  async readDirectory(path): Promise<DirectoryEntry[] | FileFault> {
    try {
      const entries: DirectoryEntry[] = [];
      for await (const entry of Deno.readDir(path)) {
        entries.push({ name: entry.name, kind: toKind(entry) });
      }
      return entries;
    } catch (error) {
      return toFault(error);
    }
  },
};

function attempt<T>(action: () => T): T | FileFault {
  try {
    return action();
  } catch (error) {
    return toFault(error);
  }
}

function toFault(error: unknown): FileFault {
  if (error instanceof Deno.errors.NotFound) return { fault: "missing" };
  // Either the disk refuses, or the rights that this program was started with.
  if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
    return { fault: "denied" };
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const fault = FAULTS.get(code);
  if (fault === undefined) throw error;
  return { fault };
}

function toFileStat(info: Deno.FileInfo): FileStat {
  return {
    kind: toKind(info),
    size: info.size,
    mtime: toTime(info.mtime),
    ctime: toTime(info.ctime),
    dev: info.dev,
    ino: info.ino,
    links: info.nlink,
  };
}

// A disk can hold dates that no Date can: they come as NaN, which no answer could say.
function toTime(date: Date | null): number | null {
  const time = date?.getTime() ?? NaN;
  return Number.isNaN(time) ? null : time;
}

function toKind(
  info: { readonly isFile: boolean; readonly isDirectory: boolean; readonly isSymlink: boolean },
): FileKind {
  if (info.isSymlink) return "symlink";
  if (info.isDirectory) return "directory";
  return info.isFile ? "file" : "other";
}
