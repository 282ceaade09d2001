/** The beginning of a file as text. */

import type { ChangedFault, Confinement, Located } from "./confinement.ts";
import { readSmall } from "./file_body.ts";
import { type FileFault, isFault } from "./file_system.ts";

export interface FileText {
  /** Decoded as UTF-8, U+FFFD for what is not; null where it does not look like text. */
  readonly text: string | null;
  /** Whether there is more in the file. */
  readonly isCut: boolean;
}

/** Reads at most `maxBytes`, which should be few: it reads them at once. */
export function readText(
  located: Located,
  { confinement, maxBytes }: { readonly confinement: Confinement; readonly maxBytes: number },
): FileText | FileFault | ChangedFault {
  const file = confinement.open(located);
  if (isFault(file)) return file;
  try {
    const { size } = located.stat;
    const bytes = readSmall(file, { offset: 0, length: Math.min(size, maxBytes) });
    if (bytes === undefined) return { fault: "changed" };
    // No text in UTF-8 holds a NUL; most other files do.
    if (bytes.includes(0)) return { text: null, isCut: false };
    const isCut = size > maxBytes;
    // A character that is cut at the end is dropped with `stream`.
    return { text: new TextDecoder().decode(bytes, { stream: isCut }), isCut };
  } finally {
    file.close();
  }
}
