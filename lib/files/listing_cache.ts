/**
 * The sorted names of big folders that were listed lately, so that turning a page does not read
 * and sort 100,000 names again.
 */

import { LISTING_CACHE_ENTRIES, LISTING_PAGE_ENTRIES } from "../base/limits.ts";
import type { Located } from "./confinement.ts";
import type { ListedName } from "./directory_listing.ts";
import { StateCache } from "./state_cache.ts";

export class ListingCache {
  readonly #folders = new StateCache<readonly ListedName[]>({
    capacity: LISTING_CACHE_ENTRIES,
    weigh: (names) => names.length,
  });

  /** The names, where the folder is still in the state in which they were read. */
  get(directory: Located): readonly ListedName[] | undefined {
    return this.#folders.get(directory);
  }

  /**
   * Keeps names that were read after `directory` was located, which was at the time `locatedAt`.
   * Small folders are not kept, nor one whose date may stay the same at its next change.
   */
  set(directory: Located, names: readonly ListedName[], locatedAt: number): void {
    if (names.length > LISTING_PAGE_ENTRIES) this.#folders.set(directory, names, locatedAt);
  }
}
