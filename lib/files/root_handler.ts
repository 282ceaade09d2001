/** The file server as it stands alone. */

import { answerBelow } from "../http/base_path.ts";
import { errorAnswer } from "../http/error_answer.ts";
import type { Handler } from "../http/message.ts";
import { parseTarget } from "../http/target.ts";
import type { FileServer } from "./file_server.ts";

/** The folder at `basePath`, which begins and ends with `/`; by default at `/`. */
export function createRootHandler(files: FileServer, basePath: string = "/"): Handler {
  return (request) => {
    const target = parseTarget(request.target);
    switch (target.kind) {
      case "bad":
        return errorAnswer(400, { requestHeaders: request.headers });
      case "asterisk":
        // RFC 9110 §9.3.7: only OPTIONS comes in this form, and asks about the whole server.
        return { status: 204, headers: ["Allow", "GET, HEAD, OPTIONS"], body: null };
      default:
        return answerBelow(basePath, {
          request,
          ...target,
          answer: (path) => files.answer(request, path),
        });
    }
  };
}
