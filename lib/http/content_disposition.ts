/** The Content-Disposition field of a download (RFC 6266). */

/**
 * `attachment` with a file name: a quoted one in ASCII, and where that is not exact, the exact one
 * in UTF-8 too (RFC 8187), which every browser prefers. Any text is safe.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(attachment("a b.zip"), 'attachment; filename="a b.zip"');
 * assertEquals(
 *   attachment("Käse.zip"),
 *   "attachment; filename=\"K_se.zip\"; filename*=UTF-8''K%C3%A4se.zip",
 * );
 * ```
 */
export function attachment(fileName: string): string {
  const ascii = fileName.replace(/[^\x20-\x7e]/gu, "_");
  const quoted = `attachment; filename="${ascii.replace(/["\\]/g, "\\$&")}"`;
  // Some readers leave `\"` as it is, or decode `%41`: RFC 6266 appendix D.
  if (ascii === fileName && !/["\\%]/.test(fileName)) return quoted;
  return `${quoted}; filename*=UTF-8''${encodeExtended(fileName)}`;
}

/** RFC 8187 §3.2.1: all but `attr-char` is percent-encoded. */
function encodeExtended(text: string): string {
  // encodeURIComponent throws at half a surrogate pair.
  return encodeURIComponent(text.toWellFormed())
    .replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
