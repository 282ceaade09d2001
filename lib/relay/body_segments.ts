/** A request's body that goes out in numbered segments (docs/protocol.md, "Paths"). */

import type { Clock } from "../base/clock.ts";
import { SEGMENT_HOLD_MS } from "../base/limits.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";
import type { RecordStream } from "../wire/record_stream.ts";
import { SegmentCutter } from "../wire/segment_cutter.ts";
import { NOTHING_YET, STREAM_HEADERS } from "./stream_answer.ts";

export class BodySegments {
  readonly #cutter: SegmentCutter;
  /** The segment that was sent last: its answer may have been lost. */
  #last: Uint8Array | undefined;
  #next = 0;
  /** Ends the wait of the request before: only the latest is still read by anybody. */
  #waiting = new AbortController();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(stream: RecordStream, clock: Clock) {
    this.#cutter = new SegmentCutter(stream, clock);
  }

  /** The segment of this number; undefined where it is out of step. */
  async take({ signal }: HttpRequest, index: number): Promise<HttpAnswer | undefined> {
    this.#waiting.abort();
    const waiting = new AbortController();
    this.#waiting = waiting;
    await this.#turn;
    if (index === this.#next - 1 && this.#last !== undefined) return toAnswer(this.#last);
    if (index !== this.#next) return undefined;
    const turn = this.#cutter.next(SEGMENT_HOLD_MS, AbortSignal.any([waiting.signal, signal]));
    this.#turn = turn.catch(() => {});
    try {
      const segment = await turn;
      if (segment.kind !== "bytes") return NOTHING_YET;
      this.#last = segment.bytes;
      this.#next++;
      return toAnswer(segment.bytes);
    } catch {
      // The visitor broke off, or somebody else asks for it now.
      return waiting.signal.aborted ? NOTHING_YET : textAnswer(410, "The body broke off");
    }
  }
}

function toAnswer(bytes: Uint8Array): HttpAnswer {
  return { status: 200, headers: STREAM_HEADERS, body: bytes };
}
