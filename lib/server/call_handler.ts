/** Has a request answered. */

import { ClosedError, toMessage } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Handler, HttpAnswer, HttpRequest } from "../http/message.ts";
import { destroyBody } from "../http/send_answer.ts";
import { textAnswer } from "../http/text_answer.ts";

export interface CallOptions {
  readonly handler: Handler;
  readonly log: Logger;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/**
 * The handler's answer, or 500 where it throws.
 *
 * @throws {ClosedError} once `signal` aborts; then the body of an answer that comes late is given up.
 */
export function callHandler(request: HttpRequest, options: CallOptions): Promise<HttpAnswer> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new ClosedError("Nobody waits for the answer any more"));
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    void call(request, options).then((answer) => {
      signal.removeEventListener("abort", abort);
      if (signal.aborted) destroyBody(answer.body);
      resolve(answer);
    });
  });
}

async function call(request: HttpRequest, { handler, log }: CallOptions): Promise<HttpAnswer> {
  try {
    return await handler(request);
  } catch (error) {
    log.error("Handler failed", { reason: toMessage(error), target: request.target });
    return textAnswer(500, "Internal error");
  }
}
