/** The names in folders, read so that a big one is never in memory many times over. */

import { LISTING_PAGE_ENTRIES, MAX_KNOWN_FOLDERS, MAX_WAITING_LISTINGS } from "../base/limits.ts";
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
  /** By path: what was found when it was read last. The oldest first. */
  readonly #sizes = new Map<string, "small" | "big">();
  readonly #lines = new Map<string, Line>();

  /** As {@linkcode readNames}, of a folder that was located at the time `now`. */
  async read(source: ListingSource, now: number): Promise<readonly ListedName[] | FileFault> {
    const { directory } = source;
    const cached = this.#cache.get(directory);
    if (cached !== undefined) return cached;
    if (this.#isSmall(directory.path)) return await this.#readNow(source, now);
    const names = await this.#inLine(
      directory.path,
      async () =>
        // Found to be small meanwhile, it is read by all who wait.
        this.#isSmall(directory.path)
          ? undefined
          : this.#cache.get(directory) ?? await this.#readNow(source, now),
    );
    if (names === "full") return { fault: "busy" };
    return names ?? await this.#readNow(source, now);
  }

  #isSmall(path: string): boolean {
    return this.#sizes.get(path) === "small";
  }

  async #readNow(source: ListingSource, now: number): Promise<readonly ListedName[] | FileFault> {
    const { directory } = source;
    const names = await readNames(source);
    if (isFault(names)) return names;
    this.#cache.set(directory, names, now);
    this.#note(directory.path, names.length <= LISTING_PAGE_ENTRIES ? "small" : "big");
    return names;
  }

  #note(path: string, size: "small" | "big"): void {
    this.#sizes.delete(path);
    this.#sizes.set(path, size);
    if (this.#sizes.size <= MAX_KNOWN_FOLDERS) return;
    const [oldest] = this.#sizes.keys();
    if (oldest !== undefined) this.#sizes.delete(oldest);
  }

  /** Too many are refused only where the folder is known to be big: most are not. */
  async #inLine<T>(path: string, work: () => Promise<T>): Promise<T | "full"> {
    const turns = new Turns({ atOnce: 1, maxWaiting: Infinity });
    const line = this.#lines.get(path) ?? { turns, count: 0 };
    if (line.count > MAX_WAITING_LISTINGS && this.#sizes.get(path) === "big") return "full";
    line.count++;
    this.#lines.set(path, line);
    try {
      return await line.turns.run(work);
    } finally {
      if (--line.count === 0) this.#lines.delete(path);
    }
  }
}
