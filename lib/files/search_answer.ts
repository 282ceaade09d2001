/** The answer to `?search=words` on a folder: what is found in it and below, as HTML, JSON or text. */

import { escapeControls } from "../base/log.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { FILE_PAGE_HEADERS } from "./assets.ts";
import { chooseType, typeHeaders } from "./listing_answer.ts";
import {
  type FoundEntry,
  searchFolder,
  type SearchOptions,
  type SearchResult,
} from "./search_folder.ts";
import { searchPage } from "./search_page.ts";

export interface SearchAnswerOptions extends Omit<SearchOptions, "words"> {
  /** Names from the root down to the folder. */
  readonly segments: readonly string[];
  /** The request's query with its `?`. */
  readonly query: string;
}

const encoder = new TextEncoder();

/** Whether a query asks for a search. */
export function isSearchQuery(query: string): boolean {
  return query.includes("search=") && new URLSearchParams(query).has("search");
}

/** Searches; without words it finds nothing, and the page asks for some. */
export async function answerSearch(
  request: Pick<HttpRequest, "headers">,
  options: SearchAnswerOptions,
): Promise<HttpAnswer> {
  const { segments } = options;
  const parameters = new URLSearchParams(options.query);
  const words = parameters.get("search")?.trim() ?? "";
  const result: SearchResult = words === ""
    ? { entries: [], cut: undefined }
    : await searchFolder({ ...options, words });
  const { type, headers } = chooseType(request.headers, parameters);
  const stateHeaders = [...headers, "Cache-Control", "no-cache"];
  if (type === "text/html") {
    const links = '<./>; rel="up"';
    return {
      status: 200,
      headers: [...stateHeaders, ...FILE_PAGE_HEADERS, "Link", links],
      body: encoder.encode(searchPage({ segments, words, result })),
    };
  }
  const text = type === "text/plain" ? toText(result) : toJson(result);
  return {
    status: 200,
    headers: [...stateHeaders, ...typeHeaders(type)],
    body: encoder.encode(text),
  };
}

function toText({ entries }: SearchResult): string {
  return entries.map((entry) => `${escapeControls(pathOf(entry))}\n`).join("");
}

function toJson({ entries, cut }: SearchResult): string {
  return JSON.stringify({
    entries: entries.map((entry) => ({
      path: pathOf(entry),
      size: entry.size,
      is_dir: entry.isDirectory,
      type: entry.isDirectory ? "directory" : "file",
      mtime: entry.mtime === null ? null : new Date(entry.mtime).toISOString(),
    })),
    // "time" or "count" where there may be more.
    cut: cut ?? null,
  });
}

/** As it stands in an address below the folder, but not encoded. */
function pathOf({ path, isDirectory }: FoundEntry): string {
  return path.join("/") + (isDirectory ? "/" : "");
}
