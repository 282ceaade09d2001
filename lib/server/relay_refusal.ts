/** What it means that a relay, or something before it, does not open a channel. Pure. */

import { headerValue } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";
import { readRetryAfter } from "../http/retry_after.ts";
import { MODERN_HEADER } from "../wire/modern.ts";
import type { ChannelRefusal } from "./channel.ts";
import { TOO_MANY } from "./poll_outcome.ts";

/** `answer` came where a channel was to open. */
export function toRefusal(
  { status, headers }: { readonly status: number; readonly headers: RawHeaders },
): ChannelRefusal {
  switch (status) {
    // A relay says 403 where there is no key; a firewall says it of paths that it does not know.
    case 401:
      return { kind: "refused", reason: "the relay does not know this name with this key" };
    case 426: {
      const isRelay = headerValue(headers, MODERN_HEADER.toLowerCase()) !== undefined;
      const who = isRelay ? "a proxy takes the upgrade off" : "what answers wants another protocol";
      return { kind: "blocked", reason: who };
    }
    case 429:
      return {
        kind: "trouble",
        reason: TOO_MANY,
        retryAfterMs: readRetryAfter(headers),
      };
    case 503:
      return {
        kind: "trouble",
        reason: "the relay is stopping, or has too many of this name",
        retryAfterMs: readRetryAfter(headers),
      };
    default:
      return { kind: "blocked", reason: `the answer is ${status}` };
  }
}
