/** The answer to a request for a folder: its listing as HTML, JSON or text. */

import { Readable } from "node:stream";
import { LISTING_PAGE_ENTRIES } from "../base/limits.ts";
import { preferredType } from "../http/accept.ts";
import { PAGE_HEADERS } from "../http/html.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import {
  type ListedName,
  type ListingEntry,
  type ListingOrder,
  type ListingSource,
  readEntries,
  readNames,
  sortNames,
} from "./directory_listing.ts";
import { type FileFault, isFault } from "./file_system.ts";
import type { ListingCache } from "./listing_cache.ts";
import { listingJson } from "./listing_json.ts";
import { listingPage, pageHref } from "./listing_page.ts";
import { listingText } from "./listing_text.ts";

export interface ListingAnswerOptions extends ListingSource {
  /** Names from the root down to the folder. */
  readonly segments: readonly string[];
  /** The request's query with its `?`, or `""`: `sort`, `order` and `page` are read. */
  readonly query: string;
  /** `auto` chooses by Accept; HTML for who takes anything, as the original has it. */
  readonly form: "auto" | "json";
  readonly cache: ListingCache;
  /** Milliseconds since 1970, when the folder was located. */
  readonly now: number;
}

const encoder = new TextEncoder();

/** Lists a folder. HTML comes in pages, JSON and text whole: streamed where that is much. */
export async function answerListing(
  request: Pick<HttpRequest, "headers">,
  options: ListingAnswerOptions,
): Promise<HttpAnswer | FileFault> {
  const { cache, directory } = options;
  let names = cache.get(directory);
  if (names === undefined) {
    const read = await readNames(options);
    if (isFault(read)) return read;
    cache.set(directory, read, options.now);
    names = read;
  }
  const type = options.form === "json" ? "application/json" : preferredType(request.headers, [
    "text/html",
    "application/json",
    "text/plain",
  ]);
  const headers = ["Cache-Control", "no-cache"];
  if (options.form === "auto") headers.push("Vary", "Accept");
  if (type === "text/html") return await answerPage(names, options, headers);
  headers.push("X-Content-Type-Options", "nosniff", "Content-Type");
  headers.push(type === "text/plain" ? `${type}; charset=utf-8` : type);
  const slices = readEntries(names, options);
  const pieces = type === "text/plain" ? listingText(slices) : listingJson(slices);
  const isLong = names.length > LISTING_PAGE_ENTRIES;
  const body = isLong
    ? Readable.from(encodeAll(pieces), { objectMode: false })
    : await join(pieces);
  return { status: 200, headers, body };
}

async function answerPage(
  names: readonly ListedName[],
  options: ListingAnswerOptions,
  headers: readonly string[],
): Promise<HttpAnswer> {
  const query = new URLSearchParams(options.query);
  const order = readOrder(query);
  const pageCount = Math.max(1, Math.ceil(names.length / LISTING_PAGE_ENTRIES));
  const page = readPage(query.get("page"), pageCount);
  const sorted = await sortNames(names, order, options);
  const start = (page - 1) * LISTING_PAGE_ENTRIES;
  const entries: ListingEntry[] = [];
  for await (
    const slice of readEntries(sorted.slice(start, start + LISTING_PAGE_ENTRIES), options)
  ) {
    entries.push(...slice);
  }
  const { segments } = options;
  const html = listingPage({ segments, entries, order, page, pageCount, total: names.length });
  const links = ['<?>; rel="alternate"; type="application/json"'];
  if (page > 1) links.push(`<${pageHref(order, page - 1)}>; rel="prev"`);
  if (page < pageCount) links.push(`<${pageHref(order, page + 1)}>; rel="next"`);
  return {
    status: 200,
    headers: [...headers, ...PAGE_HEADERS, "Link", links.join(", ")],
    body: encoder.encode(html),
  };
}

function readOrder(query: URLSearchParams): ListingOrder {
  const sort = query.get("sort");
  return {
    key: sort === "size" || sort === "date" ? sort : "name",
    isDescending: query.get("order") === "desc",
  };
}

// A page past the end shows the last one: entries may have gone since the link was made.
function readPage(text: string | null, pageCount: number): number {
  if (text === null || !/^[0-9]+$/.test(text)) return 1;
  return Math.min(Math.max(Number(text), 1), pageCount);
}

async function* encodeAll(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) yield encoder.encode(piece);
}

async function join(pieces: AsyncIterable<string>): Promise<Uint8Array> {
  let text = "";
  for await (const piece of pieces) text += piece;
  return encoder.encode(text);
}
