/** Files of up to SMALL_BODY_BYTES, read whole at once and kept for the next who asks. */

import { SMALL_BODY_BYTES, SMALL_FILE_CACHE_BYTES } from "../base/limits.ts";
import type { ChangedFault, Confinement, Located } from "./confinement.ts";
import { readSmall } from "./file_body.ts";
import { type FileFault, type FileStat, isFault } from "./file_system.ts";
import { StateCache } from "./state_cache.ts";

/** What a file costs in the cache beside its bytes: an empty one is not free either. */
const ENTRY_BYTES = 512;

export class SmallFiles {
  readonly #confinement: Confinement;
  readonly #kept = new StateCache<Uint8Array>({
    capacity: SMALL_FILE_CACHE_BYTES,
    weigh: (bytes) => bytes.length + ENTRY_BYTES,
  });

  constructor(confinement: Confinement) {
    this.#confinement = confinement;
  }

  /** The bytes of a file that was located before the time `now`. They are shared: read only. */
  read(located: Located, now: number): Uint8Array | FileFault | ChangedFault {
    const kept = this.#kept.get(located);
    if (kept !== undefined) return kept;
    const file = this.#confinement.open(located);
    if (isFault(file)) return file;
    try {
      const bytes = readSmall(file, { offset: 0, length: located.stat.size });
      if (bytes === undefined) return { fault: "changed" };
      this.#kept.set(located, bytes, now);
      return bytes;
    } finally {
      file.close();
    }
  }
}

export function isSmall({ size }: FileStat): boolean {
  return size <= SMALL_BODY_BYTES;
}
