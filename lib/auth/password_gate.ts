/**
 * Decides on names and passwords that come with every request: a right one is remembered for a
 * while, because checking takes a tenth of a second, and wrong ones are counted.
 */

import { createHmac, randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import {
  MAX_KNOWN_PASSWORDS,
  MAX_PASSWORD_CHECKS,
  MAX_PASSWORD_FAILURES,
  MAX_WAITING_PASSWORDS,
  PASSWORD_FAILURE_MS,
  PASSWORD_MEMORY_MS,
} from "../base/limits.ts";
import { Turns } from "../base/turns.ts";
import { FailureCounter } from "./failure_counter.ts";
import type { Users } from "./users.ts";

/** A name and a password, as somebody at an address gives them. */
export interface Login {
  readonly name: string;
  readonly password: string;
  readonly address: string;
}

export type Verdict =
  | { readonly kind: "right" | "wrong" | "busy" }
  /** Too many were wrong: none is checked for so long. */
  | { readonly kind: "blocked"; readonly waitMs: number };

export class PasswordGate {
  #users: Pick<Users, "check">;
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #failures: FailureCounter;
  readonly #turns = new Turns({
    atOnce: MAX_PASSWORD_CHECKS,
    maxWaiting: MAX_WAITING_PASSWORDS,
  });
  /** So that what is remembered is of no use outside of this process. */
  readonly #secret = randomBytes(32);
  /** Until when a login is right; the oldest first. */
  readonly #known = new Map<string, number>();

  constructor(users: Pick<Users, "check">, clock: Pick<Clock, "monotonic">) {
    this.#users = users;
    this.#clock = clock;
    this.#failures = new FailureCounter(clock, {
      max: MAX_PASSWORD_FAILURES,
      windowMs: PASSWORD_FAILURE_MS,
    });
  }

  /** Others from now on; what is known of the ones before is forgotten. */
  replaceUsers(users: Pick<Users, "check">): void {
    this.#users = users;
    this.#known.clear();
  }

  async check(login: Login): Promise<Verdict> {
    const mark = this.#markOf(login);
    if (this.#isKnown(mark)) return { kind: "right" };
    const verdict = await this.#turns.run(() => this.#checkInTurn(login, mark));
    return verdict === "full" ? { kind: "busy" } : verdict;
  }

  async #checkInTurn(login: Login, mark: string): Promise<Verdict> {
    // A browser sends several requests at once: the first one may have settled it.
    if (this.#isKnown(mark)) return { kind: "right" };
    const waitMs = this.#failures.waitOf(login.address);
    if (waitMs > 0) return { kind: "blocked", waitMs };
    const users = this.#users;
    if (!await users.check(login.name, login.password)) {
      this.#failures.add(login.address);
      return { kind: "wrong" };
    }
    // They may have been replaced meanwhile.
    if (users === this.#users) this.#remember(mark);
    return { kind: "right" };
  }

  #isKnown(mark: string): boolean {
    const until = this.#known.get(mark);
    return until !== undefined && this.#clock.monotonic() < until;
  }

  #remember(mark: string): void {
    this.#known.delete(mark);
    this.#known.set(mark, this.#clock.monotonic() + PASSWORD_MEMORY_MS);
    if (this.#known.size <= MAX_KNOWN_PASSWORDS) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }

  #markOf({ name, password }: Login): string {
    return createHmac("sha256", this.#secret).update(`${name}:${password}`).digest("base64");
  }
}
