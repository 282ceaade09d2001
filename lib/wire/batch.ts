/**
 * Gathers records, so that they travel together. Where there are few, each leaves at the end of the
 * turn's microtasks; where many come in one round of the event loop, all of the round leave at its
 * end, in one system call. Never by a timer, which would add a millisecond.
 */

import { clearImmediate, setImmediate } from "node:timers";
import { BATCH_FLUSH_BYTES } from "../base/limits.ts";

export class Batch {
  readonly #flush: (records: readonly Uint8Array[]) => void;
  /** Records, one after the other, perhaps in parts. */
  #records: Uint8Array[] = [];
  #length = 0;
  /** Records since the last round ended. */
  #count = 0;
  #isBusy = false;
  #isScheduled = false;
  #roundEnd: ReturnType<typeof setImmediate> | undefined;

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
    this.#count++;
    this.#roundEnd ??= setImmediate(() => this.#endRound());
    if (this.#length >= BATCH_FLUSH_BYTES) return this.flush();
    if (this.#isBusy || this.#isScheduled) return;
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

  /** Hands over what waits; nothing may be added any more. */
  close(): void {
    if (this.#roundEnd !== undefined) clearImmediate(this.#roundEnd);
    this.flush();
  }

  #endRound(): void {
    this.#roundEnd = undefined;
    // As this round, so most likely the next.
    this.#isBusy = this.#count > 1;
    this.#count = 0;
    this.flush();
  }
}
