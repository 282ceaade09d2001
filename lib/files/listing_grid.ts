/** A listing as tiles: images are shown by the browser from the files themselves. */

import { MAX_THUMBNAIL_BYTES } from "../base/limits.ts";
import { escapeHtml } from "../http/html.ts";
import type { ListingEntry } from "./directory_listing.ts";
import { fileType } from "./file_type.ts";
import { entryHref, iconClass, nameHtml } from "./page_parts.ts";

/** The tiles as HTML; images are loaded when they are scrolled to. */
export function listingGrid(
  entries: readonly ListingEntry[],
  { hasParent }: { readonly hasParent: boolean },
): string {
  const up =
    '<li><a href="../"><span class="tile k k-up"></span><span class="label">.. (folder above)</span></a>';
  return `<ul class="grid">\n${[...hasParent ? [up] : [], ...entries.map(tile)].join("\n")}\n</ul>`;
}

function tile({ name, kind, size }: ListingEntry): string {
  const text = nameHtml(name);
  const label = `<span class="label">${text}</span>`;
  if (kind === "unavailable") {
    return `<li class="gone"><span class="tile k"></span>${text} (not available)`;
  }
  const isFolder = kind === "directory";
  const href = escapeHtml(entryHref([name], isFolder));
  if (!isFolder && fileType(name) === "image" && size <= MAX_THUMBNAIL_BYTES) {
    return `<li><a href="${href}?preview"><span class="tile"><img src="${href}" alt="" loading="lazy" decoding="async"></span>${label}</a>`;
  }
  return `<li><a href="${href}"><span class="tile k ${
    iconClass(name, isFolder)
  }"></span>${label}</a>`;
}
