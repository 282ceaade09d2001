/** What a reader of requests tells of bytes, as values that can be compared. */

import { Buffer } from "node:buffer";
import type { RawHeaders } from "../../lib/http/message.ts";
import { RequestReader } from "../../lib/http/request_reader.ts";

export type RequestEvent =
  | readonly ["head", line: string, headers: RawHeaders]
  /** One character per byte; all that comes in a row is one. */
  | readonly ["body", text: string]
  | readonly ["end", trailers: RawHeaders]
  /** `line` is of the head that is refused, where that is known. */
  | readonly ["refused", status: number, line: string | null]
  /** The bytes have come to their end within a request. */
  | readonly ["cut"];

/** Reads the pieces; the next request is begun as soon as the one before is whole. */
export function readRequests(pieces: readonly Uint8Array[]): readonly RequestEvent[] {
  const events: RequestEvent[] = [];
  const reader = new RequestReader({
    head: ({ method, target, httpVersion, headers }) =>
      events.push(["head", `${method} ${target} ${httpVersion}`, headers]),
    body: (bytes) => {
      const [kind, text = ""] = events.at(-1) ?? [];
      const more = Buffer.from(bytes).toString("latin1");
      if (kind === "body") events[events.length - 1] = ["body", String(text) + more];
      else events.push(["body", more]);
    },
    end: (trailers) => events.push(["end", trailers]),
    refuse: ({ status }, head) =>
      events.push([
        "refused",
        status,
        head === undefined ? null : `${head.method} ${head.target} ${head.httpVersion}`,
      ]),
  });
  for (const piece of pieces) {
    for (let rest = piece; rest.length > 0;) {
      rest = rest.subarray(reader.push(rest));
      reader.next();
    }
  }
  if (reader.isWithin) events.push(["cut"]);
  return events;
}
