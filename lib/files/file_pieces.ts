/** Which bytes of a file an answer holds, and reading them. */

import { Buffer } from "node:buffer";
import { SMALL_BODY_BYTES } from "../base/limits.ts";
import type { HttpAnswer, RawHeaders } from "../http/message.ts";
import { createMultipart } from "../http/multipart_byteranges.ts";
import { type ByteRange, formatContentRange } from "../http/range.ts";
import type { ChangedFault, Confinement, Located } from "./confinement.ts";
import { FileBody, readSmall } from "./file_body.ts";
import { type FileFault, isFault } from "./file_system.ts";
import { isSmall, type SmallFiles } from "./small_files.ts";

/** An answer with a part of a file, or all of it. */
export interface Plan {
  readonly status: 200 | 206;
  readonly headers: RawHeaders;
  /** The body, in order: bytes as they are, or a range of the file. Never empty. */
  readonly pieces: readonly (Uint8Array | ByteRange)[];
}

export interface ReadOptions {
  readonly confinement: Confinement;
  readonly smallFiles: SmallFiles;
  /** Milliseconds since 1970, after the file was located. */
  readonly now: number;
  /** All of the file, where that is at hand. */
  readonly bytes?: Uint8Array | undefined;
}

/** What to send for these ranges; all of the file where there are none. */
export function planPieces(
  ranges: readonly ByteRange[],
  { mediaType, size }: { readonly mediaType: string; readonly size: number },
): Plan {
  const whole: Plan = {
    status: 200,
    headers: ["Content-Type", mediaType, "Content-Length", String(size)],
    pieces: [{ first: 0, last: size - 1 }],
  };
  const [range] = ranges;
  if (range === undefined) return whole;
  if (ranges.length === 1) {
    const length = range.last - range.first + 1;
    const headers = ["Content-Type", mediaType, "Content-Length", String(length)];
    headers.push("Content-Range", formatContentRange(range, size));
    return { status: 206, headers, pieces: [range] };
  }
  const boundary = crypto.randomUUID().replaceAll("-", "");
  const multipart = createMultipart(ranges, { boundary, mediaType, completeLength: size });
  // Parts that cost more than the whole help nobody: §14.2 lets the field be ignored.
  if (multipart.contentLength >= size) return whole;
  const { contentType, contentLength, pieces } = multipart;
  const headers = ["Content-Type", contentType, "Content-Length", String(contentLength)];
  return { status: 206, headers, pieces };
}

/** The body. Small files and short ranges are read at once, the rest while it is sent. */
export function readPieces(
  located: Located,
  pieces: Plan["pieces"],
  { confinement, smallFiles, now, bytes }: ReadOptions,
): HttpAnswer["body"] | FileFault | ChangedFault {
  if (!isSmall(located.stat)) return openPieces(located, pieces, confinement);
  const whole = bytes ?? smallFiles.read(located, now);
  return isFault(whole) ? whole : cutPieces(whole, pieces);
}

function cutPieces(whole: Uint8Array, pieces: Plan["pieces"]): Uint8Array {
  const cut = pieces.map((piece) =>
    piece instanceof Uint8Array ? piece : whole.subarray(piece.first, piece.last + 1)
  );
  const [first] = cut;
  return first !== undefined && cut.length === 1 ? first : Buffer.concat(cut);
}

function openPieces(
  located: Located,
  pieces: Plan["pieces"],
  confinement: Confinement,
): HttpAnswer["body"] | FileFault | ChangedFault {
  const file = confinement.open(located);
  if (isFault(file)) return file;
  const [piece] = pieces;
  const isShort = pieces.length === 1 && piece !== undefined && !(piece instanceof Uint8Array) &&
    piece.last - piece.first < SMALL_BODY_BYTES;
  if (!isShort) return new FileBody(file, pieces);
  try {
    const length = piece.last - piece.first + 1;
    return readSmall(file, { offset: piece.first, length }) ?? { fault: "changed" };
  } finally {
    file.close();
  }
}
