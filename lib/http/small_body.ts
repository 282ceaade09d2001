/** Bodies that are small enough to be passed on as one piece. */

import { Buffer } from "node:buffer";
import type { Readable } from "node:stream";
import type { Clock } from "../base/clock.ts";

export interface GatherOptions {
  readonly clock: Clock;
  /** How long its end is waited for. */
  readonly waitMs: number;
  /** How much of it is held at the most. */
  readonly maxBytes: number;
}

/**
 * All of a body as bytes, if its end comes soon enough and early enough; else the body, with nothing
 * lost, paused. Never rejects: a body that breaks off is given back as it is.
 */
export function gatherSmallBody(
  body: Readable,
  { clock, waitMs, maxBytes }: GatherOptions,
): Promise<Uint8Array | Readable> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const take = (chunk: Uint8Array): void => {
      chunks.push(chunk);
      length += chunk.length;
      if (length > maxBytes) giveBack();
    };
    const settle = (result: Uint8Array | Readable): void => {
      clock.clear(timer);
      body.off("data", take).off("end", end).off("close", close);
      resolve(result);
    };
    const end = (): void => settle(Buffer.concat(chunks));
    const close = (): void => settle(body);
    const giveBack = (): void => {
      body.pause();
      settle(body);
      if (length > 0 && !body.destroyed) body.unshift(Buffer.concat(chunks));
    };
    const timer = clock.after(waitMs, giveBack);
    body.on("data", take).on("end", end).on("close", close);
    if (body.destroyed) close();
  });
}
