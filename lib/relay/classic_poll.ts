/** P1 and P3 of classic: a server asks for work, and gets what visitors want of it. */

import { POLL_PARK_MS } from "../base/limits.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";
import { encodePollBody } from "../wire/http_serde.ts";
import type { ClassicDesk, ClassicExchange } from "./classic_desk.ts";

export interface PollOptions {
  readonly desk: ClassicDesk;
  /** Called when the server is back after a gap. */
  readonly onReturn: () => void;
}

/** Answers a poll of an authenticated server; resolves when there is something to say. */
export async function answerPoll(
  request: HttpRequest,
  { desk, onReturn }: PollOptions,
): Promise<HttpAnswer> {
  if (desk.isGap) onReturn();
  const outcome = await desk.poll({ parkMs: POLL_PARK_MS, signal: request.signal });
  switch (outcome.kind) {
    case "exchanges":
      // Once the listener writes, the server may have read them: none is ever given again.
      void request.finished.then((delivery) => {
        if (delivery === "cut") {
          for (const { exchange } of outcome.exchanges) exchange.fail("server_lost");
        }
      });
      return batchAnswer(outcome.exchanges);
    case "welcome":
      return batchAnswer([]);
    case "idle":
      return { status: 204, headers: ["Content-Type", "text/plain"], body: null };
    case "replaced":
      return textAnswer(500, "Another poll of this name has taken over");
    case "stopping":
      return textAnswer(503, "The relay is stopping");
    case "revoked":
      return badKeyAnswer();
    case "left":
      return textAnswer(500, "The server has hung up");
  }
}

/** For an unknown name and for a wrong key alike. */
export function badKeyAnswer(): HttpAnswer {
  return textAnswer(401, "Bad X-ApiKey");
}

/** For any key, right or wrong, from where too many were wrong. */
export function tooManyKeysAnswer(waitMs: number): HttpAnswer {
  const seconds = String(Math.ceil(waitMs / 1000));
  return textAnswer(429, "Too many wrong keys came from this address", ["Retry-After", seconds]);
}

/** The one answer that has no content type, as by the original. */
function batchAnswer(exchanges: readonly ClassicExchange[]): HttpAnswer {
  const body = encodePollBody(exchanges.map(({ request }) => request));
  return { status: 200, headers: ["Cache-Control", "no-store"], body };
}
