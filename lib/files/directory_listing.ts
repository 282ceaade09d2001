/**
 * What a folder holds, as data. Names come first, all of them; sizes and dates are looked up only
 * for the entries that are shown, since in a big folder that is what takes the time.
 */

import type { Confinement, Located } from "./confinement.ts";
import type { DirectoryEntry, FileFault, FileSystem } from "./file_system.ts";
import { isFault } from "./file_system.ts";
import { isServableName } from "./resolve_path.ts";
import { inSlices, sortInSlices } from "./slices.ts";

/** An entry whose name and kind are known. */
export interface ListedName {
  readonly entry: DirectoryEntry;
  /** A folder, or a link to one. */
  readonly isDirectory: boolean;
}

/** An entry that is shown. */
export interface ListingEntry {
  readonly name: string;
  /** `unavailable`: it is there, but cannot be asked for, for example since its name is not UTF-8. */
  readonly kind: "file" | "directory" | "unavailable";
  /** In bytes; what the system says of a folder; 0 where unavailable. */
  readonly size: number;
  /** Last change in milliseconds since 1970, or null. */
  readonly mtime: number | null;
}

export type SortKey = "name" | "size" | "date";

export interface ListingOrder {
  readonly key: SortKey;
  readonly isDescending: boolean;
}

export interface ListingSource {
  readonly fileSystem: FileSystem;
  readonly confinement: Confinement;
  readonly directory: Located;
}

/**
 * The names in a folder, sorted by their bytes in UTF-8. Not among them: hidden names, links that
 * are not followed or lead nowhere, and what is neither a file nor a folder. They agree with what
 * can be asked for.
 */
export async function readNames(source: ListingSource): Promise<ListedName[] | FileFault> {
  const entries = await source.fileSystem.readDirectory(source.directory.path);
  if (isFault(entries)) return entries;
  const refused = source.confinement.refusedNames(source.directory);
  const names: ListedName[] = [];
  for await (const slice of inSlices(entries)) {
    for (const entry of slice) {
      if (entry.kind === "other" || refused.has(entry.name)) continue;
      if (source.confinement.isHidden(entry.name)) continue;
      if (entry.kind === "symlink") {
        const located = source.confinement.locateEntry(source.directory, entry);
        if (!isFault(located)) names.push({ entry, isDirectory: isDirectory(located) });
      } else {
        names.push({ entry, isDirectory: entry.kind === "directory" });
      }
    }
  }
  return await sortInSlices(names, await chooseOrder(names));
}

/** Looks up the entries to these names, slice by slice. What has gone since is left out. */
export async function* readEntries(
  names: readonly ListedName[],
  source: ListingSource,
): AsyncGenerator<ListingEntry[]> {
  for await (const slice of inSlices(names)) {
    yield slice.map(({ entry }) => readEntry(entry, source)).filter((entry) => entry !== undefined);
  }
}

/** Names in the order that people look for them: folders first, then as asked. */
export async function sortNames(
  names: readonly ListedName[],
  order: ListingOrder,
  source: ListingSource,
): Promise<ListedName[]> {
  const sorted = order.key === "name" ? names : await sortByValue(names, order.key, source);
  const directories = sorted.filter((name) => name.isDirectory);
  const files = sorted.filter((name) => !name.isDirectory);
  if (order.isDescending) {
    directories.reverse();
    files.reverse();
  }
  return directories.concat(files);
}

/** Compares names by code points, which is the order of their bytes in UTF-8. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    // Surrogates stand for what comes after all of U+E000 to U+FFFF.
    if (isSurrogate(x) !== isSurrogate(y)) return isSurrogate(x) ? 1 : -1;
    return x - y;
  }
  return a.length - b.length;
}

// Surrogates, and the characters that they are out of order with.
const ABOVE_REGEXP = /[\ud800-\uffff]/;

/** The order of names: by the engine's own comparison, many times faster, where it is the same. */
async function chooseOrder(
  names: readonly ListedName[],
): Promise<(a: ListedName, b: ListedName) => number> {
  for await (const slice of inSlices(names)) {
    if (slice.some(({ entry }) => ABOVE_REGEXP.test(entry.name))) {
      return (a, b) => compareNames(a.entry.name, b.entry.name);
    }
  }
  // No two entries have one name.
  return (a, b) => a.entry.name < b.entry.name ? -1 : 1;
}

function isSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdfff;
}

async function sortByValue(
  names: readonly ListedName[],
  key: "size" | "date",
  source: ListingSource,
): Promise<ListedName[]> {
  const valued: { readonly name: ListedName; readonly value: number }[] = [];
  for await (const slice of inSlices(names)) {
    for (const name of slice) {
      const located = source.confinement.locateEntry(source.directory, name.entry);
      const stat = isFault(located) ? undefined : located.stat;
      const value = key === "size" ? stat?.size : stat?.mtime;
      valued.push({ name, value: value ?? -1 });
    }
  }
  return (await sortInSlices(valued, (a, b) => a.value - b.value)).map(({ name }) => name);
}

function readEntry(entry: DirectoryEntry, source: ListingSource): ListingEntry | undefined {
  const { name } = entry;
  const unavailable: ListingEntry = { name, kind: "unavailable", size: 0, mtime: null };
  if (!isServableName(name, source.fileSystem.platform)) return unavailable;
  const located = source.confinement.locateEntry(source.directory, entry);
  if (!isFault(located)) {
    const { size, mtime } = located.stat;
    return { name, kind: isDirectory(located) ? "directory" : "file", size, mtime };
  }
  if (located.fault === "refused") return undefined;
  const isUndecodable = name.includes("\ufffd");
  return located.fault === "missing" && !isUndecodable ? undefined : unavailable;
}

function isDirectory(located: Located): boolean {
  return located.stat.kind === "directory";
}
