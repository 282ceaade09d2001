/** A listing as a web page. All links are relative, so they are right behind any prefix. */

import { escapeControls } from "../base/log.ts";
import { escapeHtml, htmlPage } from "../http/html.ts";
import { assetHead } from "./assets.ts";
import type { ListingEntry, SortKey } from "./directory_listing.ts";
import { fileType, hasPreview } from "./file_type.ts";
import { listingGrid } from "./listing_grid.ts";
import { listingHref, listingParameters, type ListingQuery } from "./listing_query.ts";
import {
  breadcrumbs,
  countOf,
  entryHref,
  formatSize,
  iconClass,
  nameHtml,
  ROOT_TITLE,
  timeHtml,
} from "./page_parts.ts";

export interface ListingView {
  /** Names from the root down to the folder; empty for the root. */
  readonly segments: readonly string[];
  /** The entries of this page. */
  readonly entries: readonly ListingEntry[];
  /** What was asked for; its page is one that exists. */
  readonly query: ListingQuery;
  readonly pageCount: number;
  /** Entries on all pages, after filtering. */
  readonly folderCount: number;
  readonly fileCount: number;
  /** Entries of the folder before filtering. */
  readonly unfilteredCount: number;
  /** The folder's own text as HTML that is safe, or undefined. */
  readonly readme: { readonly name: string; readonly html: string } | undefined;
}

/** The whole page as HTML. */
export function listingPage(view: ListingView): string {
  const { segments, query } = view;
  const depth = segments.length;
  return htmlPage(
    escapeControls(segments.at(-1) ?? ROOT_TITLE),
    [
      `<header>${breadcrumbs(segments)}<p>${summary(view)}</p></header>`,
      toolbar(query),
      listing(view),
      ...view.pageCount > 1 ? [pageLinks(view)] : [],
      ...view.readme === undefined ? [] : [readmeSection(view.readme)],
    ].join("\n"),
    assetHead(depth),
  );
}

function summary(
  { entries, folderCount, fileCount, unfilteredCount, pageCount, query }: ListingView,
): string {
  const total = folderCount + fileCount;
  if (query.filter !== "") {
    const found = `${total.toLocaleString("en")} of ${countOf(unfilteredCount, "name")}`;
    const search = escapeHtml(`./?${new URLSearchParams({ search: query.filter })}`);
    const all = escapeHtml(listingHref(query, { filter: "", page: 1 }));
    return `${found} with “${nameHtml(query.filter)}” · <a href="${all}">Show all</a> · ` +
      `<a href="${search}">Search all folders below</a>`;
  }
  const parts = [
    ...folderCount > 0 ? [countOf(folderCount, "folder")] : [],
    ...fileCount > 0 ? [countOf(fileCount, "file")] : [],
  ];
  // On several pages the sum would cost a look at every file.
  if (pageCount === 1 && fileCount > 0) {
    const bytes = entries.reduce((sum, { kind, size }) => sum + (kind === "file" ? size : 0), 0);
    parts.push(`<span title="${countOf(bytes, "byte")}">${formatSize(bytes)}</span>`);
  }
  return parts.length === 0 ? "Empty" : parts.join(", ");
}

function toolbar(query: ListingQuery): string {
  const other = query.layout === "list" ? "grid" : "list";
  const href = escapeHtml(listingHref(query, { layout: other, page: 1 }));
  return `<div class="bar"><form role="search">${hiddenFields({ ...query, filter: "", page: 1 })}
<label class="hidden" for="filter">Filter by name</label>
<input type="search" id="filter" name="filter" placeholder="Filter by name" value="${
    escapeHtml(query.filter)
  }"><button>Filter</button></form>
<div class="end"><a class="button" href="./?search=">Search</a><a class="button" href="${href}">${
    other === "grid" ? "Grid" : "List"
  }</a><a class="button" href="./?qr">Share</a></div></div>`;
}

function hiddenFields(query: ListingQuery): string {
  return listingParameters(query)
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`)
    .join("");
}

function listing(view: ListingView): string {
  const { entries, query, segments } = view;
  if (query.layout === "grid") return listingGrid(entries, { hasParent: segments.length > 0 });
  const rows = [...segments.length > 0 ? [UP_ROW] : [], ...entries.map(entryRow)];
  const heads = (["name", "size", "date"] as const).map((key) => heading(query, key)).join("");
  return `<form>
<table class="list">
<thead><tr><td class="t">${heads}
<tbody>
${rows.join("\n")}
</table>
${entries.length > 0 ? TAKE : ""}</form>`;
}

// Of the folder as it is, whatever is shown of it.
const TAKE = `<div class="take"><span><span class="all">Download the folder</span>` +
  `<span class="some">Download the ticked ones</span> as</span>` +
  `<button name="archive" value="zip">zip</button>` +
  `<button name="archive" value="tar">tar</button></div>\n`;

const UP_ROW = rowHtml({
  className: "k-up",
  name: '<a href="../">..<span class="hidden"> (folder above)</span></a>',
});

function heading(query: ListingQuery, key: SortKey): string {
  const { order } = query;
  const isCurrent = order.key === key;
  const isDescending = isCurrent && !order.isDescending;
  const sorted = order.isDescending ? "descending" : "ascending";
  const label = { name: "Name", size: "Size", date: "Date (UTC)" }[key];
  const href = escapeHtml(listingHref(query, { order: { key, isDescending }, page: 1 }));
  return `<th scope="col" class="${{ name: "f", size: "s", date: "d" }[key]}"${
    isCurrent ? ` aria-sort="${sorted}"` : ""
  }><a href="${href}">${label}</a>`;
}

function entryRow({ name, kind, size, mtime }: ListingEntry): string {
  const text = nameHtml(name);
  if (kind === "unavailable") {
    return rowHtml({ className: "gone", name: `${text} (not available)` });
  }
  const isFolder = kind === "directory";
  const href = escapeHtml(entryHref([name], isFolder));
  const slash = isFolder ? '<span class="dir">/</span>' : "";
  const hasEye = !isFolder && hasPreview(fileType(name));
  const eye = hasEye ? `<a class="eye" href="${href}?preview" title="Preview"></a>` : "";
  const value = escapeHtml(name);
  return rowHtml({
    className: iconClass(name, isFolder),
    tick: `<input type="checkbox" name="entry" value="${value}" aria-label="${text}">`,
    name: `<a href="${href}">${text}${slash}</a>${eye}`,
    bytes: isFolder ? undefined : size,
    mtime,
  });
}

/** All parts but numbers are HTML. */
function rowHtml({ className, tick = "", name, bytes, mtime = null }: {
  readonly className: string;
  readonly tick?: string;
  readonly name: string;
  readonly bytes?: number | undefined;
  readonly mtime?: number | null;
}): string {
  const size = bytes === undefined ? ">" : ` title="${bytes} bytes">${formatSize(bytes)}`;
  return `<tr class="${className}"><td class="t">${tick}<td class="f"><div class="n">${name}</div>` +
    `<td class="s"${size}<td class="d">${timeHtml(mtime)}`;
}

function pageLinks({ query, pageCount }: ListingView): string {
  const { page } = query;
  const link = (label: string, to: number, rel = ""): string =>
    `<a class="button" href="${escapeHtml(listingHref(query, { page: to }))}"${rel}>${label}</a>`;
  const links: string[] = [];
  if (page > 1) links.push(link("First", 1), link("Previous", page - 1, ' rel="prev"'));
  links.push(`<span>Page ${page} of ${pageCount}</span>`);
  if (page < pageCount) links.push(link("Next", page + 1, ' rel="next"'), link("Last", pageCount));
  return `<nav class="pages" aria-label="Pages">${links.join(" ")}</nav>`;
}

function readmeSection({ name, html }: { readonly name: string; readonly html: string }): string {
  return `<section class="doc" aria-label="${nameHtml(name)}">\n${html}</section>`;
}
