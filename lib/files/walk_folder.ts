/** Everything below a folder that can be asked for, by the rules of the listing, name by name. */

import { LimitError } from "../base/errors.ts";
import { ARCHIVE_SLICE_ENTRIES, MAX_ARCHIVE_DEPTH, MAX_ARCHIVE_ENTRIES } from "../base/limits.ts";
import { Pacer } from "../base/pacer.ts";
import type { Located } from "./confinement.ts";
import { type ListedName, type ListingSource, readNames } from "./directory_listing.ts";
import { isFault } from "./file_system.ts";

export interface WalkedEntry {
  /** Names from the folder that is walked down. */
  readonly path: readonly string[];
  readonly located: Located;
}

export interface WalkOptions {
  /** Default: MAX_ARCHIVE_ENTRIES. */
  readonly maxEntries?: number;
  /** Default: MAX_ARCHIVE_DEPTH. */
  readonly maxDepth?: number;
}

/** A folder on the way down. */
interface Level {
  readonly path: readonly string[];
  readonly directory: Located;
  readonly names: Iterator<ListedName>;
}

/**
 * Walks down from names in a folder, parents before children, in the order of names. Lazy: holds
 * the names of the folders on the way down, nothing else. What cannot be looked up or read is left
 * out, and so is a link to a folder that it is in.
 *
 * @throws {LimitError} past `maxEntries` or `maxDepth`
 */
export async function* walkFolder(
  names: readonly ListedName[],
  source: ListingSource,
  options: WalkOptions = {},
): AsyncGenerator<WalkedEntry> {
  const { maxEntries = MAX_ARCHIVE_ENTRIES, maxDepth = MAX_ARCHIVE_DEPTH } = options;
  const { fileSystem, confinement } = source;
  const levels: Level[] = [{ path: [], directory: source.directory, names: names.values() }];
  const pacer = new Pacer();
  let looked = 0;
  let count = 0;
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const { value: listed, done } = level.names.next();
    if (done === true) {
      levels.pop();
      continue;
    }
    if (++looked % ARCHIVE_SLICE_ENTRIES === 0) await pacer.giveTurn();
    const { entry } = listed;
    if (!confinement.isServable(entry.name)) continue;
    const located = confinement.locateEntry(level.directory, entry);
    if (isFault(located)) continue;
    const path = [...level.path, entry.name];
    if (located.stat.kind === "directory") {
      if (levels.some(({ directory }) => directory.path === located.path)) continue;
      if (levels.length >= maxDepth) throw tooMany("MAX_ARCHIVE_DEPTH", maxDepth);
    }
    if (++count > maxEntries) throw tooMany("MAX_ARCHIVE_ENTRIES", maxEntries);
    yield { path, located };
    if (located.stat.kind !== "directory") continue;
    const below = await readNames({ fileSystem, confinement, directory: located });
    if (!isFault(below)) levels.push({ path, directory: located, names: below.values() });
  }
}

function tooMany(limit: string, value: number): LimitError {
  return new LimitError(limit, value, `Cannot walk folder: it passes ${limit}, which is ${value}`);
}
