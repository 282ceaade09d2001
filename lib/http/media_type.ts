/** The media type of a file, by its name (RFC 9110 §8.3). */

import { lookup } from "mrmime";

const UNKNOWN_TYPE = "application/octet-stream";

/** What mrmime does not know, or says of the content once it is decompressed. */
const OWN_TYPES: ReadonlyMap<string, string> = new Map([
  ["svgz", "application/gzip"],
  ["zst", "application/zstd"],
]);

/**
 * The Content-Type for a file name. Text is declared to be UTF-8; what is unknown is
 * `application/octet-stream`, which a browser saves instead of guessing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(mediaType("Notes.TXT"), "text/plain; charset=utf-8");
 * assertEquals(mediaType("backup.tar.gz"), "application/gzip");
 * ```
 */
export function mediaType(name: string): string {
  const dot = name.lastIndexOf(".");
  const extension = name.slice(dot + 1).toLowerCase();
  const type = dot < 0 ? undefined : OWN_TYPES.get(extension) ?? lookup(extension);
  if (type === undefined) return UNKNOWN_TYPE;
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type;
}

/** Whether a browser runs scripts in a document of this type: HTML, SVG and all other XML. */
export function isActiveDocument(type: string): boolean {
  return /^(?:text\/html|[^;]*[/+]xml)(?:;|$)/.test(type);
}

const COMPRESSIBLE_REGEXP =
  /^(?:text\/|[^;]*[/+](?:json|xml|yaml|toml|javascript|ecmascript|wasm)(?:;|$)|font\/[ot]tf|image\/(?:bmp|vnd\.microsoft\.icon|x-icon))/;

/** Whether files of this type get much smaller by compression; those of most types are compressed. */
export function isCompressible(type: string): boolean {
  return COMPRESSIBLE_REGEXP.test(type);
}
