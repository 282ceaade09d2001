/**
 * One visitor's request and its answer, as a state machine (docs/protocol.md, "Exchange"):
 *
 *     waiting ──give──> given ──begin──> begun
 *        └──────fail──────┴──────> failed
 *
 * It is given at most once, and it is settled exactly once: that is, begun or failed. It is over
 * when the visitor has its answer, or is gone. Deadlines live here, sockets do not.
 */

import { Readable } from "node:stream";
import type { Clock, Timer } from "../base/clock.ts";
import { ClosedError } from "../base/errors.ts";
import type { Delivery, HttpAnswer, HttpRequest, RawHeaders } from "../http/message.ts";
import type { PublicPlace } from "../http/prefix_rewrite.ts";
import { type Failure, failureAnswer } from "./failure.ts";

/** How a server is spoken to. */
export type Protocol = "classic" | "modern";

/** What a visitor wants of a server, in the terms of neither protocol. */
export interface ForwardedRequest {
  /** Names the exchange to the server. */
  readonly id: string;
  readonly method: string;
  /** Path and query that the server sees, as they were sent. */
  readonly path: string;
  /** With its "?"; "" where there is none. */
  readonly query: string;
  /** What the server gets: less the fields of one hop, and with the relay's own. */
  readonly headers: RawHeaders;
  /** The visitor's address. */
  readonly address: string;
  /** Whole, where it is small or there is none; else unread. */
  readonly body: Uint8Array | Readable;
  /** Bytes of a body that is unread; null where they are not known. */
  readonly bodyLength: number | null;
  readonly wantsUpgrade: boolean;
  /** Where visitors see the server's root. */
  readonly place: PublicPlace;
}

export interface ExchangeOptions {
  readonly request: ForwardedRequest;
  /** As it came in: who waits for the answer. */
  readonly visitor: Pick<HttpRequest, "finished" | "inform" | "trailers">;
  readonly clock: Clock;
  /** How long it may wait for a server to take it, in milliseconds. */
  readonly graceMs: number;
  /** How long a server may take to begin its answer, in milliseconds; 0 for ever. */
  readonly answerTimeoutMs: Readonly<Record<Protocol, number>>;
  /** Called once, when the exchange leaves the waiting or given state for good. */
  readonly onSettled: (exchange: Exchange) => void;
}

export class Exchange {
  readonly request: ForwardedRequest;
  readonly visitor: ExchangeOptions["visitor"];
  /** The visitor's answer: the server's, or that of a failure. Never rejects. */
  readonly answer: Promise<HttpAnswer>;
  readonly #options: ExchangeOptions;
  readonly #resolve: (answer: HttpAnswer) => void;
  #state: "waiting" | "given" | "begun" | "failed" = "waiting";
  #givenBy: Protocol | undefined;
  #onFailed: (() => void) | undefined;
  #deadline: Timer | undefined;
  /** What the answer that has begun is read from. */
  #source: HttpAnswer["body"] = null;

  constructor(options: ExchangeOptions) {
    this.request = options.request;
    this.visitor = options.visitor;
    this.#options = options;
    ({ promise: this.answer, resolve: this.#resolve } = Promise.withResolvers<HttpAnswer>());
  }

  /** No server can take it now: it waits for one, for a while. */
  wait(): void {
    this.#expire(this.#options.graceMs, "not_connected");
  }

  /** What becomes of the answer on the visitor's side. */
  get delivery(): Promise<Delivery> {
    return this.visitor.finished;
  }

  /** The protocol by which it was handed to a server, whatever has happened since. */
  get givenBy(): Protocol | undefined {
    return this.#givenBy;
  }

  /** True once it was handed to a server, whatever has happened since. */
  get wasGiven(): boolean {
    return this.#givenBy !== undefined;
  }

  /** True while a server is expected to answer. */
  get isUnanswered(): boolean {
    return this.#state === "given";
  }

  /** True if a server has it and may still answer, though nobody waits for that any more. */
  get isAbandoned(): boolean {
    return this.#state === "failed" && this.wasGiven;
  }

  /**
   * It is being written to a server's connection: from now on nobody else may have it. `onFailed`
   * is called if it fails without an answer.
   */
  give(protocol: Protocol, onFailed?: () => void): void {
    if (this.#state !== "waiting") throw new TypeError("Cannot give exchange: it is not waiting");
    this.#state = "given";
    this.#givenBy = protocol;
    this.#onFailed = onFailed;
    this.#clearDeadline();
    const timeoutMs = this.#options.answerTimeoutMs[protocol];
    if (timeoutMs > 0) this.#expire(timeoutMs, "answer_timeout");
  }

  /** The server's answer has begun; false if it comes too late. */
  begin(answer: HttpAnswer): boolean {
    if (this.#state !== "given") return false;
    this.#source = answer.body;
    this.#settle("begun", answer);
    return true;
  }

  /** Ends it with the relay's own answer; without effect once an answer has begun. */
  fail(failure: Failure): void {
    if (this.#state !== "waiting" && this.#state !== "given") return;
    this.#settle("failed", failureAnswer(failure));
    this.#onFailed?.();
  }

  /** The server is not allowed any more: what it has not sent by now does not get through. */
  revoke(): void {
    this.fail("server_lost");
    if (this.#source instanceof Readable) {
      this.#source.destroy(new ClosedError("The server is not allowed any more"));
    }
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
