/** What comes of looking for what was asked for: an answer, or a reason why there is none yet. */

import { MAX_OPEN_ATTEMPTS } from "../base/limits.ts";
import { errorAnswer } from "../http/error_answer.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import type { ChangedFault, RefusedFault } from "./confinement.ts";
import { type FileFault, isFault } from "./file_system.ts";

export type Outcome = HttpAnswer | FileFault | RefusedFault | ChangedFault;

/** Looks anew, a few times, where a file was replaced between being looked up and being opened. */
export async function retryChanged(look: () => Outcome | Promise<Outcome>): Promise<Outcome> {
  for (let attempt = 1;; attempt++) {
    const outcome = await look();
    if (!isFault(outcome) || outcome.fault !== "changed" || attempt >= MAX_OPEN_ATTEMPTS) {
      return outcome;
    }
  }
}

/** The answer where it stays at a fault. */
export function answerFault(
  { fault }: FileFault | RefusedFault | ChangedFault,
  { headers }: Pick<HttpRequest, "headers">,
): HttpAnswer {
  switch (fault) {
    case "missing":
    case "refused":
      return errorAnswer(404, { requestHeaders: headers });
    case "denied":
      return errorAnswer(403, { requestHeaders: headers });
    case "busy":
    case "changed":
      return errorAnswer(503, { requestHeaders: headers, headers: ["Retry-After", "1"] });
  }
}
