/** The layout of an answer to several ranges (RFC 9110 §14.6); the bytes of the file stay where they are. */

import { type ByteRange, formatContentRange } from "./range.ts";

export interface MultipartOptions {
  /** 1 to 70 characters of `A-Za-z0-9`; must not occur in the file after a line break. */
  readonly boundary: string;
  /** The Content-Type of each part, or undefined for none. */
  readonly mediaType: string | undefined;
  /** Length of the whole representation in bytes. */
  readonly completeLength: number;
}

export interface Multipart {
  readonly contentType: string;
  /** Exact length of the body in bytes. */
  readonly contentLength: number;
  /** What to send, in order: bytes as they are, or a range to be copied from the file. */
  readonly pieces: readonly (Uint8Array | ByteRange)[];
}

/** Lays out a `multipart/byteranges` body. */
export function createMultipart(
  ranges: readonly ByteRange[],
  options: MultipartOptions,
): Multipart {
  const { boundary, mediaType, completeLength } = options;
  const encoder = new TextEncoder();
  const type = mediaType === undefined ? "" : `Content-Type: ${mediaType}\r\n`;
  const pieces: (Uint8Array | ByteRange)[] = [];
  let lineBreak = "";
  for (const range of ranges) {
    const contentRange = `Content-Range: ${formatContentRange(range, completeLength)}`;
    pieces.push(
      encoder.encode(`${lineBreak}--${boundary}\r\n${type}${contentRange}\r\n\r\n`),
      range,
    );
    lineBreak = "\r\n";
  }
  pieces.push(encoder.encode(`\r\n--${boundary}--\r\n`));
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    contentLength: pieces.reduce((sum, piece) => sum + pieceLength(piece), 0),
    pieces,
  };
}

function pieceLength(piece: Uint8Array | ByteRange): number {
  return piece instanceof Uint8Array ? piece.length : piece.last - piece.first + 1;
}
