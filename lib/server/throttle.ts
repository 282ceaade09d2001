/** Slows a body down, for tests of patience. */

import { Readable } from "node:stream";
import { type Clock, pause } from "../base/clock.ts";
import type { HttpAnswer } from "../http/message.ts";
import { destroyBody } from "../http/send_answer.ts";

/** `body` at one chunk a second, as the original's --throttle-upload has it. */
export function throttle(
  body: HttpAnswer["body"],
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): HttpAnswer["body"] {
  if (body === null || body instanceof Uint8Array) return body;
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body) {
        await pause(clock, 1000, signal);
        yield chunk;
      }
    } finally {
      destroyBody(body);
    }
  };
  return Readable.from(chunks(), { objectMode: false });
}
