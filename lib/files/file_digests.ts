/** Digests of whole files, remembered for as long as the files stay as they were. */

import { createHash } from "node:crypto";
import {
  FILE_PIECE_BYTES,
  MAX_DIGESTS_AT_ONCE,
  MAX_KEPT_DIGESTS,
  MAX_WAITING_DIGESTS,
} from "../base/limits.ts";
import { Turns } from "../base/turns.ts";
import { DIGEST_ALGORITHMS, type DigestAlgorithm } from "../http/digest_fields.ts";
import type { ChangedFault, Confinement, Located } from "./confinement.ts";
import { type FileFault, isFault, isSameState } from "./file_system.ts";
import { StateCache } from "./state_cache.ts";

const HASH_NAMES = { "sha-256": "sha256", "sha-512": "sha512" } as const;

export interface DigestOptions {
  readonly algorithm: DigestAlgorithm;
  /** Milliseconds since 1970, after the file was located. */
  readonly now: number;
  /** Ends the work: nobody waits for it any more. */
  readonly signal: AbortSignal | undefined;
}

export class FileDigests {
  readonly #confinement: Confinement;
  readonly #turns = new Turns({ atOnce: MAX_DIGESTS_AT_ONCE, maxWaiting: MAX_WAITING_DIGESTS });
  readonly #kept = new Map(
    DIGEST_ALGORITHMS.map((algorithm) => [
      algorithm,
      new StateCache<Uint8Array>({ capacity: MAX_KEPT_DIGESTS, weigh: () => 1 }),
    ]),
  );

  constructor(confinement: Confinement) {
    this.#confinement = confinement;
  }

  /**
   * The digest of a file that was located. Reads all of it, a few files at a time, unless it is
   * known. `busy` also where too many wait, and after an abort.
   */
  async get(
    located: Located,
    options: DigestOptions,
  ): Promise<Uint8Array | FileFault | ChangedFault> {
    const kept = this.#kept.get(options.algorithm);
    const known = kept?.get(located);
    if (known !== undefined) return known;
    const digest = await this.#turns.run(async () => {
      // Someone else may have waited for the same.
      const knownNow = kept?.get(located);
      if (knownNow !== undefined) return knownNow;
      const read = await this.#read(located, options);
      if (!isFault(read)) kept?.set(located, read, options.now);
      return read;
    });
    return digest === "full" ? { fault: "busy" } : digest;
  }

  async #read(
    located: Located,
    { algorithm, signal }: DigestOptions,
  ): Promise<Uint8Array | FileFault | ChangedFault> {
    const file = this.#confinement.open(located);
    if (isFault(file)) return file;
    try {
      const hash = createHash(HASH_NAMES[algorithm]);
      const buffer = new Uint8Array(FILE_PIECE_BYTES);
      // No further than its size: one that is written to all the time might never end.
      for (let at = 0; at < located.stat.size;) {
        if (signal?.aborted === true) return { fault: "busy" };
        const count = await file.read(buffer);
        if (count === 0) return { fault: "changed" };
        hash.update(buffer.subarray(0, count));
        at += count;
      }
      return isSameState(file.stat(), located.stat) ? hash.digest() : { fault: "changed" };
    } finally {
      file.close();
    }
  }
}

/** The digest of bytes at hand. */
export function digestBytes(bytes: Uint8Array, algorithm: DigestAlgorithm): Uint8Array {
  return createHash(HASH_NAMES[algorithm]).update(bytes).digest();
}
