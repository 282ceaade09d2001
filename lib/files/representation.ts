/** Which form of a file is sent: itself, or one beside it that was compressed before. */

import { type ContentCoding, rankCodings } from "../http/accept_encoding.ts";
import { isCompressible, mediaType } from "../http/media_type.ts";
import type { RawHeaders } from "../http/message.ts";
import type { Confinement, Located } from "./confinement.ts";
import { isFault } from "./file_system.ts";

export interface Representation {
  /** The file whose bytes are sent. */
  readonly located: Located;
  /** What the bytes are once they are decoded. */
  readonly mediaType: string;
  /** How the bytes are encoded; undefined for not at all. */
  readonly coding: ContentCoding | undefined;
  /** The request fields that decided, for every answer about the file. */
  readonly vary: readonly string[];
}

export interface SelectOptions {
  readonly confinement: Confinement;
  /** Whether to look for compressed forms: `app.js.br`, `app.js.zst` and `app.js.gz`. */
  readonly precompressed: boolean;
  /** Further fields that decided. */
  readonly vary: readonly string[];
}

const EXTENSIONS: Readonly<Record<ContentCoding, string>> = {
  br: ".br",
  zstd: ".zst",
  gzip: ".gz",
};

/**
 * The form of a file that the request likes best, or undefined where it refuses all that there are.
 * A compressed form counts only where it can be asked for by its own name, and is not older than
 * the file. Only types that are worth compressing are looked at: that saves looks at the disk.
 */
export function selectRepresentation(
  headers: RawHeaders,
  original: { readonly located: Located; readonly segments: readonly string[] },
  { confinement, precompressed, vary }: SelectOptions,
): Representation | undefined {
  const type = mediaType(original.segments.at(-1) ?? "");
  const isNegotiable = precompressed && isCompressible(type);
  const common = { mediaType: type, vary: isNegotiable ? [...vary, "Accept-Encoding"] : vary };
  for (const coding of rankCodings(headers)) {
    if (coding === "identity") {
      return { ...common, located: original.located, coding: undefined };
    }
    if (!isNegotiable) continue;
    const located = locateCompressed(original, coding, confinement);
    if (located !== undefined) return { ...common, located, coding };
  }
  return undefined;
}

function locateCompressed(
  { located, segments }: { readonly located: Located; readonly segments: readonly string[] },
  coding: ContentCoding,
  confinement: Confinement,
): Located | undefined {
  const beside = segments.with(-1, `${segments.at(-1)}${EXTENSIONS[coding]}`);
  if (!confinement.mayExist(beside)) return undefined;
  const compressed = confinement.locate(beside);
  if (isFault(compressed) || compressed.stat.kind !== "file") return undefined;
  const { mtime } = compressed.stat;
  const isCurrent = mtime !== null && mtime >= (located.stat.mtime ?? Infinity);
  return isCurrent ? compressed : undefined;
}
