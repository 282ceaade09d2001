/** Conditional requests (RFC 9110 §13), in the order of §13.2.2. */

import { isStrongMatch, isWeakMatch, parseEtagList } from "./etag.ts";
import { headerValue, headerValues } from "./headers.ts";
import { parseHttpDate } from "./http_date.ts";
import type { HttpRequest, RawHeaders } from "./message.ts";

/** What identifies the state of a representation that exists. */
export interface Validators {
  /** As it stands in the ETag field, or undefined where there is none. */
  readonly etag: string | undefined;
  /** What Last-Modified says, in milliseconds (whole seconds), or undefined where it says nothing. */
  readonly lastModified: number | undefined;
}

export type Verdict = "proceed" | "not_modified" | "precondition_failed";

/**
 * Whether the preconditions of a request let its method run. To be asked only where the answer
 * without them would be a 2xx (§13.2.1).
 *
 * @param now the current time in milliseconds, for dates with two-digit years
 */
export function evaluatePreconditions(
  request: Pick<HttpRequest, "method" | "headers">,
  validators: Validators,
  now: number,
): Verdict {
  const { headers } = request;
  const isRead = request.method === "GET" || request.method === "HEAD";

  const ifMatch = joinedValue(headers, "if-match");
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, validators, isStrongMatch)) return "precondition_failed";
  } else {
    const since = dateValue(headers, "if-unmodified-since", now);
    if (since !== undefined && isModifiedSince(validators, since)) return "precondition_failed";
  }

  const ifNoneMatch = joinedValue(headers, "if-none-match");
  if (ifNoneMatch !== undefined) {
    if (!matches(ifNoneMatch, validators, isWeakMatch)) return "proceed";
    return isRead ? "not_modified" : "precondition_failed";
  }
  if (isRead && validators.lastModified !== undefined) {
    const since = dateValue(headers, "if-modified-since", now);
    if (since !== undefined && !isModifiedSince(validators, since)) return "not_modified";
  }
  return "proceed";
}

/**
 * Whether If-Range lets a Range be honoured (§13.1.5): it is absent, or holds the current strong
 * validator. A date is strong only where it is at least a second older than the answer (§8.8.2.2).
 */
export function isRangeAllowed(
  headers: RawHeaders,
  validators: Validators,
  now: number,
): boolean {
  const value = headerValue(headers, "if-range")?.trim();
  if (value === undefined) return true;
  const { etag, lastModified } = validators;
  if (value.endsWith('"')) return etag !== undefined && isStrongMatch(value, etag);
  return lastModified !== undefined && parseHttpDate(value, now) === lastModified &&
    now - lastModified >= 1000;
}

function matches(
  value: string,
  { etag }: Validators,
  isMatch: (a: string, b: string) => boolean,
): boolean {
  const tags = parseEtagList(value);
  if (tags === "*") return true;
  return etag !== undefined && tags.some((tag) => isMatch(tag, etag));
}

function isModifiedSince({ lastModified }: Validators, since: number): boolean {
  return lastModified !== undefined && lastModified > since;
}

// §5.3: a list that is spread over several lines is one list.
function joinedValue(headers: RawHeaders, name: string): string | undefined {
  const values = headerValues(headers, name);
  return values.length === 0 ? undefined : values.join(", ");
}

function dateValue(headers: RawHeaders, name: string, now: number): number | undefined {
  const value = headerValue(headers, name);
  return value === undefined ? undefined : parseHttpDate(value, now);
}
