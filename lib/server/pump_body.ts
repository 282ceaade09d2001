/** Sends a stream as the body of a request. */

import type { ClientRequest, OutgoingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import { clearImmediate, setImmediate } from "node:timers";
import { toMessage } from "../base/errors.ts";
import { headerPairs, isTrailer } from "../http/headers.ts";
import type { RawHeaders } from "../http/message.ts";
import { freeWhenWritten, ownsChunks } from "../http/owned_chunks.ts";

export interface PumpOptions {
  /** Bytes that the request announces; null for chunked. */
  readonly length: number | null;
  /** Called when the body fails or breaks its length; the request is the caller's to end. */
  readonly fail: (reason: string, cause?: unknown) => void;
  /** Asked for fields behind a chunked body, once it has ended; default: none. */
  readonly trailers?: () => RawHeaders;
}

/** Writes `body` to `outgoing` as fast as that takes it, and ends it. */
export function pumpBody(
  body: Readable,
  outgoing: ClientRequest,
  { length, fail, trailers }: PumpOptions,
): void {
  const isOwned = ownsChunks(body);
  let sent = 0;
  // A head waits for the first bytes of its body, so that both leave together; not for long.
  outgoing.once("socket", () => {
    const flush = setImmediate(() => {
      // Where bytes wait already, Deno's node:tls would lose the end of them by a flush.
      if (sent === 0) outgoing.flushHeaders();
    });
    outgoing.once("close", () => clearImmediate(flush));
  });
  outgoing.on("drain", () => body.resume());
  body.on("error", (error) => fail(toMessage(error), error));
  body.on("close", () => {
    if (!body.readableEnded) fail("it ended early");
  });
  body.on("data", (chunk: Uint8Array) => {
    if (outgoing.destroyed) return;
    sent += chunk.length;
    const done = isOwned ? freeWhenWritten(chunk) : undefined;
    if (length !== null && sent > length) fail(`it is longer than its ${length} bytes`);
    else if (sent === length) outgoing.end(chunk);
    else if (!outgoing.write(chunk, done)) body.pause();
  });
  body.on("end", () => {
    if (length !== null && sent < length) return fail(`it is shorter than its ${length} bytes`);
    if (outgoing.writableEnded) return;
    const fields = [...headerPairs(trailers?.() ?? [])]
      .filter(([name, value]) => isTrailer(name, value));
    // Its declared type knows no list of pairs, in which a name may stand twice.
    if (fields.length > 0) outgoing.addTrailers(fields as unknown as OutgoingHttpHeaders);
    outgoing.end();
  });
  // Failed before: its events are past.
  if (body.destroyed) fail("it ended early");
}
