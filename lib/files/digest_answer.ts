/** The answer to `?sha256`: the digest of a file, as other programs print it. */

import { evaluatePreconditions } from "../http/conditional.ts";
import { errorAnswer } from "../http/error_answer.ts";
import type { HttpAnswer } from "../http/message.ts";
import type { ChangedFault, Located } from "./confinement.ts";
import type { FileAnswerOptions, FileAnswerRequest } from "./file_answer.ts";
import { type FileFault, isFault } from "./file_system.ts";

const HEX_CHARS = "64";

/** 64 hexadecimal digits, and nothing else, of the file itself, whatever the request accepts. */
export async function answerDigest(
  request: FileAnswerRequest,
  located: Located,
  { digests, clock }: Pick<FileAnswerOptions, "digests" | "clock">,
): Promise<HttpAnswer | FileFault | ChangedFault> {
  const now = clock.now();
  const verdict = evaluatePreconditions(request, { etag: undefined, lastModified: undefined }, now);
  const stateHeaders = ["Cache-Control", "no-cache"];
  if (verdict === "not_modified") return { status: 304, headers: stateHeaders, body: null };
  if (verdict === "precondition_failed") {
    return errorAnswer(412, { requestHeaders: request.headers });
  }
  const headers = [
    ...stateHeaders,
    "Content-Type",
    "text/plain; charset=utf-8",
    "Content-Length",
    HEX_CHARS,
    "X-Content-Type-Options",
    "nosniff",
  ];
  if (request.method === "HEAD") return { status: 200, headers, body: null };
  const { signal } = request;
  const digest = await digests.get(located, { algorithm: "sha-256", now, signal });
  if (isFault(digest)) return digest;
  return { status: 200, headers, body: new TextEncoder().encode(digest.toHex()) };
}
