/** What a listing is asked for by its query, and the links that ask for it. Pure. */

import type { ListingOrder } from "./directory_listing.ts";

export type ListingLayout = "list" | "grid";

export interface ListingQuery {
  /** Words that a name has to contain; "" lets all pass. */
  readonly filter: string;
  readonly order: ListingOrder;
  /** As asked, from 1 on; there may be fewer pages. */
  readonly page: number;
  readonly layout: ListingLayout;
}

/** Reads a query. What makes no sense counts as not given: links live longer than programs. */
export function parseListingQuery(query: URLSearchParams): ListingQuery {
  const sort = query.get("sort");
  const page = query.get("page") ?? "";
  return {
    filter: query.get("filter")?.trim() ?? "",
    order: {
      key: sort === "size" || sort === "date" ? sort : "name",
      isDescending: query.get("order") === "desc",
    },
    page: /^[0-9]+$/.test(page) ? Math.max(1, Number(page)) : 1,
    layout: query.get("view") === "grid" ? "grid" : "list",
  };
}

/** The members of the query that are not as by default, as names and values. */
export function listingParameters(query: ListingQuery): [name: string, value: string][] {
  const { filter, order, page, layout } = query;
  const pairs: [string, string][] = [];
  if (filter !== "") pairs.push(["filter", filter]);
  if (order.key !== "name") pairs.push(["sort", order.key]);
  if (order.isDescending) pairs.push(["order", "desc"]);
  if (layout === "grid") pairs.push(["view", "grid"]);
  if (page > 1) pairs.push(["page", String(page)]);
  return pairs;
}

/**
 * The relative link to a listing of the same folder, all characters plain ASCII.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * const query = parseListingQuery(new URLSearchParams("sort=size&page=2&filter=<b>"));
 * assertEquals(listingHref(query, { page: 3 }), "./?filter=%3Cb%3E&sort=size&page=3");
 * assertEquals(listingHref(query, { filter: "", order: { key: "name", isDescending: false } }), "./?page=2");
 * ```
 */
export function listingHref(query: ListingQuery, changes: Partial<ListingQuery>): string {
  const pairs = listingParameters({ ...query, ...changes });
  return pairs.length === 0 ? "./" : `./?${new URLSearchParams(pairs)}`;
}
