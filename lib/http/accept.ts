/** Choosing among the forms of one answer by the Accept field (RFC 9110 §12.5.1). */

import { accepts } from "@std/http/negotiation";
import { headerValues } from "./headers.ts";
import type { RawHeaders } from "./message.ts";

/**
 * The offered media type that the request prefers. `offers` stand in the order of our own
 * preference: the first is given to who takes anything (curl sends the wildcard), says nothing, or
 * takes none of them, since an answer in another form helps more than a 406.
 */
export function preferredType<T extends string>(
  headers: RawHeaders,
  offers: readonly [T, ...T[]],
): T {
  const value = headerValues(headers, "accept").join(", ");
  // What Headers refuses is no media type either.
  if (!/^[\t\x20-\x7e]+$/.test(value)) return offers[0];
  const chosen = accepts({ headers: new Headers({ accept: value }) }, ...offers);
  return offers.find((offer) => offer === chosen) ?? offers[0];
}
