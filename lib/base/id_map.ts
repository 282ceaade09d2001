/** Values by id, for what comes and goes all the time. */

/**
 * As a Map of strings, but for what a Map does to the collector: an old Map, each time its table is
 * full of holes, leaves that table in the old generation, and with it keeps what was in it alive
 * until the next full collection. With thousands of short lives a second, each collection of the
 * young ones then takes 20 ms in place of 0.1. Here the same places are used again and again.
 */
export class IdMap<V> {
  /** Capacities are powers of two, never more than half full. */
  #keys: (string | undefined)[] = new Array(MIN_CAPACITY).fill(undefined);
  #values: (V | undefined)[] = new Array(MIN_CAPACITY).fill(undefined);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: string): V | undefined {
    return this.#values[this.#find(id)];
  }

  has(id: string): boolean {
    return this.#keys[this.#find(id)] !== undefined;
  }

  set(id: string, value: V): void {
    let at = this.#find(id);
    if (this.#keys[at] === undefined) {
      if (2 * (this.#size + 1) > this.#keys.length) {
        this.#grow();
        at = this.#find(id);
      }
      this.#keys[at] = id;
      this.#size++;
    }
    this.#values[at] = value;
  }

  /** True if there was one. */
  delete(id: string): boolean {
    const mask = this.#keys.length - 1;
    let hole = this.#find(id);
    if (this.#keys[hole] === undefined) return false;
    this.#size--;
    // Those behind it that could stand in the hole move up, so that no search ends there too early.
    for (let at = (hole + 1) & mask;; at = (at + 1) & mask) {
      const key = this.#keys[at];
      if (key === undefined) break;
      const wanted = hashOf(key) & mask;
      if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
      this.#keys[hole] = key;
      this.#values[hole] = this.#values[at];
      hole = at;
    }
    this.#keys[hole] = undefined;
    this.#values[hole] = undefined;
    return true;
  }

  /** All values as they are now, in no order. */
  values(): V[] {
    const values: V[] = [];
    for (const [at, key] of this.#keys.entries()) {
      if (key !== undefined) values.push(this.#values[at] as V);
    }
    return values;
  }

  /** Where an id is, or would be put. */
  #find(id: string): number {
    const mask = this.#keys.length - 1;
    let at = hashOf(id) & mask;
    for (;;) {
      const key = this.#keys[at];
      if (key === undefined || key === id) return at;
      at = (at + 1) & mask;
    }
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Array(2 * keys.length).fill(undefined);
    this.#values = new Array(2 * keys.length).fill(undefined);
    for (const [from, key] of keys.entries()) {
      if (key === undefined) continue;
      const to = this.#find(key);
      this.#keys[to] = key;
      this.#values[to] = values[from];
    }
  }
}

const MIN_CAPACITY = 64;

/** FNV-1a, over text of one character per byte. */
function hashOf(id: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x01000193);
  // The low bits are those that are used.
  return hash ^ (hash >>> 16);
}
