/**
 * Names inside an archive. Whoever extracts it may be careless (zip-slip), so no name can lead out
 * of the folder that it is extracted to, on any system, or act on a terminal that lists it.
 */

// Controls, which terminals obey, and the backslash, which Windows takes for a slash.
// deno-lint-ignore no-control-regex
const UNSAFE_REGEXP = /[\x00-\x1f\x7f\\]/g;
// What an escape made by us looks like.
const ESCAPED_REGEXP = /%(?=[01][0-9a-f]|7f|5c|3a|25)/gi;
// `C:` or `C:name`: a drive on Windows.
const DRIVE_REGEXP = /^([a-z]):/i;

/**
 * The name of an entry: its path joined by `/`, with a `/` at the end for a folder. What is unsafe
 * is percent-encoded, and so is the `%` of a name that looks encoded already: two paths never get
 * the same name. All else, `100%` and `a b` too, stays as it is.
 *
 * @throws {TypeError} where a name of the path is none: empty, `.`, `..`, or holding a slash
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(toEntryName(["photos", "2026"], { isFolder: true }), "photos/2026/");
 * assertEquals(toEntryName(["a\\b\n"], { isFolder: false }), "a%5Cb%0A");
 * ```
 */
export function toEntryName(
  path: readonly string[],
  { isFolder }: { readonly isFolder: boolean },
): string {
  if (path.length === 0) throw new TypeError("Cannot name archive entry: its path is empty");
  return path.map(escapeName).join("/") + (isFolder ? "/" : "");
}

function escapeName(name: string): string {
  if (name === "" || name === "." || name === ".." || name.includes("/")) {
    throw new TypeError(`Cannot name archive entry "${name}": it is not the name of a file`);
  }
  return name
    .replace(ESCAPED_REGEXP, "%25")
    .replace(UNSAFE_REGEXP, (char) => `%${toHex(char.charCodeAt(0))}`)
    .replace(DRIVE_REGEXP, "$1%3A");
}

function toHex(code: number): string {
  return code.toString(16).toUpperCase().padStart(2, "0");
}
