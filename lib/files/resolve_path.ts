/**
 * From the path of a request to names on a disk, or to a refusal. This is the only reading of a
 * path: what is allowed is decided on the same names that are opened. Pure.
 */

import type { FileSystem } from "./file_system.ts";
import { dropIgnored } from "./name_patterns.ts";
import { isWindowsTrap } from "./windows_name.ts";

export type ResolvedPath =
  | {
    readonly kind: "path";
    /** Decoded names from the root down; empty for the root itself. */
    readonly segments: readonly string[];
    /** True where a folder is asked for. */
    readonly hasTrailingSlash: boolean;
  }
  | { readonly kind: "refused"; readonly status: 400 | 404; readonly reason: string };

/**
 * Reads a raw path below the mount of the file server: `""` and `"/"` are the root, everything else
 * begins with `/`.
 *
 * Each name between slashes is percent-decoded once, as UTF-8. What cannot be decoded is a 400.
 * Everything with a second meaning is a 404: `.` and `..`, an empty name (`//`), an encoded slash,
 * a backslash, hidden names, and on Windows whatever that system reads differently. Nothing is
 * normalised away, so there is exactly one path to each file.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(resolvePath("/a%20b/c", "posix"), {
 *   kind: "path",
 *   segments: ["a b", "c"],
 *   hasTrailingSlash: false,
 * });
 * ```
 */
export function resolvePath(rawPath: string, platform: FileSystem["platform"]): ResolvedPath {
  if (rawPath === "" || rawPath === "/") {
    return { kind: "path", segments: [], hasTrailingSlash: true };
  }
  if (!rawPath.startsWith("/")) return refused(404, "no slash at the start");
  const parts = rawPath.slice(1).split("/");
  const hasTrailingSlash = parts.at(-1) === "";
  if (hasTrailingSlash) parts.pop();
  const segments: string[] = [];
  for (const part of parts) {
    const name = decodeSegment(part);
    if (name === undefined) return refused(400, "bad percent-encoding");
    if (name.includes("\0")) return refused(400, "a NUL byte");
    if (!isServableName(name, platform)) return refused(404, "a name that is not served");
    segments.push(name);
  }
  return { kind: "path", segments, hasTrailingSlash };
}

/** True where a file of this name may be served and listed, as far as the name tells. */
export function isServableName(name: string, platform: FileSystem["platform"]): boolean {
  if (name === "" || isHiddenName(name) || /[/\\\0]/.test(name)) return false;
  return platform === "posix" || !isWindowsTrap(name);
}

/** Names that begin with a dot, `.` and `..` among them; RFC 8615 makes `.well-known` public. */
export function isHiddenName(name: string): boolean {
  return dropIgnored(name).startsWith(".") && name !== ".well-known";
}

// A BOM is a part of a name like any other character.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Percent-decodes one segment; bytes above 127 may stand for themselves (Latin-1 characters). */
function decodeSegment(raw: string): string | undefined {
  if (/^[\x20-\x24\x26-\x7e]*$/.test(raw)) return raw;
  const bytes = new Uint8Array(raw.length);
  let length = 0;
  for (let i = 0; i < raw.length; i++) {
    let byte = raw.charCodeAt(i);
    if (byte > 255) return undefined;
    if (byte === 0x25) {
      const hex = raw.slice(i + 1, i + 3);
      if (!/^[0-9a-f]{2}$/i.test(hex)) return undefined;
      byte = Number.parseInt(hex, 16);
      i += 2;
    }
    bytes[length++] = byte;
  }
  try {
    return utf8.decode(bytes.subarray(0, length));
  } catch {
    return undefined; // overlong or otherwise not UTF-8
  }
}

function refused(status: 400 | 404, reason: string): ResolvedPath {
  return { kind: "refused", status, reason };
}
