/** A listing as a web page. All links are relative, so they are right behind any prefix. */

import { escapeHtml, htmlPage } from "../http/html.ts";
import type { ListingEntry, ListingOrder, SortKey } from "./directory_listing.ts";

export interface ListingView {
  /** Names from the root down to the folder; empty for the root. */
  readonly segments: readonly string[];
  /** The entries of this page. */
  readonly entries: readonly ListingEntry[];
  readonly order: ListingOrder;
  /** Counted from 1. */
  readonly page: number;
  readonly pageCount: number;
  /** Entries on all pages. */
  readonly total: number;
}

/** The whole page as HTML. */
export function listingPage(view: ListingView): string {
  const title = view.segments.at(-1) ?? "Files";
  return htmlPage(
    title,
    [
      `<h1>${breadcrumbs(view.segments)}</h1>`,
      "<table>",
      `<thead><tr>${heading(view, "name")}${heading(view, "size")}${
        heading(view, "date")
      }</tr></thead>`,
      "<tbody>",
      ...view.segments.length > 0 ? ['<tr><td><a href="../">../</a><td><td></tr>'] : [],
      ...view.entries.map(row),
      "</tbody>",
      "</table>",
      `<p>${view.total} ${view.total === 1 ? "entry" : "entries"}</p>`,
      ...view.pageCount > 1 ? [pageLinks(view)] : [],
    ].join("\n"),
  );
}

/** The relative link to another page of the same listing: `?sort=size&order=desc&page=2`. */
export function pageHref(order: ListingOrder, page: number): string {
  const direction = order.isDescending ? "desc" : "asc";
  return `?sort=${order.key}&order=${direction}${page > 1 ? `&page=${page}` : ""}`;
}

function breadcrumbs(segments: readonly string[]): string {
  const crumbs = ["Files", ...segments].map((name, depth) => {
    const up = segments.length - depth;
    const text = escapeHtml(name);
    return up === 0 ? text : `<a href="${"../".repeat(up)}">${text}</a>`;
  });
  return crumbs.join(" / ");
}

function heading({ order }: ListingView, key: SortKey): string {
  const isCurrent = order.key === key;
  const isDescending = isCurrent && !order.isDescending;
  const sorted = order.isDescending ? "descending" : "ascending";
  const label = { name: "Name", size: "Size", date: "Date (UTC)" }[key];
  const href = escapeHtml(pageHref({ key, isDescending }, 1));
  return `<th scope="col"${
    isCurrent ? ` aria-sort="${sorted}"` : ""
  }><a href="${href}">${label}</a>`;
}

function row({ name, kind, size, mtime }: ListingEntry): string {
  const text = escapeHtml(name);
  if (kind === "unavailable") {
    return `<tr class="gone"><td>${text} (not available)<td><td></tr>`;
  }
  const slash = kind === "directory" ? "/" : "";
  // `./` keeps a name such as `javascript:x` from being read as a URL with a scheme.
  const href = escapeHtml(`./${encodeURIComponent(name)}${slash}`);
  const sizeCell = slash === "" ? `<td title="${size} bytes">${formatSize(size)}` : "<td>";
  return `<tr><td><a href="${href}">${text}${slash}</a>${sizeCell}<td>${formatDate(mtime)}</tr>`;
}

function pageLinks({ order, page, pageCount }: ListingView): string {
  const link = (label: string, to: number): string =>
    `<a href="${escapeHtml(pageHref(order, to))}">${label}</a>`;
  const links: string[] = [];
  if (page > 1) links.push(link("First", 1), link("Previous", page - 1));
  links.push(`Page ${page} of ${pageCount} `);
  if (page < pageCount) links.push(link("Next", page + 1), link("Last", pageCount));
  return `<nav aria-label="Pages">${links.join(" ")}</nav>`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

function formatSize(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), UNITS.length - 1);
  const value = bytes / 1024 ** power;
  return `${value.toFixed(power === 0 || value >= 100 ? 0 : 1)} ${UNITS[power]}`;
}

function formatDate(mtime: number | null): string {
  if (mtime === null) return "";
  const iso = new Date(mtime).toISOString();
  return `<time datetime="${iso}">${iso.replace(/T(..:..).*/, " $1")}</time>`;
}
