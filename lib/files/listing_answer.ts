/** The answer to a request for a folder: its listing as HTML, JSON or text. */

import { Readable } from "node:stream";
import { GRID_PAGE_ENTRIES, LISTING_PAGE_ENTRIES } from "../base/limits.ts";
import type { Slots } from "../base/slots.ts";
import type { Turns } from "../base/turns.ts";
import { preferredType } from "../http/accept.ts";
import type { HttpAnswer, HttpRequest, RawHeaders } from "../http/message.ts";
import { FILE_PAGE_HEADERS } from "./assets.ts";
import {
  type ListedName,
  type ListingSource,
  readEntries,
  sortNames,
} from "./directory_listing.ts";
import { type FileFault, isFault } from "./file_system.ts";
import type { FolderNames } from "./folder_names.ts";
import { listingJson } from "./listing_json.ts";
import { listingPage } from "./listing_page.ts";
import { listingHref, type ListingQuery, parseListingQuery } from "./listing_query.ts";
import { listingText } from "./listing_text.ts";
import { createNameFilter } from "./name_filter.ts";
import { readReadme } from "./readme.ts";
import { inSlices } from "./slices.ts";

export interface ListingAnswerOptions extends ListingSource {
  /** Names from the root down to the folder. */
  readonly segments: readonly string[];
  /** The request's query with its `?`, or `""`. */
  readonly query: string;
  /** `auto` chooses by `format` and Accept; HTML for who takes anything, as the original has it. */
  readonly form: "auto" | "json";
  readonly bounds: ListingBounds;
  /** Milliseconds since 1970, when the folder was located. */
  readonly now: number;
  /** Aborts when nobody waits for the listing any more. */
  readonly signal: AbortSignal | undefined;
}

/** What all listings of a server share, so that those of big folders do not take all of it. */
export interface ListingBounds {
  readonly names: FolderNames;
  /** For putting a big one together. */
  readonly turns: Turns;
  /** For sending one that is whole. */
  readonly streams: Slots;
}

type ListingRequest = Pick<HttpRequest, "headers">;

/** The media types of a listing. */
export type ListingType = "text/html" | "application/json" | "text/plain";

const encoder = new TextEncoder();

/** Lists a folder. HTML comes in pages, JSON and text whole: streamed where that is much. */
export async function answerListing(
  request: ListingRequest,
  options: ListingAnswerOptions,
): Promise<HttpAnswer | FileFault> {
  const { bounds, now, signal } = options;
  const names = await bounds.names.read(options, now);
  if (isFault(names)) return names;
  if (names.length <= LISTING_PAGE_ENTRIES) return await showNames(request, names, options);
  const answer = await bounds.turns.run(async () =>
    signal?.aborted === true ? BUSY : await showNames(request, names, options)
  );
  return answer === "full" ? BUSY : answer;
}

const BUSY: FileFault = { fault: "busy" };

async function showNames(
  request: ListingRequest,
  names: readonly ListedName[],
  options: ListingAnswerOptions,
): Promise<HttpAnswer | FileFault> {
  const parameters = new URLSearchParams(options.query);
  const query = parseListingQuery(parameters);
  const shown = query.filter === "" ? names : await filterNames(names, query.filter);
  const { type, headers } = options.form === "json"
    ? { type: "application/json", headers: [] } as const
    : chooseType(request.headers, parameters);
  const stateHeaders = [...headers, "Cache-Control", "no-cache"];
  if (type === "text/html") {
    return await answerPage(shown, { ...options, allNames: names, query, headers: stateHeaders });
  }
  const slices = readEntries(shown, options);
  const pieces = type === "text/plain" ? listingText(slices) : listingJson(slices);
  const body = shown.length > LISTING_PAGE_ENTRIES
    ? streamPieces(pieces, options.bounds)
    : encoder.encode((await Array.fromAsync(pieces)).join(""));
  if (body === undefined) return BUSY;
  return { status: 200, headers: [...stateHeaders, ...typeHeaders(type)], body };
}

/** The type that `format` or else Accept asks for, and the fields that say on what it depends. */
export function chooseType(
  requestHeaders: RawHeaders,
  parameters: URLSearchParams,
): { readonly type: ListingType; readonly headers: RawHeaders } {
  const format = parameters.get("format");
  if (format === "json") return { type: "application/json", headers: [] };
  if (format === "text") return { type: "text/plain", headers: [] };
  const type = preferredType(requestHeaders, ["text/html", "application/json", "text/plain"]);
  return { type, headers: ["Vary", "Accept"] };
}

/** Fields of a list that is not a page. */
export function typeHeaders(type: Exclude<ListingType, "text/html">): RawHeaders {
  const full = type === "text/plain" ? `${type}; charset=utf-8` : type;
  return ["X-Content-Type-Options", "nosniff", "Content-Type", full];
}

/** A body that is made while it is read; undefined where too many of those are being sent. */
function streamPieces(
  pieces: AsyncIterable<string>,
  { streams }: ListingBounds,
): Readable | undefined {
  const release = streams.take();
  if (release === undefined) return undefined;
  return Readable.from(encodeAll(pieces), { objectMode: false }).once("close", release);
}

async function filterNames(
  names: readonly ListedName[],
  filter: string,
): Promise<readonly ListedName[]> {
  const isFound = createNameFilter(filter);
  const found: ListedName[] = [];
  for await (const slice of inSlices(names)) {
    for (const name of slice) if (isFound(name.entry.name)) found.push(name);
  }
  return found;
}

async function answerPage(
  names: readonly ListedName[],
  options: Omit<ListingAnswerOptions, "query"> & {
    readonly allNames: readonly ListedName[];
    readonly query: ListingQuery;
    readonly headers: RawHeaders;
  },
): Promise<HttpAnswer> {
  const { query, segments, allNames, headers } = options;
  const perPage = query.layout === "grid" ? GRID_PAGE_ENTRIES : LISTING_PAGE_ENTRIES;
  const pageCount = Math.max(1, Math.ceil(names.length / perPage));
  // A page past the end shows the last one: entries may have gone since the link was made.
  const page = Math.min(query.page, pageCount);
  const sorted = await sortNames(names, query.order, options);
  const onPage = sorted.slice((page - 1) * perPage, page * perPage);
  const entries = (await Array.fromAsync(readEntries(onPage, options))).flat();
  const folderCount = names.reduce((count, { isDirectory }) => count + (isDirectory ? 1 : 0), 0);
  const hasReadme = page === 1 && query.filter === "";
  const html = listingPage({
    segments,
    entries,
    query: { ...query, page },
    pageCount,
    folderCount,
    fileCount: names.length - folderCount,
    unfilteredCount: allNames.length,
    readme: hasReadme ? readReadme(allNames, options) : undefined,
  });
  const links = pageLinks(query, { page, pageCount, hasParent: segments.length > 0 });
  return {
    status: 200,
    headers: [...headers, ...FILE_PAGE_HEADERS, "Link", links.join(", ")],
    body: encoder.encode(html),
  };
}

/** The elements of a Link field (RFC 8288 §3). */
function pageLinks(
  query: ListingQuery,
  { page, pageCount, hasParent }: {
    readonly page: number;
    readonly pageCount: number;
    readonly hasParent: boolean;
  },
): string[] {
  const link = (rel: string, to: number): string =>
    `<${listingHref(query, { page: to })}>; rel="${rel}"`;
  return [
    ...hasParent ? ['<../>; rel="up"'] : [],
    '<./?format=json>; rel="alternate"; type="application/json"',
    ...page > 1 ? [link("first", 1), link("prev", page - 1)] : [],
    ...page < pageCount ? [link("next", page + 1), link("last", pageCount)] : [],
  ];
}

async function* encodeAll(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield encoder.encode(piece);
}
