/** Bodies that are small enough to be passed on as one piece. */

import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";
import type { Clock } from "../base/clock.ts";

/**
 * All of a body as bytes, if its end comes within `waitMs`; else the body, with nothing lost, paused.
 * For bodies that are known to be short: everything that comes is held. Never rejects: a body that
 * breaks off is given back as it is.
 */
export function gatherSmallBody(
  body: Readable,
  { clock, waitMs }: { readonly clock: Clock; readonly waitMs: number },
): Promise<Uint8Array | Readable> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    const take = (chunk: Uint8Array): void => void chunks.push(chunk);
    const settle = (result: Uint8Array | Readable): void => {
      clock.clear(timer);
      body.off("data", take).off("end", end).off("close", close);
      resolve(result);
    };
    const end = (): void => settle(Buffer.concat(chunks));
    const close = (): void => settle(body);
    const timer = clock.after(waitMs, () => {
      body.pause();
      settle(body);
      if (chunks.length > 0 && !body.destroyed) body.unshift(Buffer.concat(chunks));
    });
    body.on("data", take).on("end", end).on("close", close);
    if (body.destroyed) close();
  });
}
