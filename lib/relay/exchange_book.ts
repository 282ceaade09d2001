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
  /** All that a visitor still waits for, or reads the answer of. */
  readonly #unfinished = new IdMap<{ exchange: Exchange; server: ServerEntry }>();
  /** In the order of their end, so that the oldest is forgotten first. */
  readonly #abandoned = new Set<string>();
  #onEmpty: (() => void)[] = [];

  /** Resolves once every exchange is over. */
  whenEmpty(): Promise<void> {
    if (this.#unfinished.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  /** `server` as it is now: its key of today answers, also when it gets another one later. */
  add(exchange: Exchange, { name, tripcode, displayName }: ServerEntry): void {
    const { id } = exchange.request;
    this.#unfinished.set(id, { exchange, server: { name, tripcode, displayName } });
    void exchange.delivery.then(() => {
      this.#unfinished.delete(id);
      if (this.#unfinished.size > 0) return;
      for (const resolve of this.#onEmpty) resolve();
      this.#onEmpty = [];
    });
  }

  /** The exchange is settled: its id answers nothing any more. */
  settle(exchange: Exchange): void {
    if (exchange.isAbandoned) this.#abandon(exchange.request.id);
  }

  find(id: string): Lookup {
    const entry = this.#unfinished.get(id);
    if (entry?.exchange.givenBy === "classic" && entry.exchange.isUnanswered) {
      return { kind: "open", ...entry };
    }
    return { kind: this.#abandoned.has(id) ? "abandoned" : "unknown" };
  }

  /** Ends every exchange that no server has taken yet, or all. */
  failAll(which: "waiting" | "all"): void {
    for (const { exchange } of this.#unfinished.values()) {
      if (which === "all" || !exchange.wasGiven) exchange.fail("relay_stopping");
    }
  }

  /** Ends every exchange of servers that are gone, also those that are being answered. */
  revoke(isAllowed: (server: ServerEntry) => boolean): void {
    for (const { exchange, server } of this.#unfinished.values()) {
      if (!isAllowed(server)) exchange.revoke();
    }
  }

  #abandon(id: string): void {
    this.#abandoned.add(id);
    if (this.#abandoned.size <= MAX_ABANDONED_IDS) return;
    const [oldest] = this.#abandoned;
    if (oldest !== undefined) this.#abandoned.delete(oldest);
  }
}
