/** Values that were made from files or folders, kept for as long as these stay as they were. */

import { SETTLED_AGE_MS } from "../base/limits.ts";
import type { Located } from "./confinement.ts";
import { type FileStat, isSameState } from "./file_system.ts";

export interface StateCacheOptions<T> {
  /** Most that is kept, all values together, in the unit of `weigh`. */
  readonly capacity: number;
  readonly weigh: (value: T) => number;
}

interface Kept<T> {
  readonly stat: FileStat;
  readonly value: T;
  readonly weight: number;
}

export class StateCache<T> {
  readonly #options: StateCacheOptions<T>;
  // In the order of last use.
  readonly #kept = new Map<string, Kept<T>>();
  #weight = 0;

  constructor(options: StateCacheOptions<T>) {
    this.#options = options;
  }

  /** The value, where the file is still in the state in which the value was made. */
  get({ path, stat }: Located): T | undefined {
    const kept = this.#kept.get(path);
    if (kept === undefined) return undefined;
    this.#drop(path, kept);
    if (!isSameState(kept.stat, stat)) return undefined;
    this.#add(path, kept);
    return kept.value;
  }

  /**
   * Keeps a value that was made after the time `now`, from a file that was located before; not one
   * of a file that may yet change without looking different.
   */
  set({ path, stat }: Located, value: T, now: number): void {
    const old = this.#kept.get(path);
    if (old !== undefined) this.#drop(path, old);
    const weight = this.#options.weigh(value);
    if (weight > this.#options.capacity || !isSettled(stat, now)) return;
    this.#add(path, { stat, value, weight });
    for (const [oldest, kept] of this.#kept) {
      if (this.#weight <= this.#options.capacity) break;
      this.#drop(oldest, kept);
    }
  }

  #add(path: string, kept: Kept<T>): void {
    this.#kept.set(path, kept);
    this.#weight += kept.weight;
  }

  #drop(path: string, kept: Kept<T>): void {
    this.#kept.delete(path);
    this.#weight -= kept.weight;
  }
}

/**
 * Whether a further change after the time `now` will show in the file's dates, which are as coarse
 * as a second. The date of the last change of any kind tells best: nobody can set it.
 */
export function isSettled({ ctime, mtime }: FileStat, now: number): boolean {
  const changed = ctime ?? (isMeaningful(mtime) ? mtime : null);
  return changed !== null && now - changed >= SETTLED_AGE_MS;
}

/** Reproducible builds date all files at second 0 or 1, which tells nothing of their content. */
export function isMeaningful(mtime: number | null): mtime is number {
  return mtime !== null && mtime >= 2000;
}
