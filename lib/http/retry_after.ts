/** When to come again (RFC 9110 §10.2.3). Pure. */

import { headerValue } from "./headers.ts";
import type { RawHeaders } from "./message.ts";

/** Milliseconds; undefined where it is not said, or by a date, which needs two clocks that agree. */
export function readRetryAfter(headers: RawHeaders): number | undefined {
  const text = headerValue(headers, "retry-after") ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) * 1000 : undefined;
}
