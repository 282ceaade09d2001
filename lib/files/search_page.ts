/** What a search has found, as a web page. */

import { MAX_SEARCH_RESULTS, SEARCH_TIME_MS } from "../base/limits.ts";
import { escapeControls } from "../base/log.ts";
import { escapeHtml, htmlPage } from "../http/html.ts";
import { assetHead } from "./assets.ts";
import {
  breadcrumbs,
  countOf,
  entryHref,
  formatSize,
  iconClass,
  nameHtml,
  timeHtml,
} from "./page_parts.ts";
import type { FoundEntry, SearchResult } from "./search_folder.ts";

export interface SearchView {
  /** Names from the root down to the folder that was searched. */
  readonly segments: readonly string[];
  /** "" where nothing was searched for yet. */
  readonly words: string;
  readonly result: SearchResult;
}

/** The whole page as HTML. */
export function searchPage({ segments, words, result }: SearchView): string {
  const focus = words === "" ? " autofocus" : "";
  return htmlPage(
    words === "" ? "Search" : `${escapeControls(words)} – search`,
    `<header>${breadcrumbs([...segments, "Search"], true)}<p>${summary(words, result)}</p></header>
<div class="bar"><form role="search"><label class="hidden" for="search">Search names here and below</label>
<input type="search" id="search" name="search" placeholder="Search names here and below" value="${
      escapeHtml(words)
    }"${focus}><button>Search</button></form></div>
${result.entries.length === 0 ? "" : table(result.entries)}`,
    assetHead(segments.length),
  );
}

function summary(words: string, { entries, cut }: SearchResult): string {
  if (words === "") return "Names that contain all of the words, in this folder and all below";
  const found = entries.length === 0 ? "Nothing found" : `${countOf(entries.length, "name")} found`;
  switch (cut) {
    case "time":
      return `${found} in ${
        SEARCH_TIME_MS / 1000
      } seconds: there may be more. Search in a smaller folder`;
    case "count":
      return `The first ${countOf(MAX_SEARCH_RESULTS, "name")}: there are more. Give more words`;
    case undefined:
      return found;
  }
}

function table(entries: readonly FoundEntry[]): string {
  return `<table class="list">
<thead><tr><th scope="col" class="f">Name<th scope="col" class="s">Size<th scope="col" class="d">Date (UTC)
<tbody>
${entries.map(row).join("\n")}
</table>`;
}

function row({ path, isDirectory, size, mtime }: FoundEntry): string {
  const name = path.at(-1) ?? "";
  const above = path.length > 1
    ? `<span class="dir">${nameHtml(path.slice(0, -1).join("/"))}/</span>`
    : "";
  const slash = isDirectory ? '<span class="dir">/</span>' : "";
  const href = escapeHtml(entryHref(path, isDirectory));
  return `<tr class="plain ${
    iconClass(name, isDirectory)
  }"><td class="f"><div class="n"><a href="${href}">${above}${
    nameHtml(name)
  }${slash}</a></div><td class="s">${isDirectory ? "" : formatSize(size)}<td class="d">${
    timeHtml(mtime)
  }`;
}
