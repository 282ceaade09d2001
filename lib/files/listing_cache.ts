/**
 * The sorted names of big folders that were listed lately, so that turning a page does not read
 * and sort 100,000 names again.
 */

import { LISTING_CACHE_ENTRIES, LISTING_PAGE_ENTRIES, SETTLED_AGE_MS } from "../base/limits.ts";
import type { Located } from "./confinement.ts";
import type { ListedName } from "./directory_listing.ts";
import { type FileStat, isSameFile } from "./file_system.ts";

interface CachedNames {
  readonly stat: FileStat;
  readonly names: readonly ListedName[];
}

export class ListingCache {
  // In the order of last use.
  readonly #folders = new Map<string, CachedNames>();
  #count = 0;

  /** The names, where the folder is still in the state in which they were read. */
  get({ path, stat }: Located): readonly ListedName[] | undefined {
    const cached = this.#folders.get(path);
    if (cached === undefined) return undefined;
    this.#drop(path);
    if (!isSameFile(cached.stat, stat) || cached.stat.mtime !== stat.mtime) return undefined;
    this.#add(path, cached);
    return cached.names;
  }

  /**
   * Keeps names that were read after `directory` was located, which was at the time `locatedAt`.
   * Small folders are not kept, nor one whose date may stay the same at its next change.
   */
  set(directory: Located, names: readonly ListedName[], locatedAt: number): void {
    const { path, stat } = directory;
    this.#drop(path);
    if (names.length <= LISTING_PAGE_ENTRIES || names.length > LISTING_CACHE_ENTRIES) return;
    if (stat.mtime === null || locatedAt - stat.mtime < SETTLED_AGE_MS) return;
    this.#add(path, { stat, names });
    for (const oldest of this.#folders.keys()) {
      if (this.#count <= LISTING_CACHE_ENTRIES) break;
      this.#drop(oldest);
    }
  }

  #add(path: string, cached: CachedNames): void {
    this.#folders.set(path, cached);
    this.#count += cached.names.length;
  }

  #drop(path: string): void {
    this.#count -= this.#folders.get(path)?.names.length ?? 0;
    this.#folders.delete(path);
  }
}
