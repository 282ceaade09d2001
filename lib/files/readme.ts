/** The text that a folder holds about itself. */

import { MAX_MARKDOWN_BYTES } from "../base/limits.ts";
import { escapeHtml } from "../http/html.ts";
import type { ListedName, ListingSource } from "./directory_listing.ts";
import { isFault } from "./file_system.ts";
import { renderMarkdown } from "./markdown.ts";
import { readText } from "./read_text.ts";

const README_REGEXP = /^readme(\.(?:md|markdown|txt))?$/i;

export interface Readme {
  readonly name: string;
  /** Safe to show among our own. */
  readonly html: string;
}

/** Finds and renders it; undefined where there is none that can be shown. */
export function readReadme(
  names: readonly ListedName[],
  source: ListingSource,
): Readme | undefined {
  // Every letter is compared in only those names that can be it.
  const candidates = names.filter(({ entry: { name }, isDirectory }) =>
    name.length <= "readme.markdown".length && !isDirectory && README_REGEXP.test(name)
  );
  const found = candidates.find(({ entry }) => isMarkdown(entry.name)) ?? candidates[0];
  if (found === undefined) return undefined;
  const { confinement, directory } = source;
  const located = confinement.locateEntry(directory, found.entry);
  if (isFault(located) || located.stat.kind !== "file") return undefined;
  const read = readText(located, { confinement, maxBytes: MAX_MARKDOWN_BYTES });
  if (isFault(read) || read.text === null || read.isCut) return undefined;
  const { name } = found.entry;
  const html = isMarkdown(name) ? renderMarkdown(read.text) : `<pre>${escapeHtml(read.text)}</pre>`;
  return { name, html };
}

function isMarkdown(name: string): boolean {
  return /\.(?:md|markdown)$/i.test(name);
}
