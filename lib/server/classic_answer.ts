/**
 * What of an answer the classic protocol can carry (docs/protocol.md, "Answer"): eleven statuses,
 * each header once, and a body of its own. Pure.
 */

import type { Readable } from "node:stream";
import { MAX_MAGIC_HEADER_CHARS } from "../base/limits.ts";
import { endToEndHeaders, headerPairs, headerValue, isValidHeader } from "../http/headers.ts";
import type { HttpAnswer, RawHeaders } from "../http/message.ts";
import { destroyBody, isBodyless } from "../http/send_answer.ts";
import { textAnswer } from "../http/text_answer.ts";
import { CLASSIC_STATUSES, type ClassicStatus } from "../wire/classic.ts";
import { encodeMagicHeader } from "../wire/http_serde.ts";

export interface ClassicAnswer {
  /** The value of the magic header. */
  readonly magic: string;
  readonly body: Uint8Array | Readable | null;
  /** In bytes; null where it is not known. */
  readonly bodyLength: number | null;
}

/** Takes over the answer's body: what cannot be sent is destroyed. */
export function toClassicAnswer(
  answer: HttpAnswer,
  { isHead }: { isHead: boolean },
): ClassicAnswer {
  const status = toClassicStatus(answer.status);
  const headers = toSingleHeaders(answer.headers);
  const declared = headerValue(headers, "content-length");
  const length = toBodyLength(answer, declared);
  if (length !== null && declared === undefined && status !== 204 && status !== 304) {
    headers.push("content-length", String(length));
  }
  const magic = toMagicHeader(status, headers);
  if (magic === undefined) {
    destroyBody(answer.body);
    const failed = textAnswer(
      500,
      "The answer's headers are malformed, or too large for this relay",
    );
    return toClassicAnswer(failed, { isHead });
  }
  if (isBodyless(status, isHead)) {
    destroyBody(answer.body);
    return { magic, body: null, bodyLength: 0 };
  }
  return { magic, body: answer.body, bodyLength: length };
}

/**
 * The nearest of the statuses that classic has.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals([201, 308, 410, 412, 503].map(toClassicStatus), [200, 307, 404, 400, 500]);
 * ```
 */
export function toClassicStatus(status: number): ClassicStatus {
  const same = CLASSIC_STATUSES.find((candidate) => candidate === status);
  if (same !== undefined) return same;
  if (status === 205) return 204;
  if (status < 300) return 200;
  // Only GET and HEAD exist here, so the redirects do not differ in what becomes of the method.
  if (status < 400) return status === 304 ? 304 : 307;
  if (status === 401 || status === 407 || status === 451) return 403;
  if (status === 410) return 404;
  return status < 500 ? 400 : 500;
}

/** Undefined where no relay would take it. */
function toMagicHeader(status: ClassicStatus, headers: RawHeaders): string | undefined {
  for (const [name, value] of headerPairs(headers)) {
    if (!isValidHeader(name, value)) return undefined;
  }
  const magic = encodeMagicHeader({ status, headers });
  return magic.length > MAX_MAGIC_HEADER_CHARS ? undefined : magic;
}

function toBodyLength({ body }: HttpAnswer, declared: string | undefined): number | null {
  if (body instanceof Uint8Array) return body.length;
  if (declared !== undefined) return Number(declared);
  return body === null ? 0 : null;
}

/** Lower case, each name once: lists are joined (RFC 9110 §5.3), of other fields the first stays. */
function toSingleHeaders(headers: RawHeaders): string[] {
  const single = new Map<string, string>();
  for (const [name, value] of headerPairs(endToEndHeaders(headers))) {
    const key = name.toLowerCase();
    const first = single.get(key);
    if (first === undefined) single.set(key, value);
    else if (key !== "set-cookie") single.set(key, `${first}, ${value}`);
  }
  return [...single].flat();
}
