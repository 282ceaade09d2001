/** An answer stream that comes in numbered segments (docs/protocol.md, "Paths"). */

import { type Clock, pause } from "../base/clock.ts";
import { ProtocolError } from "../base/errors.ts";
import { SEGMENT_BYTES, SEGMENT_HOLD_MS } from "../base/limits.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { readAtMost } from "../http/read_at_most.ts";
import { textAnswer } from "../http/text_answer.ts";
import type { StreamDecoder } from "../wire/stream_decoder.ts";
import type { Exchange } from "./exchange.ts";
import { NOTHING_YET, toReply } from "./stream_answer.ts";

export interface AnswerSegmentsOptions {
  readonly clock: Clock;
  /** Opens the stream; calls back when more of it is wanted, or nobody reads it any more. */
  readonly open: (onWanted: () => void) => StreamDecoder;
  readonly exchange: Exchange;
  readonly onViolation: (reason: string) => void;
}

export class AnswerSegments {
  readonly #options: AnswerSegmentsOptions;
  readonly #decoder: StreamDecoder;
  #next = 0;
  #onWanted = (): void => {};

  constructor(options: AnswerSegmentsOptions) {
    this.#options = options;
    this.#decoder = options.open(() => this.#onWanted());
  }

  /** Takes a segment; resolves when more is welcome, or after a while. */
  async take(request: HttpRequest, index: number): Promise<HttpAnswer> {
    const bytes = await readAtMost(request.body, SEGMENT_BYTES);
    if (bytes === "too_long") return this.#violate(400, `A segment is over ${SEGMENT_BYTES} bytes`);
    if (index === this.#next) {
      this.#next++;
      try {
        this.#decoder.push(bytes);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        return this.#violate(400, error.message);
      }
      // The last one once more: its first answer may have been lost.
    } else if (index !== this.#next - 1) return this.#violate(409, "A segment is out of step");
    return await this.#reply(request.signal);
  }

  async #reply(signal: AbortSignal): Promise<HttpAnswer> {
    const { exchange, clock } = this.#options;
    const isOver = this.#decoder.isOver || this.#decoder.body.destroyed;
    if (!isOver && !this.#decoder.isFull) return NOTHING_YET;
    const given = new AbortController();
    const giveUp = (): void => given.abort();
    signal.addEventListener("abort", giveUp);
    // When all has come, only its end on the visitor's side is waited for.
    this.#onWanted = isOver ? () => {} : giveUp;
    const late = pause(clock, SEGMENT_HOLD_MS, given.signal);
    const delivery = await Promise.race([exchange.delivery, late]);
    signal.removeEventListener("abort", giveUp);
    giveUp();
    if (delivery !== undefined) return toReply(exchange, delivery);
    return !this.#decoder.isOver && !this.#decoder.isFull
      ? NOTHING_YET
      : textAnswer(202, "The visitor is slow");
  }

  #violate(status: number, reason: string): HttpAnswer {
    this.#options.onViolation(reason);
    return textAnswer(status, reason);
  }
}
