/**
 * How others may read a path: programs on the way decode and tidy it, each in its own manner, and
 * what is decided on one reading must hold for the other ones too.
 */

/**
 * The path with percent-encoding decoded once, `\` as `/`, slashes in a row as one, and `.` and `..`
 * resolved (RFC 3986 §5.2.4). One character per byte. For decisions alone, never sent anywhere.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(tidyPath("/a/%2e%2e/b%2f..\\c//d/"), "/c/d/");
 * ```
 */
export function tidyPath(path: string): string {
  const decoded = path.replace(
    /%([0-9A-Fa-f]{2})/g,
    (_, hex: string) => String.fromCharCode(parseInt(hex, 16)),
  ).replaceAll("\\", "/");
  const kept: string[] = [];
  const names = decoded.split("/");
  for (const name of names) {
    if (name === "..") kept.pop();
    else if (name !== "" && name !== ".") kept.push(name);
  }
  const last = names.at(-1) ?? "";
  const isFolder = last === "" || last === "." || last === "..";
  return `/${kept.join("/")}${isFolder && kept.length > 0 ? "/" : ""}`;
}

/** True if a path that begins with `prefix` stays below it in the other readings too. */
export function staysBelow(path: string, prefix: string): boolean {
  // Most paths have nothing in them that could be read otherwise.
  if (!/%|\\|\/\.|\/\//.test(path)) return true;
  const wanted = tidyPath(`${prefix}/`);
  return `${tidyPath(path)}/`.startsWith(wanted === "/" ? wanted : `${wanted.replace(/\/$/, "")}/`);
}
