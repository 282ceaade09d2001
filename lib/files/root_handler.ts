/** The file server as it stands alone. */

import { answerBelow } from "../http/base_path.ts";
import { errorAnswer } from "../http/error_answer.ts";
import type { Handler } from "../http/message.ts";
import { parseTarget } from "../http/target.ts";
import type { FileServer } from "./file_server.ts";

export interface RootHandlerOptions {
  /** Where the folder is; begins and ends with `/`. Default: `/`. */
  readonly basePath?: string;
  /** By what it is reached, unless a proxy in front says otherwise. Default: http. */
  readonly scheme?: "http" | "https";
}

export function createRootHandler(
  files: FileServer,
  { basePath = "/", scheme = "http" }: RootHandlerOptions = {},
): Handler {
  // Told as by a proxy (see public_address.ts). What a proxy in front has told stands before it.
  const way = [
    ...(basePath === "/" ? [] : ["X-Forwarded-Prefix", ""]),
    ...(scheme === "http" ? [] : ["X-Forwarded-Proto", scheme]),
  ];
  return (request) => {
    const target = parseTarget(request.target);
    switch (target.kind) {
      case "bad":
        return errorAnswer(400, { requestHeaders: request.headers });
      case "asterisk":
        // RFC 9110 §9.3.7: only OPTIONS comes in this form, and asks about the whole server.
        return { status: 204, headers: ["Allow", "GET, HEAD, OPTIONS"], body: null };
      default: {
        const { method, signal } = request;
        const told = way.length === 0
          ? request
          : { method, target: request.target, headers: [...request.headers, ...way], signal };
        return answerBelow(basePath, {
          request,
          ...target,
          answer: (path) => files.answer(told, path),
        });
      }
    }
  };
}
