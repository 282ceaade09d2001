/** Things in a row, for what comes and goes all the time. */

/**
 * As a Set that keeps order, but for what a Set does to the collector (see IdMap). What is taken out
 * is found by its link, which whoever put it in has.
 */
export class Chain<T> {
  #first: ChainLink<T> | undefined;
  #last: ChainLink<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** What has been in for longest; undefined where there is nothing. */
  get first(): ChainLink<T> | undefined {
    return this.#first;
  }

  /** Puts something at the end. */
  add(value: T): ChainLink<T> {
    const link: ChainLink<T> = { value, isIn: true, before: this.#last, behind: undefined };
    if (this.#last === undefined) this.#first = link;
    else this.#last.behind = link;
    this.#last = link;
    this.#size++;
    return link;
  }

  /** Takes a link of this chain out; harmless once it is out. */
  remove(link: ChainLink<T>): void {
    if (!link.isIn) return;
    const { before, behind } = link;
    if (before === undefined) this.#first = behind;
    else before.behind = behind;
    if (behind === undefined) this.#last = before;
    else behind.before = before;
    // A link that is old and out must keep nothing that is young.
    link.isIn = false;
    link.before = undefined;
    link.behind = undefined;
    this.#size--;
  }

  /** All that is in it now, in order, whatever is done to it later. */
  links(): ChainLink<T>[] {
    const links: ChainLink<T>[] = [];
    for (let link = this.#first; link !== undefined; link = link.behind) links.push(link);
    return links;
  }

  clear(): void {
    while (this.#first !== undefined) this.remove(this.#first);
  }
}

/** A place in a chain, for the chain alone to change. */
export interface ChainLink<T> {
  readonly value: T;
  isIn: boolean;
  before: ChainLink<T> | undefined;
  behind: ChainLink<T> | undefined;
}
