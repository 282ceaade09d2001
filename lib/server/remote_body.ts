/** The body of a visitor's request, fetched from the relay once somebody reads it. */

import { type Clock, pause } from "../base/clock.ts";
import { toRetryDelay } from "../base/backoff.ts";
import { ClosedError } from "../base/errors.ts";
import {
  CHANNEL_SILENCE_MS,
  QUICK_ANSWER_MS,
  SEGMENT_BYTES,
  SEGMENT_HOLD_MS,
} from "../base/limits.ts";
import { API_KEY_HEADER } from "../wire/classic.ts";
import { feed, type StreamBody, StreamDecoder } from "../wire/stream_decoder.ts";
import type { Path } from "./path.ts";
import type { RelayClient } from "./relay_client.ts";
import { UnreachableError } from "../client/unreachable_error.ts";
import { toModernUrl } from "./relay_url.ts";

export interface RemoteBodyOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly session: string;
  /** The exchange's id. */
  readonly id: string;
  readonly client: Pick<RelayClient, "request" | "open">;
  readonly path: Path;
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** A body that asks for its bytes when they are wanted; destroying it ends the asking. */
export function openRemoteBody(options: RemoteBodyOptions): StreamBody {
  const over = new AbortController();
  const signal = AbortSignal.any([options.signal, over.signal]);
  let isStarted = false;
  let resume = (): void => {};
  const decoder = new StreamDecoder({
    onWanted: () => {
      if (isStarted) return resume();
      isStarted = true;
      void options.path.kind.then(({ down }) =>
        down === "streams"
          ? fetchWhole(decoder, { ...options, signal, onResume: (wake) => resume = wake })
          : fetchSegments(decoder, { ...options, signal, onResume: (wake) => resume = wake })
      ).catch(() => decoder.breakOff());
    },
    onClosed: () => over.abort(new ClosedError("Nobody reads the body")),
    ownsChunks: true,
  });
  signal.addEventListener("abort", () => decoder.body.destroy(), { once: true });
  return decoder.body;
}

interface FetchOptions extends RemoteBodyOptions {
  /** Sets what is called when the body wants more. */
  readonly onResume: (wake: () => void) => void;
}

async function fetchWhole(decoder: StreamDecoder, options: FetchOptions): Promise<void> {
  const { client, baseUrl, session, id, apiKey, signal, onResume } = options;
  const url = toModernUrl(baseUrl, "body", session, id);
  const opened = await client.open({
    url,
    headers: ["Host", url.host, API_KEY_HEADER, apiKey],
    signal,
    // A visitor may take its time; the channel says if it leaves.
    answerTimeoutMs: 0,
  });
  if (opened.status !== 200) {
    opened.body.destroy();
    throw new ClosedError(`The body is not to be had: the answer is ${opened.status}`);
  }
  onResume(() => opened.body.resume());
  feed(decoder, opened.body, () => {});
}

/** One segment after the other, while the body wants more. */
async function fetchSegments(decoder: StreamDecoder, options: FetchOptions): Promise<void> {
  const { clock, signal, onResume } = options;
  let wake = (): void => {};
  onResume(() => wake());
  for (let index = 0; !decoder.isOver && !signal.aborted;) {
    if (decoder.isFull) {
      await new Promise<void>((resolve) => {
        wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      });
      continue;
    }
    const askedAt = clock.monotonic();
    const bytes = await fetchSegment(index, options);
    if (bytes !== undefined) {
      index++;
      decoder.push(bytes);
    } else if (clock.monotonic() - askedAt < QUICK_ANSWER_MS) {
      // A relay holds these for a while; what does not must not make a tight loop.
      await pause(clock, toRetryDelay(0, 1), signal);
    }
  }
}

/** A segment, or undefined where there is none yet; again while the request comes to nothing. */
async function fetchSegment(
  index: number,
  { client, baseUrl, session, id, apiKey, signal, clock }: FetchOptions,
): Promise<Uint8Array | undefined> {
  const url = toModernUrl(baseUrl, "body", session, id, index);
  const since = clock.monotonic();
  for (;;) {
    const isLate = clock.monotonic() - since >= CHANNEL_SILENCE_MS;
    try {
      const { status, body } = await client.request({
        method: "GET",
        url,
        headers: ["Host", url.host, API_KEY_HEADER, apiKey],
        body: null,
        bodyLength: null,
        signal,
        answerTimeoutMs: SEGMENT_HOLD_MS + CHANNEL_SILENCE_MS,
        maxAnswerBytes: SEGMENT_BYTES,
      });
      if (status === 200) return body;
      if (status === 204) return undefined;
      if (isLate || ![502, 503, 504].includes(status)) {
        throw new ClosedError(`The body is not to be had: the answer is ${status}`);
      }
    } catch (error) {
      if (isLate || signal.aborted || !(error instanceof UnreachableError)) throw error;
    }
    await pause(clock, toRetryDelay(0, 1), signal);
  }
}
