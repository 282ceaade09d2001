/** Sends an answer stream to the relay (docs/protocol.md, "Streams", "Paths"). */

import { Buffer } from "node:buffer";
import { type Clock, pause } from "../base/clock.ts";
import { toRetryDelay } from "../base/backoff.ts";
import {
  CHANNEL_SILENCE_MS,
  MAX_RESPONSE_REPLY_BYTES,
  QUICK_ANSWER_MS,
  RESPONSE_TIMEOUT_MS,
  SEGMENT_HOLD_MS,
  STREAM_IDLE_MS,
} from "../base/limits.ts";
import { headerValue } from "../http/headers.ts";
import { API_KEY_HEADER } from "../wire/classic.ts";
import type { RecordStream } from "../wire/record_stream.ts";
import { SegmentCutter } from "../wire/segment_cutter.ts";
import type { RelayClient } from "./relay_client.ts";
import type { RelayAnswer } from "./relay_request.ts";
import { UnreachableError } from "../client/unreachable_error.ts";
import { toModernUrl } from "./relay_url.ts";

export interface AnswerUploadOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly session: string;
  /** The exchange's id. */
  readonly id: string;
  readonly client: Pick<RelayClient, "request">;
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** What became of an answer. */
export type UploadOutcome =
  | { readonly kind: "delivered" | "cut" }
  /** `isByProxy`: it was not the relay that said so. */
  | { readonly kind: "refused"; readonly reason: string; readonly isByProxy: boolean };

export class AnswerUpload {
  readonly #options: AnswerUploadOptions;

  constructor(options: AnswerUploadOptions) {
    this.#options = options;
  }

  /** In one request. Takes the stream over. @throws {UnreachableError} */
  async whole(stream: RecordStream | Uint8Array): Promise<UploadOutcome> {
    const answer = await this.#post(toModernUrl(...this.#names()), {
      body: stream,
      bodyLength: stream.byteLength,
      answerTimeoutMs: RESPONSE_TIMEOUT_MS,
    });
    return toOutcome(answer);
  }

  /**
   * In numbered requests of bounded size, one at a time. Takes the stream over.
   *
   * @throws {UnreachableError} where one of them comes to nothing again and again.
   */
  async segments(stream: RecordStream): Promise<UploadOutcome> {
    const { clock, signal } = this.#options;
    const cutter = new SegmentCutter(stream, clock);
    try {
      let isWelcome = true;
      for (let index = 0;; index++) {
        // An empty segment asks whether more is welcome, or what became of the answer.
        const segment = isWelcome ? await cutter.next(STREAM_IDLE_MS, signal) : NOTHING;
        const bytes = segment.kind === "bytes" ? segment.bytes : new Uint8Array();
        const askedAt = clock.monotonic();
        const answer = await this.#segment(index, bytes);
        if (answer.status !== 204 && answer.status !== 202) return toOutcome(answer);
        isWelcome = answer.status === 204;
        // A relay holds these for a while; what does not must not make a tight loop.
        const isQuick = clock.monotonic() - askedAt < QUICK_ANSWER_MS;
        if (isQuick && (!isWelcome || segment.kind === "end")) {
          await pause(clock, toRetryDelay(0, 1), signal);
        }
      }
    } finally {
      cutter.destroy();
    }
  }

  /** One segment, again while it comes to nothing: the relay knows by the number if it has had it. */
  async #segment(index: number, bytes: Uint8Array): Promise<RelayAnswer> {
    const { clock, signal } = this.#options;
    const since = clock.monotonic();
    for (;;) {
      const isLate = clock.monotonic() - since >= CHANNEL_SILENCE_MS;
      try {
        const answer = await this.#post(toModernUrl(...this.#names(), index), {
          body: bytes,
          bodyLength: null,
          answerTimeoutMs: SEGMENT_HOLD_MS + CHANNEL_SILENCE_MS,
        });
        if (isLate || ![502, 503, 504].includes(answer.status)) return answer;
      } catch (error) {
        if (isLate || signal.aborted || !(error instanceof UnreachableError)) throw error;
      }
      await pause(clock, toRetryDelay(0, 1), signal);
    }
  }

  #names(): [string, string, string, string] {
    const { baseUrl, session, id } = this.#options;
    return [baseUrl, "answer", session, id];
  }

  #post(
    url: URL,
    request: {
      readonly body: RecordStream | Uint8Array;
      readonly bodyLength: number | null;
      readonly answerTimeoutMs: number;
    },
  ): Promise<RelayAnswer> {
    const { client, apiKey, signal } = this.#options;
    return client.request({
      method: "POST",
      url,
      headers: ["Host", url.host, API_KEY_HEADER, apiKey],
      signal,
      maxAnswerBytes: MAX_RESPONSE_REPLY_BYTES,
      ...request,
    });
  }
}

const NOTHING = { kind: "nothing" } as const;

function toOutcome({ status, headers, body }: RelayAnswer): UploadOutcome {
  if (status === 200) return { kind: "delivered" };
  if (status === 410) return { kind: "cut" };
  const isText = headerValue(headers, "content-type")?.startsWith("text/plain") === true;
  const text = isText ? Buffer.from(body).toString("latin1").trim() : "";
  // What the relay itself says of a stream.
  const isByProxy = status !== 400 && status !== 409;
  return { kind: "refused", reason: text === "" ? `the answer is ${status}` : text, isByProxy };
}
