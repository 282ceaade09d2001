/** Reads a body that has to be small. */

import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";

/**
 * All of a body, or "too_long" as soon as it is more than `maxBytes`: then it is destroyed.
 *
 * @throws where the body breaks off.
 */
export async function readAtMost(
  body: Readable | null,
  maxBytes: number,
): Promise<Uint8Array | "too_long"> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early destroys the body.
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) return "too_long";
    chunks.push(chunk);
  }
  const [first] = chunks;
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
}
