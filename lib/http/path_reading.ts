/**
 * How others may read a path: programs on the way decode and tidy it, each in its own manner, and
 * what is decided on one reading must hold for the other ones too.
 */

// Without two dots in a row, in any spelling, nothing leads upwards.
const TWO_DOTS_REGEXP = /(?:\.|%2e){2}/i;

/**
 * True if a path that begins with `prefix` and `/` stays below it all the way: whether or not its
 * reader decodes it (once), takes `\` for `/`, slashes in a row for one, or cuts off what follows a
 * `;` in a name (RFC 3986 §3.3), and before or after it resolves `..`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(staysBelow("/a/b/../c", "/a"), true);
 * assertEquals(staysBelow("/a/b/%2e%2e%2f..\\c", "/a"), false);
 * ```
 */
export function staysBelow(path: string, prefix: string): boolean {
  if (!TWO_DOTS_REGEXP.test(path)) return true;
  /** How many names there are below the prefix in the reading that has the fewest. */
  let depth = 0;
  for (const segment of path.slice(prefix.length).split("/")) {
    const decoded = decode(segment);
    const ups = decoded.split(/[\\/]/).filter((name) => /^\.\.(?:;|$)/.test(name)).length;
    // `a%2fb` is one name to some, and two to others; one with `..` in it may be any number.
    if (ups === 0 && decoded.replace(/;.*/s, "").split(/[\\/]/).some(isName)) depth++;
    depth -= ups;
    if (depth < 0) return false;
  }
  return true;
}

function isName(text: string): boolean {
  return text !== "" && text !== ".";
}

/** One character per byte. */
function decode(text: string): string {
  return text.replace(
    /%([0-9A-Fa-f]{2})/g,
    (_, hex: string) => String.fromCharCode(parseInt(hex, 16)),
  );
}
