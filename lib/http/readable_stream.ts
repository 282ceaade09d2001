/** A body of node:stream as a web stream. */

import type { Readable } from "node:stream";
import { ClosedError } from "../base/errors.ts";
import { ownsChunks } from "./owned_chunks.ts";

/**
 * A stream of bytes that takes from `body` what is read from it and no more. Cancelling it destroys
 * the body; a body that is destroyed, or fails, makes it fail by a {@linkcode ClosedError}.
 */
export function toReadableStream(body: Readable): ReadableStream<Uint8Array<ArrayBuffer>> {
  const isOwned = ownsChunks(body);
  let isOver = false;
  return new ReadableStream({
    type: "bytes",
    start(controller): void {
      const fail = (cause?: unknown): void => {
        if (isOver) return;
        isOver = true;
        controller.error(new ClosedError("The body broke off", { cause }));
      };
      // Before the listener: it would start the flow.
      body.pause();
      body.on("data", (chunk: Uint8Array) => {
        if (isOver) return;
        body.pause();
        controller.enqueue(isOwned ? toOwnMemory(chunk) : copy(chunk));
      });
      body.on("end", () => {
        if (isOver) return;
        isOver = true;
        controller.close();
        // A reader that brought memory of its own gets it back.
        controller.byobRequest?.respond(0);
      });
      body.on("error", fail);
      body.on("close", () => fail());
      if (body.destroyed) fail();
    },
    pull: () => void body.resume(),
    cancel(): void {
      isOver = true;
      body.destroy();
    },
  }, { highWaterMark: 0 });
}

/** The stream takes the chunk's whole memory away, so that must hold nothing else. */
function toOwnMemory(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = chunk;
  return buffer instanceof ArrayBuffer && buffer.byteLength === chunk.length
    ? new Uint8Array(buffer)
    : copy(chunk);
}

function copy(chunk: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(chunk);
}
