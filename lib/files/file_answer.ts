/** The answer to a request for a file (RFC 9110 §13, §14): 200, 206, 304, 412 or 416. */

import type { Clock } from "../base/clock.ts";
import { SETTLED_AGE_MS, SMALL_BODY_BYTES } from "../base/limits.ts";
import { evaluatePreconditions, isRangeAllowed, type Validators } from "../http/conditional.ts";
import { errorAnswer } from "../http/error_answer.ts";
import { headerValues } from "../http/headers.ts";
import { formatHttpDate } from "../http/http_date.ts";
import { isActiveDocument, mediaType } from "../http/media_type.ts";
import type { HttpAnswer, HttpRequest, RawHeaders } from "../http/message.ts";
import { createMultipart } from "../http/multipart_byteranges.ts";
import { type ByteRange, formatContentRange, parseRange } from "../http/range.ts";
import type { ChangedFault, Confinement, Located } from "./confinement.ts";
import { FileBody, readSmall } from "./file_body.ts";
import { type FileFault, type FileStat, isFault } from "./file_system.ts";

export interface FileAnswerOptions {
  readonly confinement: Confinement;
  readonly clock: Clock;
  /** The name that was asked for; its ending decides the media type. */
  readonly name: string;
}

/**
 * Fields of documents that could run scripts. What lies in a served folder may come from anyone,
 * and is shown at an address that other pages share: `sandbox` gives such a document an origin of
 * its own and no scripts and forms, so it cannot act as the site, with the visitor's cookies. Its
 * styles, images and links keep working, and a page that it opens is free of the sandbox again.
 */
const SANDBOX_HEADERS: RawHeaders = [
  "Content-Security-Policy",
  "sandbox allow-downloads allow-popups allow-popups-to-escape-sandbox",
];

/** What to send: a part of the file, or all of it. */
interface Plan {
  readonly status: 200 | 206;
  readonly headers: RawHeaders;
  readonly pieces: readonly (Uint8Array | ByteRange)[];
}

/** Answers GET and HEAD. The file is opened only where its bytes are sent. */
export function answerFile(
  request: Pick<HttpRequest, "method" | "headers">,
  located: Located,
  options: FileAnswerOptions,
): HttpAnswer | FileFault | ChangedFault {
  const now = options.clock.now();
  const { size } = located.stat;
  const validators = toValidators(located.stat, now);
  const stateHeaders = ["Cache-Control", "no-cache", ...formatValidators(validators)];
  const verdict = evaluatePreconditions(request, validators, now);
  if (verdict === "not_modified") return { status: 304, headers: stateHeaders, body: null };
  if (verdict === "precondition_failed") {
    return errorAnswer(412, { requestHeaders: request.headers });
  }

  const ranges = request.method === "GET" && isRangeAllowed(request.headers, validators, now)
    ? parseRange(singleValue(request.headers, "range"), size)
    : { kind: "whole" } as const;
  if (ranges.kind === "unsatisfiable") {
    return errorAnswer(416, {
      requestHeaders: request.headers,
      headers: ["Content-Range", `bytes */${size}`, "Accept-Ranges", "bytes"],
    });
  }
  const type = mediaType(options.name);
  const plan = planRanges(ranges.kind === "ranges" ? ranges.ranges : [], { type, size });
  const headers = [
    ...plan.headers,
    ...stateHeaders,
    "Accept-Ranges",
    "bytes",
    "X-Content-Type-Options",
    "nosniff",
    ...isActiveDocument(type) ? SANDBOX_HEADERS : [],
  ];
  if (request.method === "HEAD") return { status: plan.status, headers, body: null };
  const body = openBody(located, plan.pieces, options.confinement);
  return isFault(body) ? body : { status: plan.status, headers, body };
}

/** The validators of a file in a state; `now` in milliseconds since 1970. */
export function toValidators({ size, mtime, ino }: FileStat, now: number): Validators {
  // Reproducible builds date all files at second 0 or 1: such a date tells nothing of the content.
  if (mtime === null || mtime < 2000) return { etag: undefined, lastModified: undefined };
  const tag = `"${[size, Math.floor(mtime), ino ?? 0].map((n) => n.toString(36)).join("-")}"`;
  // A later change within the clock's resolution would leave the same date and perhaps size.
  const isSettled = now - mtime >= SETTLED_AGE_MS;
  return {
    etag: isSettled ? tag : `W/${tag}`,
    // §8.8.2.1: never later than Date.
    lastModified: Math.floor(Math.min(mtime, now) / 1000) * 1000,
  };
}

function formatValidators({ etag, lastModified }: Validators): string[] {
  return [
    ...etag === undefined ? [] : ["ETag", etag],
    ...lastModified === undefined ? [] : ["Last-Modified", formatHttpDate(lastModified)],
  ];
}

function planRanges(
  ranges: readonly ByteRange[],
  { type, size }: { readonly type: string; readonly size: number },
): Plan {
  const whole: Plan = {
    status: 200,
    headers: ["Content-Type", type, "Content-Length", String(size)],
    pieces: [{ first: 0, last: size - 1 }],
  };
  const [range] = ranges;
  if (range === undefined) return whole;
  if (ranges.length === 1) {
    const headers = ["Content-Type", type, "Content-Length", String(range.last - range.first + 1)];
    headers.push("Content-Range", formatContentRange(range, size));
    return { status: 206, headers, pieces: [range] };
  }
  const boundary = crypto.randomUUID().replaceAll("-", "");
  const multipart = createMultipart(ranges, { boundary, mediaType: type, completeLength: size });
  // Parts that cost more than the whole help nobody: §14.2 lets the field be ignored.
  if (multipart.contentLength >= size) return whole;
  const { contentType, contentLength, pieces } = multipart;
  const headers = ["Content-Type", contentType, "Content-Length", String(contentLength)];
  return { status: 206, headers, pieces };
}

function openBody(
  located: Located,
  pieces: Plan["pieces"],
  confinement: Confinement,
): HttpAnswer["body"] | FileFault | ChangedFault {
  const file = confinement.open(located);
  if (isFault(file)) return file;
  const [piece] = pieces;
  const isSmall = pieces.length === 1 && piece !== undefined && !(piece instanceof Uint8Array) &&
    piece.last - piece.first < SMALL_BODY_BYTES;
  if (!isSmall) return new FileBody(file, pieces);
  try {
    const length = piece.last - piece.first + 1;
    return readSmall(file, { offset: piece.first, length }) ?? { fault: "changed" };
  } finally {
    file.close();
  }
}

// A field that may stand only once is void where it stands twice: the hops may differ on which.
function singleValue(headers: RawHeaders, name: string): string | undefined {
  const values = headerValues(headers, name);
  return values.length === 1 ? values[0] : undefined;
}
