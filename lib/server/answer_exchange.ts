/** P4 and P5: has a request answered, and carries the answer to the relay. */

import type { Clock } from "../base/clock.ts";
import { ClosedError, toMessage } from "../base/errors.ts";
import { MAX_RESPONSE_REPLY_BYTES, RESPONSE_TIMEOUT_MS } from "../base/limits.ts";
import type { Logger } from "../base/log.ts";
import { headerValue } from "../http/headers.ts";
import type { Delivery, Handler, HttpAnswer, HttpRequest, RawHeaders } from "../http/message.ts";
import { destroyBody } from "../http/send_answer.ts";
import { API_KEY_HEADER, MAGIC_HEADER, QUERY_HEADER } from "../wire/classic.ts";
import type { ClassicRequest } from "../wire/http_serde.ts";
import { type ClassicAnswer, toClassicAnswer } from "./classic_answer.ts";
import { callHandler } from "./call_handler.ts";
import type { RelayClient } from "./relay_client.ts";
import type { RelayAnswer } from "./relay_request.ts";
import { UnreachableError } from "../client/unreachable_error.ts";
import { toResponseUrl } from "./relay_url.ts";
import { throttle } from "./throttle.ts";

export interface AnswerOptions {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly handler: Handler;
  readonly client: Pick<RelayClient, "request">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the server gives up what is still in flight. */
  readonly signal: AbortSignal;
  /** Sends one chunk of a body a second. */
  readonly throttleUpload: boolean;
}

/** Carries one exchange through. Never rejects: what fails here is logged, and the relay notices. */
export async function answerExchange(
  request: ClassicRequest,
  options: AnswerOptions,
): Promise<void> {
  const { log, signal } = options;
  const over = new AbortController();
  // Not AbortSignal.any: what a handler leaves listening to such a signal is kept for as long as the
  // server runs.
  const giveUp = (): void => over.abort(signal.reason);
  signal.addEventListener("abort", giveUp);
  if (signal.aborted) giveUp();
  const finished = Promise.withResolvers<Delivery>();
  let delivery: Delivery = "cut";
  try {
    const answer = await callHandler(
      toHttpRequest(request, over.signal, finished.promise),
      options,
    );
    delivery = await post(request, answer, options);
  } catch (error) {
    if (!signal.aborted) log.warn("Answer was cut", { id: request.id, reason: toMessage(error) });
  }
  signal.removeEventListener("abort", giveUp);
  finished.resolve(delivery);
  if (delivery === "cut") over.abort(new ClosedError("The visitor left before it had its answer"));
}

async function post(
  request: ClassicRequest,
  answer: HttpAnswer,
  options: AnswerOptions,
): Promise<Delivery> {
  const { magic, body, bodyLength } = encode(request, answer);
  const url = toResponseUrl(options.baseUrl, request.id);
  const send = (): Promise<RelayAnswer> =>
    options.client.request({
      method: "POST",
      url,
      headers: ["Host", url.host, API_KEY_HEADER, options.apiKey, MAGIC_HEADER, magic],
      body: options.throttleUpload ? throttle(body, options) : body,
      bodyLength,
      signal: options.signal,
      answerTimeoutMs: RESPONSE_TIMEOUT_MS,
      maxAnswerBytes: MAX_RESPONSE_REPLY_BYTES,
    });
  // A kept connection may be closed just as it is used again. Bytes can be sent once more: the relay
  // takes each id once.
  const { status, isBodySent } = await send().catch((error) => {
    if (error instanceof UnreachableError && error.kind === "stale") return send();
    throw error;
  });
  if (status !== 200 && status !== 502) {
    options.log.warn("Answer refused by the relay", { id: request.id, status });
  }
  return status === 200 && isBodySent ? "delivered" : "cut";
}

function encode(request: ClassicRequest, answer: HttpAnswer): ClassicAnswer {
  try {
    return toClassicAnswer(answer, { isHead: request.method === "HEAD" });
  } catch (error) {
    destroyBody(answer.body);
    throw error;
  }
}

function toHttpRequest(
  { method, uri, headers }: ClassicRequest,
  signal: AbortSignal,
  finished: Promise<Delivery>,
): HttpRequest {
  return {
    method,
    target: uri + toQuery(headers),
    headers,
    httpVersion: "1.1",
    // Classic carries none; behind our relay it is in X-Forwarded-For.
    remoteAddress: "",
    bodyLength: null,
    body: null,
    trailers: [],
    upgrade: null,
    signal,
    finished,
    // Classic has no place for one.
    inform: () => {},
  };
}

/** The query that our relay sends beside the path; what a visitor makes up is no worse than a query. */
function toQuery(headers: RawHeaders): string {
  const query = headerValue(headers, QUERY_HEADER.toLowerCase()) ?? "";
  return /^\?[^\s#]*$/.test(query) ? query : "";
}
