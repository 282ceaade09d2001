/** Parts that the pages of the file server share. All links are relative. */

import { escapeControls } from "../base/log.ts";
import { escapeHtml } from "../http/html.ts";
import { fileType } from "./file_type.ts";

/** What the root is called. */
export const ROOT_TITLE = "Files";

/** A name for people, as HTML: controls and what turns the direction of a text are spelled out. */
export function nameHtml(name: string): string {
  return escapeHtml(escapeControls(name));
}

/**
 * The relative link from a folder's page to an entry, before escaping. `./` keeps a name such as
 * `javascript:x` from being read as an address with a scheme.
 */
export function entryHref(path: readonly string[], isDirectory: boolean): string {
  return `./${path.map(encodeSegment).join("/")}${isDirectory ? "/" : ""}`;
}

/**
 * The way from the root to a page. The last name is its heading. `isFile`: it is that of a file, or of
 * another page of the folder, which then is at "./".
 */
export function breadcrumbs(segments: readonly string[], isFile = false): string {
  const names = [ROOT_TITLE, ...segments];
  const crumbs = names.map((name, depth) => {
    const text = nameHtml(name);
    if (depth === names.length - 1) return `<li><h1 aria-current="page">${text}</h1>`;
    const up = names.length - 1 - depth - (isFile ? 1 : 0);
    return `<li><a href="${up === 0 ? "./" : "../".repeat(up)}">${text}</a>`;
  });
  return `<nav class="crumbs" aria-label="Folders"><ol>${crumbs.join("")}</ol></nav>`;
}

/** The class that gives an entry its icon. */
export function iconClass(name: string, isDirectory: boolean): string {
  if (isDirectory) return "k-folder";
  const type = fileType(name);
  return `k-${type === "markdown" ? "text" : type}`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** A size in bytes for people, with about three digits. */
export function formatSize(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${UNITS[power]}`;
}

/** A `time` element in UTC, or nothing. */
export function timeHtml(mtime: number | null): string {
  if (mtime === null) return "";
  const iso = new Date(mtime).toISOString();
  return `<time datetime="${iso.slice(0, 19)}Z">${iso.replace(/T(..:..).*/, " $1")}</time>`;
}

/** A number and its word: `1 file`, `1,234 files`. */
export function countOf(count: number, word: string): string {
  return `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;
}

// Names from the disk may hold a half of a surrogate pair, which encodeURIComponent refuses.
function encodeSegment(name: string): string {
  return encodeURIComponent(name.toWellFormed());
}
