/** The answer to a request for a file (RFC 9110 §13, §14): 200, 206, 304, 412 or 416. */

import type { Clock } from "../base/clock.ts";
import { evaluatePreconditions, isRangeAllowed, type Validators } from "../http/conditional.ts";
import { formatDigest, wantedDigest } from "../http/digest_fields.ts";
import { errorAnswer } from "../http/error_answer.ts";
import { headerValues } from "../http/headers.ts";
import { formatHttpDate } from "../http/http_date.ts";
import { isActiveDocument } from "../http/media_type.ts";
import type { HttpAnswer, HttpRequest, RawHeaders } from "../http/message.ts";
import { parseRange } from "../http/range.ts";
import type { ChangedFault, Confinement, Located } from "./confinement.ts";
import { digestBytes, type FileDigests } from "./file_digests.ts";
import { planPieces, readPieces } from "./file_pieces.ts";
import { type FileFault, isFault } from "./file_system.ts";
import type { Representation } from "./representation.ts";
import { isSmall, type SmallFiles } from "./small_files.ts";
import { isSettled } from "./state_cache.ts";
import { toValidators } from "./validators.ts";

export interface FileAnswerOptions {
  readonly confinement: Confinement;
  readonly clock: Clock;
  readonly smallFiles: SmallFiles;
  readonly digests: FileDigests;
  /** Lets documents run scripts at the address that they are served from. */
  readonly trustedContent: boolean;
}

/** Of a request what an answer depends on; who asks without a signal waits to the end. */
export type FileAnswerRequest =
  & Pick<HttpRequest, "method" | "headers">
  & Partial<Pick<HttpRequest, "signal">>;

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

/**
 * Answers GET and HEAD. The file is opened only where its bytes are sent or hashed: for a digest
 * that is wanted, and for the tag of a small file that is not settled.
 */
export async function answerFile(
  request: FileAnswerRequest,
  representation: Representation,
  options: FileAnswerOptions,
): Promise<HttpAnswer | FileFault | ChangedFault> {
  const { located, mediaType, coding } = representation;
  const { size } = located.stat;
  const now = options.clock.now();
  const isHashed = isSmall(located.stat) && !isSettled(located.stat, now);
  const bytes = isHashed ? options.smallFiles.read(located, now) : undefined;
  if (isFault(bytes)) return bytes;
  const validators = toValidators(located.stat, { now, bytes, coding });
  const stateHeaders = formatState(validators, representation);
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
  const plan = planPieces(ranges.kind === "ranges" ? ranges.ranges : [], { mediaType, size });
  const digestHeaders = await readDigest(request, { located, bytes, now }, options);
  if (isFault(digestHeaders)) return digestHeaders;
  const headers = [
    ...plan.headers,
    ...stateHeaders,
    ...coding === undefined ? [] : ["Content-Encoding", coding],
    "Accept-Ranges",
    "bytes",
    ...digestHeaders,
    ...contentHeaders(mediaType, options),
  ];
  if (request.method === "HEAD") return { status: plan.status, headers, body: null };
  const body = readPieces(located, plan.pieces, { ...options, now, bytes });
  return isFault(body) ? body : { status: plan.status, headers, body };
}

/** A file as the page of an error: whole, as it is, and not to be kept. */
export function answerErrorPage(
  { method }: Pick<HttpRequest, "method">,
  { located, mediaType }: Pick<Representation, "located" | "mediaType">,
  options: FileAnswerOptions & { readonly status: number },
): HttpAnswer | FileFault | ChangedFault {
  const { status, clock } = options;
  const plan = planPieces([], { mediaType, size: located.stat.size });
  const body = method === "HEAD"
    ? null
    : readPieces(located, plan.pieces, { ...options, now: clock.now() });
  if (isFault(body)) return body;
  const headers = [...plan.headers, "Cache-Control", "no-store"];
  headers.push(...contentHeaders(mediaType, options));
  return { status, headers, body };
}

function formatState({ etag, lastModified }: Validators, { vary }: Representation): string[] {
  return [
    "Cache-Control",
    "no-cache",
    ...etag === undefined ? [] : ["ETag", etag],
    ...lastModified === undefined ? [] : ["Last-Modified", formatHttpDate(lastModified)],
    ...vary.length === 0 ? [] : ["Vary", vary.join(", ")],
  ];
}

/** What guards a browser against content that is not what it seems. */
function contentHeaders(
  mediaType: string,
  { trustedContent }: Pick<FileAnswerOptions, "trustedContent">,
): RawHeaders {
  const sandbox = isActiveDocument(mediaType) && !trustedContent ? SANDBOX_HEADERS : [];
  return ["X-Content-Type-Options", "nosniff", ...sandbox];
}

/**
 * Repr-Digest, where it is wanted. The wish is a hint (RFC 9530 §4): where there is no digest that
 * is sure to be of the bytes that are sent, there is no field.
 */
async function readDigest(
  { headers, signal }: FileAnswerRequest,
  file: {
    readonly located: Located;
    readonly bytes: Uint8Array | undefined;
    readonly now: number;
  },
  { digests }: FileAnswerOptions,
): Promise<RawHeaders | ChangedFault> {
  const algorithm = wantedDigest(headers);
  if (algorithm === undefined) return [];
  const { located, bytes, now } = file;
  if (bytes === undefined && !isSettled(located.stat, now)) return [];
  const digest = bytes === undefined
    ? await digests.get(located, { algorithm, now, signal })
    : digestBytes(bytes, algorithm);
  if (!isFault(digest)) return ["Repr-Digest", formatDigest(algorithm, digest)];
  return digest.fault === "changed" ? digest : [];
}

// A field that may stand only once is void where it stands twice: the hops may differ on which.
function singleValue(headers: RawHeaders, name: string): string | undefined {
  const values = headerValues(headers, name);
  return values.length === 1 ? values[0] : undefined;
}
