/** Exchanges without visitors. */

import type { Delivery } from "../../lib/http/message.ts";
import type { ExchangeOptions, ForwardedRequest } from "../../lib/relay/exchange.ts";

/** A GET of `/`. */
export function toForwardedRequest(
  id: string,
  changes: Partial<ForwardedRequest> = {},
): ForwardedRequest {
  return {
    id,
    method: "GET",
    path: "/",
    query: "",
    headers: [],
    address: "192.0.2.1",
    body: new Uint8Array(),
    bodyLength: null,
    wantsUpgrade: false,
    place: { prefix: "", authorities: [] },
    ...changes,
  };
}

/** A visitor who takes whatever comes. */
export function toVisitor(
  finished: Promise<Delivery> = Promise.resolve("delivered"),
): ExchangeOptions["visitor"] {
  return { finished, trailers: [], inform: () => {} };
}
