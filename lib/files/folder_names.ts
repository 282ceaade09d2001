/** The names in folders, read so that a big one is never in memory many times over. */

import { LISTING_PAGE_ENTRIES, MAX_SMALL_FOLDERS, MAX_WAITING_LISTINGS } from "../base/limits.ts";
import { Turns } from "../base/turns.ts";
import { type ListedName, type ListingSource, readNames } from "./directory_listing.ts";
import { type FileFault, isFault } from "./file_system.ts";
import { ListingCache } from "./listing_cache.ts";

/** Those who want the same folder: one of them reads it, and the others find it in the cache. */
interface Line {
  readonly turns: Turns;
  count: number;
}

export class FolderNames {
  readonly #cache = new ListingCache();
  /** By path: small when it was read last, and so read by all who want it. The oldest first. */
  readonly #small = new Set<string>();
  readonly #lines = new Map<string, Line>();

  /** As {@linkcode readNames}, of a folder that was located at the time `now`. */
  async read(source: ListingSource, now: number): Promise<readonly ListedName[] | FileFault> {
    const { directory } = source;
    const cached = this.#cache.get(directory);
    if (cached !== undefined) return cached;
    if (this.#small.has(directory.path)) return await this.#readNow(source, now);
    const names = await this.#inLine(
      directory.path,
      async () => this.#cache.get(directory) ?? await this.#readNow(source, now),
    );
    return names === "full" ? { fault: "busy" } : names;
  }

  async #readNow(source: ListingSource, now: number): Promise<readonly ListedName[] | FileFault> {
    const { directory } = source;
    const names = await readNames(source);
    if (isFault(names)) return names;
    this.#cache.set(directory, names, now);
    this.#small.delete(directory.path);
    if (names.length <= LISTING_PAGE_ENTRIES) this.#addSmall(directory.path);
    return names;
  }

  #addSmall(path: string): void {
    this.#small.add(path);
    if (this.#small.size <= MAX_SMALL_FOLDERS) return;
    const [oldest] = this.#small;
    if (oldest !== undefined) this.#small.delete(oldest);
  }

  async #inLine<T>(path: string, work: () => Promise<T>): Promise<T | "full"> {
    const turns = new Turns({ atOnce: 1, maxWaiting: MAX_WAITING_LISTINGS });
    const line = this.#lines.get(path) ?? { turns, count: 0 };
    line.count++;
    this.#lines.set(path, line);
    try {
      return await line.turns.run(work);
    } finally {
      if (--line.count === 0) this.#lines.delete(path);
    }
  }
}
