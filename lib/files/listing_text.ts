/** A listing as plain text, for scripts: one name per line, folders with a slash at the end. */

import { escapeControls } from "../base/log.ts";
import type { ListingEntry } from "./directory_listing.ts";

/** The text in pieces. Control characters are escaped, so that a line is a name. */
export async function* listingText(
  slices: AsyncIterable<readonly ListingEntry[]>,
): AsyncGenerator<string> {
  for await (const slice of slices) {
    const lines = slice.filter(({ kind }) => kind !== "unavailable").map(({ name, kind }) =>
      `${escapeControls(name)}${kind === "directory" ? "/" : ""}\n`
    );
    if (lines.length > 0) yield lines.join("");
  }
}
