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
  take({ signal }: HttpRequest, index: number): Promise<HttpAnswer | undefined> {
    this.#waiting.abort();
    const { signal: replaced } = this.#waiting = new AbortController();
    // One after the other, from the look at the number to the change of it.
    const turn = this.#turn.then(() => this.#take(index, { signal, replaced }));
    this.#turn = turn;
    return turn;
  }

  async #take(
    index: number,
    { signal, replaced }: { readonly signal: AbortSignal; readonly replaced: AbortSignal },
  ): Promise<HttpAnswer | undefined> {
    if (index === this.#next - 1 && this.#last !== undefined) return toAnswer(this.#last);
    if (index !== this.#next) return undefined;
    try {
      const segment = await this.#cutter.next(
        SEGMENT_HOLD_MS,
        AbortSignal.any([replaced, signal]),
      );
      if (segment.kind !== "bytes") return NOTHING_YET;
      this.#last = segment.bytes;
      this.#next++;
      return toAnswer(segment.bytes);
    } catch {
      // The visitor broke off, or somebody else asks for it now.
      return replaced.aborted ? NOTHING_YET : textAnswer(410, "The body broke off");
    }
  }
}

function toAnswer(bytes: Uint8Array): HttpAnswer {
  return { status: 200, headers: STREAM_HEADERS, body: bytes };
}
