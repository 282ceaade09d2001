/** A listing as JSON, in the shape of the original 2.x servers, with more members. */

import type { ListingEntry } from "./directory_listing.ts";

/**
 * The text in pieces: `{"entries":[{"name":"a b.txt","size":6,"is_dir":false,…}]}`. Entries that
 * cannot be asked for are left out, as the original does.
 */
export async function* listingJson(
  slices: AsyncIterable<readonly ListingEntry[]>,
): AsyncGenerator<string> {
  let separator = '{"entries":[';
  for await (const slice of slices) {
    let text = "";
    for (const entry of slice) {
      if (entry.kind === "unavailable") continue;
      text += separator + JSON.stringify(toJson(entry));
      separator = ",";
    }
    if (text !== "") yield text;
  }
  yield separator === "," ? "]}" : `${separator}]}`;
}

function toJson({ name, kind, size, mtime }: ListingEntry): Record<string, unknown> {
  return {
    name,
    size,
    is_dir: kind === "directory",
    type: kind,
    mtime: mtime === null ? null : new Date(mtime).toISOString(),
  };
}
