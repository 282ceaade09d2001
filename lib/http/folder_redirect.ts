/** Redirects to folders. */

import type { HttpAnswer } from "./message.ts";

/**
 * The relative place of a folder that was asked for without its slash: right behind any prefix,
 * host and scheme. Permanent, since no file can take the folder's name.
 *
 * @param query with its `?`, or empty
 */
export function redirectToFolder(name: string, query: string): HttpAnswer {
  const location = `./${encodeURIComponent(name)}/${query}`;
  return {
    status: 308,
    headers: [
      "Location",
      location,
      "Cache-Control",
      "no-cache",
      "X-Content-Type-Options",
      "nosniff",
    ],
    body: null,
  };
}
