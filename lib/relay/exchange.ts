/**
 * One visitor's request and its answer, as a state machine (docs/protocol.md, "Exchange"):
 *
 *     waiting ──give──> given ──begin──> begun
 *        └──────fail──────┴──────> failed
 *
 * It is given at most once, and it ends exactly once. Deadlines live here, sockets do not.
 */

import type { Clock, Timer } from "../base/clock.ts";
import type { Delivery, HttpAnswer } from "../http/message.ts";
import type { ClassicRequest } from "../wire/http_serde.ts";
import { type Failure, failureAnswer } from "./failure.ts";

export interface ExchangeOptions {
  readonly request: ClassicRequest;
  /** What becomes of the answer on the visitor's side. */
  readonly delivery: Promise<Delivery>;
  readonly clock: Clock;
  /** How long it may wait for a server to take it, in milliseconds. */
  readonly graceMs: number;
  /** How long a server may take to begin its answer, in milliseconds; 0 for ever. */
  readonly answerTimeoutMs: number;
  /** Called once, when the exchange leaves the waiting or given state for good. */
  readonly onSettled: (exchange: Exchange) => void;
}

export class Exchange {
  readonly request: ClassicRequest;
  readonly delivery: Promise<Delivery>;
  /** The visitor's answer: the server's, or that of a failure. Never rejects. */
  readonly answer: Promise<HttpAnswer>;
  readonly #options: ExchangeOptions;
  readonly #resolve: (answer: HttpAnswer) => void;
  #state: "waiting" | "given" | "begun" | "failed" = "waiting";
  #wasGiven = false;
  #deadline: Timer | undefined;

  constructor(options: ExchangeOptions) {
    this.request = options.request;
    this.delivery = options.delivery;
    this.#options = options;
    ({ promise: this.answer, resolve: this.#resolve } = Promise.withResolvers<HttpAnswer>());
    this.#expire(options.graceMs, "not_connected");
  }

  /** True once it was handed to a server, whatever has happened since. */
  get wasGiven(): boolean {
    return this.#wasGiven;
  }

  /** True if a server has it and may still answer, though nobody waits for that any more. */
  get isAbandoned(): boolean {
    return this.#state === "failed" && this.#wasGiven;
  }

  /** It is being written to a server's connection: from now on nobody else may have it. */
  give(): void {
    if (this.#state !== "waiting") throw new TypeError("Cannot give exchange: it is not waiting");
    this.#state = "given";
    this.#wasGiven = true;
    this.#clearDeadline();
    if (this.#options.answerTimeoutMs > 0) {
      this.#expire(this.#options.answerTimeoutMs, "answer_timeout");
    }
  }

  /** The server's answer has begun; false if it comes too late. */
  begin(answer: HttpAnswer): boolean {
    if (this.#state !== "given") return false;
    this.#settle("begun", answer);
    return true;
  }

  /** Ends it with the relay's own answer; without effect once an answer has begun. */
  fail(failure: Failure): void {
    if (this.#state !== "waiting" && this.#state !== "given") return;
    this.#settle("failed", failureAnswer(failure));
  }

  #settle(state: "begun" | "failed", answer: HttpAnswer): void {
    this.#state = state;
    this.#clearDeadline();
    this.#resolve(answer);
    this.#options.onSettled(this);
  }

  #expire(ms: number, failure: Failure): void {
    this.#deadline = this.#options.clock.after(ms, () => this.fail(failure));
  }

  #clearDeadline(): void {
    if (this.#deadline !== undefined) this.#options.clock.clear(this.#deadline);
    this.#deadline = undefined;
  }
}
