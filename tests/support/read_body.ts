/** Reads the body of an answer to its end, as an engine does. */

import { Buffer } from "node:buffer";
import type { HttpAnswer } from "../../lib/http/message.ts";

export async function readBody(body: HttpAnswer["body"]): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError("Cannot read body: a chunk is no bytes");
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
