/** What may lie between the public and the private side of a contestant. */

import type { Link } from "./contestant.ts";

/** Nothing; the public side listens on an address of this computer of its own. */
export function createDirectLink(publicHost: string): Link {
  return {
    publicHost,
    toPublic: () => Promise.resolve(publicHost),
    toPrivate: () => Promise.resolve("127.0.0.1"),
    privatePrefix: [],
  };
}
