/** Finding entries by name in a folder and all below it. */

import { MAX_SEARCH_RESULTS, SEARCH_TIME_MS } from "../base/limits.ts";
import type { Clock } from "../base/clock.ts";
import { type ListingSource, readNames } from "./directory_listing.ts";
import { isFault } from "./file_system.ts";
import { createNameFilter } from "./name_filter.ts";
import { isServableName } from "./resolve_path.ts";
import { inSlices } from "./slices.ts";

export interface FoundEntry {
  /** Names from the folder that was searched down. */
  readonly path: readonly string[];
  readonly isDirectory: boolean;
  readonly size: number;
  /** Last change in milliseconds since 1970, or null. */
  readonly mtime: number | null;
}

export interface SearchResult {
  readonly entries: readonly FoundEntry[];
  /** Why there may be more, or undefined where everything was looked through. */
  readonly cut: "time" | "count" | undefined;
}

export interface SearchOptions extends ListingSource {
  readonly words: string;
  readonly clock: Clock;
  /** Ends the search; what it has by then is the result. */
  readonly signal: AbortSignal | undefined;
  /** Default: SEARCH_TIME_MS. */
  readonly timeMs?: number;
  /** Default: MAX_SEARCH_RESULTS. */
  readonly maxResults?: number;
}

/**
 * Looks for entries whose name contains all words: those near the folder first, in the order of
 * names within each. Links are found, but not followed. The event loop has a turn after every
 * LISTING_SLICE_ENTRIES names at the latest.
 */
export async function searchFolder(options: SearchOptions): Promise<SearchResult> {
  const { clock, signal, timeMs = SEARCH_TIME_MS, maxResults = MAX_SEARCH_RESULTS } = options;
  const { fileSystem, confinement } = options;
  const isFound = createNameFilter(options.words);
  const end = clock.monotonic() + timeMs;
  const entries: FoundEntry[] = [];
  // Grows while it is gone through.
  const folders = [{ path: [] as readonly string[], directory: options.directory }];
  for (const { path, directory } of folders) {
    const names = await readNames({ fileSystem, confinement, directory });
    if (isFault(names)) continue;
    for await (const slice of inSlices(names)) {
      for (const { entry, isDirectory } of slice) {
        if (signal?.aborted === true || clock.monotonic() >= end) return { entries, cut: "time" };
        const isInside = entry.kind === "directory";
        const isMatch = isFound(entry.name);
        if (!(isMatch || isInside) || !isServableName(entry.name, fileSystem.platform)) continue;
        const located = confinement.locateEntry(directory, entry);
        if (isFault(located)) continue;
        const below = [...path, entry.name];
        if (isInside) folders.push({ path: below, directory: located });
        if (!isMatch) continue;
        if (entries.length >= maxResults) return { entries, cut: "count" };
        const { size, mtime } = located.stat;
        entries.push({ path: below, isDirectory, size, mtime });
      }
    }
  }
  return { entries, cut: undefined };
}
