/** Finding names by words, as people type them. Pure. */

/**
 * A test of whether a name contains all of the words, in any order, upper and lower case alike.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const isFound = createNameFilter("report 2026");
 * assertEquals(isFound("2026-11 Report.pdf"), true);
 * assertEquals(isFound("report.pdf"), false);
 * ```
 */
export function createNameFilter(text: string): (name: string) => boolean {
  const words = fold(text).split(/\s+/).filter((word) => word !== "");
  return (name) => {
    const folded = fold(name);
    return words.every((word) => folded.includes(word));
  };
}

// One form for letters with accents, however the disk or the keyboard writes them.
function fold(text: string): string {
  return text.normalize("NFC").toLowerCase();
}
