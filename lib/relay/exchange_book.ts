/** Exchanges by the id under which a classic answer will come, and all that are not over. */

import { IdMap } from "../base/id_map.ts";
import { MAX_ABANDONED_IDS } from "../base/limits.ts";
import type { Exchange } from "./exchange.ts";
import type { ServerEntry } from "./registry.ts";

/** What an id of an answer means. */
export type Lookup =
  | { readonly kind: "open"; readonly exchange: Exchange; readonly server: ServerEntry }
  /** Its visitor left, or was told of a failure, while the server was at work. */
  | { readonly kind: "abandoned" }
  /** Never given out, or answered already. */
  | { readonly kind: "unknown" };

export class ExchangeBook {
  readonly #open = new IdMap<{ exchange: Exchange; server: ServerEntry }>();
  /** How many a visitor still waits for, or reads the answer of. */
  #unfinished = 0;
  /** In the order of their end, so that the oldest is forgotten first. */
  readonly #abandoned = new Set<string>();
  #onEmpty: (() => void)[] = [];

  /** Resolves once every exchange is over. */
  whenEmpty(): Promise<void> {
    if (this.#unfinished === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /** `server` as it is now: its key of today answers, whatever a later configuration says. */
  add(exchange: Exchange, { name, tripcode, displayName }: ServerEntry): void {
    this.#open.set(exchange.request.id, { exchange, server: { name, tripcode, displayName } });
    this.#unfinished++;
    void exchange.delivery.then(() => {
      if (--this.#unfinished > 0) return;
      for (const resolve of this.#onEmpty) resolve();
      this.#onEmpty = [];
    });
  }

  /** The exchange is settled: its id answers nothing any more. */
  settle(exchange: Exchange): void {
    const { id } = exchange.request;
    this.#open.delete(id);
    if (exchange.isAbandoned) this.#abandon(id);
  }

  find(id: string): Lookup {
    const entry = this.#open.get(id);
    if (entry?.exchange.givenBy === "classic") return { kind: "open", ...entry };
    return { kind: this.#abandoned.has(id) ? "abandoned" : "unknown" };
  }

  /** Ends every exchange that no server has taken yet, or all. */
  failAll(which: "waiting" | "all"): void {
    for (const { exchange } of this.#open.values()) {
      if (which === "all" || !exchange.wasGiven) exchange.fail("relay_stopping");
    }
  }

  #abandon(id: string): void {
    this.#abandoned.add(id);
    if (this.#abandoned.size <= MAX_ABANDONED_IDS) return;
    const [oldest] = this.#abandoned;
    if (oldest !== undefined) this.#abandoned.delete(oldest);
  }
}
