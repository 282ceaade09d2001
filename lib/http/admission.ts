/** How many connections one address has, so that nobody takes them all. */

import { IdMap } from "../base/id_map.ts";
import { toNetwork } from "../base/network.ts";

export interface AdmissionOptions {
  /** Most connections of one address, or one /64 of IPv6. */
  readonly max: number;
  /** True for addresses that are not counted: many come through them. */
  readonly isExempt: (address: string) => boolean;
}

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #counts = new IdMap<number>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** What ends the connection's being counted; undefined where there is no room for it. */
  admit(address: string): (() => void) | undefined {
    if (this.#options.isExempt(address)) return () => {};
    const network = toNetwork(address);
    const count = this.#counts.get(network) ?? 0;
    if (count >= this.#options.max) return undefined;
    this.#counts.set(network, count + 1);
    return () => this.#release(network);
  }

  #release(network: string): void {
    const count = this.#counts.get(network) ?? 0;
    if (count > 1) this.#counts.set(network, count - 1);
    else this.#counts.delete(network);
  }
}
