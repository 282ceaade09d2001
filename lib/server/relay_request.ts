/** One request to a relay, and its answer. */

import type { Readable } from "node:stream";
import type { Clock, Timer } from "../base/clock.ts";
import { LimitError } from "../base/errors.ts";
import { BODY_SILENCE_MS } from "../base/limits.ts";
import type { AnswerBody } from "../client/answer_body.ts";
import type { ClientAnswer, ClientExchange, ClientRequest } from "../client/client_exchange.ts";
import type { ConnectionPool } from "../client/connection_pool.ts";
import { UnreachableError } from "../client/unreachable_error.ts";
import type { RawHeaders } from "../http/message.ts";
import { readAtMost } from "../http/read_at_most.ts";

export interface RelayRequest {
  readonly method: "GET" | "POST";
  /** Absolute, http or https. */
  readonly url: URL;
  /** Sent as they stand. Host, where missing, and Content-Length or chunking are added. */
  readonly headers: RawHeaders;
  /** The client owns a stream: it reads it to the end or destroys it. */
  readonly body: Uint8Array | Readable | null;
  /** How many bytes a stream gives, or null for chunked; without meaning for other bodies. */
  readonly bodyLength: number | null;
  /** Ends everything, and the connection. */
  readonly signal: AbortSignal;
  /**
   * Longest silence from the end of the request to the head of its answer, in ms; 0 for none. A
   * body that a slow visitor holds back is not limited here: that is for the relay.
   */
  readonly answerTimeoutMs: number;
  /** Longest answer body taken, in bytes. */
  readonly maxAnswerBytes: number;
}

/** A GET whose answer may be long, or another protocol. */
export interface RelayGet extends Pick<RelayRequest, "url" | "headers" | "answerTimeoutMs"> {
  /** Ends everything, and the connection; not one that has switched. */
  readonly signal: AbortSignal;
  /** Whether the answer may be a 101. Default: false. */
  readonly allowsSwitch?: boolean;
}

export interface RelayAnswer {
  readonly status: number;
  readonly headers: RawHeaders;
  readonly body: Uint8Array;
  /** False where the relay answered before it was sent the whole request body. */
  readonly isBodySent: boolean;
}

/** The way that requests to a relay take. */
export interface Way {
  readonly pool: ConnectionPool;
  readonly clock: Clock;
  /** How messages call the relay. */
  readonly peer: string;
}

/**
 * Sends a request; resolves with the head of its answer.
 *
 * @throws {UnreachableError} also where the head comes later than `answerTimeoutMs` after the end
 * of the request, if that is not 0.
 */
export async function sendForHead(
  request: Omit<ClientRequest, "onSent">,
  answerTimeoutMs: number,
  way: Way,
): Promise<{ readonly exchange: ClientExchange; readonly answer: ClientAnswer }> {
  const { pool, clock } = way;
  let timer: Timer | undefined;
  let isAnswered = false;
  try {
    const exchange = await pool.send({
      ...request,
      onSent: () => {
        if (isAnswered || answerTimeoutMs === 0) return;
        const cut = (): void => exchange.cut(toTimeoutError(way, "its answer", answerTimeoutMs));
        timer = clock.after(answerTimeoutMs, cut);
      },
    });
    return { exchange, answer: await exchange.answer };
  } finally {
    isAnswered = true;
    if (timer !== undefined) clock.clear(timer);
  }
}

/**
 * Reads a small answer to its end.
 *
 * @throws {UnreachableError} where it breaks off or falls silent.
 * @throws {LimitError} where it is over `maxBytes`.
 */
export async function readAnswer(
  body: AnswerBody,
  maxBytes: number,
  way: Way,
): Promise<Uint8Array> {
  const { clock, peer } = way;
  let timer: Timer | undefined;
  const fallSilent = (): void => {
    body.destroy(toTimeoutError(way, "the rest of its answer", BODY_SILENCE_MS));
  };
  const expectMore = (): void => {
    if (timer !== undefined) clock.clear(timer);
    timer = clock.after(BODY_SILENCE_MS, fallSilent);
  };
  // Most come together with their head.
  const whole = body.takeWhole(maxBytes);
  if (whole !== undefined) return whole;
  if (!body.isWhole) {
    expectMore();
    body.on("data", expectMore);
  }
  try {
    const bytes = await readAtMost(body, maxBytes);
    if (bytes !== "too_long") return bytes;
    const message = `Cannot take the answer of ${peer}: it is over ${maxBytes} bytes`;
    throw new LimitError("maxAnswerBytes", maxBytes, message);
  } finally {
    if (timer !== undefined) clock.clear(timer);
  }
}

function toTimeoutError({ peer }: Way, what: string, ms: number): UnreachableError {
  const message = `Cannot complete a request to ${peer}: ${what} took over ${ms / 1000} s`;
  return new UnreachableError("timeout", message);
}
