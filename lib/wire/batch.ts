/**
 * Gathers records that are sent in one turn, so that they travel together: at the end of the turn's
 * microtasks, or as soon as there are many bytes of them. Never by a timer, which would add a
 * millisecond, nor at the end of the event loop's round, where each end waits for all of the other.
 */

import { BATCH_FLUSH_BYTES } from "../base/limits.ts";

export class Batch {
  readonly #flush: (records: readonly Uint8Array[]) => void;
  /** Records, one after the other, perhaps in parts. */
  #records: Uint8Array[] = [];
  #length = 0;
  #isScheduled = false;

  /** `flush` is called with one or more records. */
  constructor(flush: (records: readonly Uint8Array[]) => void) {
    this.#flush = flush;
  }

  /** Bytes that wait. */
  get byteLength(): number {
    return this.#length;
  }

  /** `rest`: the end of the record, where that stands elsewhere. */
  add(record: Uint8Array, rest?: Uint8Array): void {
    this.#records.push(record);
    this.#length += record.length;
    if (rest !== undefined) {
      this.#records.push(rest);
      this.#length += rest.length;
    }
    if (this.#length >= BATCH_FLUSH_BYTES) return this.flush();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }

  /** Hands over what waits, if anything does. */
  flush(): void {
    if (this.#records.length === 0) return;
    const records = this.#records;
    this.#records = [];
    this.#length = 0;
    this.#flush(records);
  }
}
