/**
 * Nothing outside the root is ever read, whatever the links in it point to, and nothing but regular
 * files is ever opened: opening a FIFO or a device can hang or act.
 */

import { basename, dirname, join, SEPARATOR } from "@std/path";
import type { DirectoryEntry, FileFault, FileStat, FileSystem, OpenFile } from "./file_system.ts";
import { isFault, isSameFile, isSameState } from "./file_system.ts";
import { createNameTest } from "./name_patterns.ts";
import { isHiddenName, isServableName } from "./resolve_path.ts";

/**
 * Which symbolic links below the root are followed: those that end inside it (the default), all,
 * or none.
 */
export type SymlinkPolicy = "inside" | "follow" | "none";

export interface ConfinementOptions {
  readonly fileSystem: FileSystem;
  /** The folder whose contents may be read. */
  readonly root: string;
  /** Default: `inside`. */
  readonly symlinks?: SymlinkPolicy;
  /** Files that are never served, by any name: the configuration with its key. Need not exist. */
  readonly neverServe?: readonly string[];
  /**
   * Patterns of names that are hidden, beside those that begin with a dot: `*.key`. They are for
   * single names, wherever below the root, not for paths. Default: none.
   */
  readonly hiddenPatterns?: readonly string[];
}

/** A file or folder that may be read. */
export interface Located {
  /** Its real path. */
  readonly path: string;
  readonly stat: FileStat;
}

/** It is there, but never to be served: outside the root, of a kind that is not opened, secret. */
export interface RefusedFault {
  readonly fault: "refused";
}

/** The file is not, or no longer, the one that was located. */
export interface ChangedFault {
  readonly fault: "changed";
}

const REFUSED: RefusedFault = { fault: "refused" };
const CHANGED: ChangedFault = { fault: "changed" };

/** Of a file that was opened, at 3 µs each: with one, a busy machine was seen to lose this race. */
const LOOKS = 4;

export class Confinement {
  readonly #fileSystem: FileSystem;
  readonly #root: string;
  readonly #symlinks: SymlinkPolicy;
  readonly #neverServe: readonly string[];
  readonly #isUnwanted: (name: string) => boolean;
  #refusedPaths: readonly string[] = [];

  /** @throws {Error} where the root is not a folder that can be found. */
  constructor(options: ConfinementOptions) {
    const root = options.fileSystem.realPath(options.root);
    if (isFault(root)) {
      throw new Error(`Cannot serve folder "${options.root}": it is ${root.fault}`);
    }
    const stat = options.fileSystem.lstat(root);
    if (isFault(stat) || stat.kind !== "directory") {
      throw new Error(`Cannot serve folder "${options.root}": it is not a folder`);
    }
    this.#fileSystem = options.fileSystem;
    this.#root = root;
    this.#symlinks = options.symlinks ?? "inside";
    this.#neverServe = options.neverServe ?? [];
    this.#isUnwanted = createNameTest(options.hiddenPatterns ?? []);
  }

  /** Whether an entry of this name is hidden: neither served nor listed, nor what is below it. */
  isHidden(name: string): boolean {
    return isHiddenName(name) || this.#isUnwanted(name);
  }

  /** Whether an entry of this name can be asked for, as far as the name tells. */
  isServable(name: string): boolean {
    return isServableName(name, this.#fileSystem.platform) && !this.#isUnwanted(name);
  }

  /** Finds a file or folder by its names from the root down. Opens nothing. */
  locate(segments: readonly string[]): Located | FileFault | RefusedFault {
    if (segments.some((name) => this.isHidden(name))) return REFUSED;
    // Looked up for each request: a file that is saved anew may have another real path.
    this.#refusedPaths = this.#neverServe.flatMap((path) => {
      const real = this.#fileSystem.realPath(path);
      return isFault(real) ? [] : [real];
    });
    return this.#locatePath(join(this.#root, ...segments));
  }

  /** Whether there may be anything at these names: a cheap look before `locate`. */
  mayExist(segments: readonly string[]): boolean {
    return this.#fileSystem.exists(join(this.#root, ...segments));
  }

  /** Finds an entry of a folder that was located before. */
  locateEntry(directory: Located, entry: DirectoryEntry): Located | FileFault | RefusedFault {
    if (this.isHidden(entry.name)) return REFUSED;
    const path = join(directory.path, entry.name);
    // The folder's path is real, so only a link can lead elsewhere: most entries need one look.
    return entry.kind === "symlink" ? this.#locatePath(path) : this.#admit(path);
  }

  /** The names in a folder that was located before that are never served. */
  refusedNames(directory: Located): ReadonlySet<string> {
    const inDirectory = this.#refusedPaths.filter((path) => dirname(path) === directory.path);
    return new Set(inDirectory.map((path) => basename(path)));
  }

  /**
   * Opens a file that was located. Its state is the one that was located, or the answer is
   * `changed`: between the two looks anything may have been put in its place.
   */
  open(located: Located): OpenFile | FileFault | ChangedFault {
    const file = this.#fileSystem.open(located.path);
    if (isFault(file)) return file;
    if (this.#isUnchanged(file, located)) return file;
    file.close();
    return CHANGED;
  }

  #locatePath(path: string): Located | FileFault | RefusedFault {
    const real = this.#fileSystem.realPath(path);
    if (isFault(real)) return real;
    if (this.#symlinks === "none" && real !== path) return REFUSED;
    if (this.#symlinks === "inside" && !isInside(this.#root, real)) return REFUSED;
    return this.#admit(real);
  }

  #admit(path: string): Located | FileFault | RefusedFault {
    const stat = this.#fileSystem.lstat(path);
    if (isFault(stat)) return stat;
    if (stat.kind !== "file" && stat.kind !== "directory") return REFUSED;
    return this.#isRefused(path, stat) ? REFUSED : { path, stat };
  }

  #isRefused(path: string, stat: FileStat): boolean {
    return this.#refusedPaths.some((refused) => {
      if (refused === path) return true;
      if (stat.links === 1 || stat.ino === null) return false; // no second name
      const refusedStat = this.#fileSystem.lstat(refused);
      return !isFault(refusedStat) && isSameFile(refusedStat, stat);
    });
  }

  // The path is looked at again after the file was opened: a folder on the way that was swapped for a
  // link, even for a moment, shows as another real path or another file. Whoever swaps without end
  // may hit the gap between two system calls, so it is not one look that decides: each wants two more
  // such hits in a row.
  #isUnchanged(file: OpenFile, { path, stat }: Located): boolean {
    const opened = file.stat();
    if (opened.kind !== "file" || !isSameState(opened, stat)) return false;
    for (let look = 0; look < LOOKS; look++) {
      if (this.#fileSystem.realPath(path) !== path) return false;
      const now = this.#fileSystem.lstat(path);
      if (isFault(now) || !isSameState(now, stat)) return false;
    }
    return true;
  }
}

/** Whether a real path is the root or below it, name by name: `/www-secret` is not in `/www`. */
export function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(SEPARATOR) ? root : root + SEPARATOR);
}
