/** What a reader of answers tells of bytes, as values that can be compared. */

import { Buffer } from "node:buffer";
import { ProtocolError } from "../../lib/base/errors.ts";
import type { RawHeaders } from "../../lib/http/message.ts";
import { type Expectation, ResponseReader } from "../../lib/client/response_reader.ts";

export type ResponseEvent =
  | readonly ["interim", status: number, headers: RawHeaders]
  | readonly [
    "head",
    status: number,
    headers: RawHeaders,
    length: number | null,
    fate: "kept" | "closed",
  ]
  /** One character per byte; all that comes in a row is one. */
  | readonly ["body", text: string]
  | readonly ["end", trailers: RawHeaders]
  | readonly ["switched", headers: RawHeaders, rest: string]
  /** Why the rest is refused. */
  | readonly ["refused", reason: string]
  /** The peer has closed, and the answer is not whole. */
  | readonly ["cut"];

export interface ReadingOptions {
  /** What is asked for, one after the other; default: one answer to a GET. */
  readonly expected?: readonly Partial<Expectation>[];
  /** Whether the peer closes behind it. */
  readonly closes?: boolean;
}

/** Reads the pieces; a request is sent as soon as the answer to the one before is whole. */
export function readEvents(
  pieces: readonly Uint8Array[],
  { expected = [{}], closes = false }: ReadingOptions = {},
): readonly ResponseEvent[] {
  const events: ResponseEvent[] = [];
  const [first, ...rest] = expected;
  const waiting = [...rest];
  const expect = (expectation: Partial<Expectation> | undefined): void => {
    if (expectation === undefined) return;
    reader.expect({ isHead: false, allowsSwitch: false, ...expectation });
  };
  const reader = new ResponseReader({
    interim: (status, headers) => events.push(["interim", status, headers]),
    head: ({ status, headers, length, keepsAlive }) =>
      events.push(["head", status, headers, length, keepsAlive ? "kept" : "closed"]),
    body: (bytes) => {
      const [kind, text = ""] = events.at(-1) ?? [];
      const more = Buffer.from(bytes).toString("latin1");
      if (kind === "body") events[events.length - 1] = ["body", String(text) + more];
      else events.push(["body", more]);
    },
    end: (trailers) => {
      events.push(["end", trailers]);
      expect(waiting.shift());
    },
    switched: (headers, bytes) =>
      events.push(["switched", headers, Buffer.from(bytes).toString("latin1")]),
  });
  expect(first);
  try {
    for (const piece of pieces) reader.push(piece);
    if (closes && !reader.end()) events.push(["cut"]);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    events.push(["refused", error.message]);
  }
  return events;
}
