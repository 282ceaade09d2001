/** What a relay's answer to a poll means. Pure. */

import { ProtocolError } from "../base/errors.ts";
import { headerValue } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";
import { readRetryAfter } from "../http/retry_after.ts";
import { type ClassicRequest, decodePollBody } from "../wire/http_serde.ts";
import { MODERN_HEADER, MODERN_VERSION } from "../wire/modern.ts";

export type PollOutcome =
  /** The relay is there; there may be work. */
  | { readonly kind: "requests"; readonly requests: readonly ClassicRequest[] }
  /** The relay is there, and speaks modern too. */
  | { readonly kind: "modern" }
  /** The relay does not let this server in. */
  | { readonly kind: "refused"; readonly reason: string }
  /** What answered is no relay, or not at this path. */
  | { readonly kind: "no_relay"; readonly reason: string }
  | Trouble;

/** Something that may pass. */
export interface Trouble {
  readonly kind: "trouble";
  readonly reason: string;
  /** How long it asks to be left alone, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
}

export function toPollOutcome(
  answer: { readonly status: number; readonly headers: RawHeaders; readonly body: Uint8Array },
): PollOutcome {
  const { status, headers, body } = answer;
  if (status === 204) return { kind: "requests", requests: [] };
  if (status === 200) {
    if (headerValue(headers, MODERN_HEADER.toLowerCase()) === MODERN_VERSION) {
      return { kind: "modern" };
    }
    try {
      return { kind: "requests", requests: decodePollBody(body) };
    } catch (error) {
      // An original relay answers 200 at any path it does not know.
      if (error instanceof ProtocolError) return { kind: "no_relay", reason: error.message };
      throw error;
    }
  }
  if (status === 401) {
    return { kind: "refused", reason: "the relay does not know this name with this key" };
  }
  if (status === 403) return { kind: "refused", reason: "the relay refuses this server" };
  if (status >= 300 && status < 400) {
    // Not followed: the key would go to an address that nobody has configured.
    const location = headerValue(headers, "location") ?? "";
    return {
      kind: "refused",
      reason: `it redirects to ${location}: set relay_url to that address`,
    };
  }
  if (status === 404) return { kind: "no_relay", reason: "the answer is 404 Not Found" };
  return { kind: "trouble", reason: toTrouble(status), retryAfterMs: readRetryAfter(headers) };
}

/** 429. */
export const TOO_MANY =
  "too many wrong keys came from this address, or a proxy before the relay has too much to do";

function toTrouble(status: number): string {
  switch (status) {
    case 429:
      return TOO_MANY;
    case 500:
      return "another process polls under this name, or the relay failed";
    case 503:
      return "the relay is stopping, or not started";
    default:
      return `the answer is ${status}`;
  }
}
