/** Requests as an engine would make them, without one. */

import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import type { Delivery, HttpAnswer, HttpRequest, RawHeaders } from "../../lib/http/message.ts";

export interface FakeRequest extends HttpRequest {
  /** Interim answers that were sent. */
  readonly informed: readonly Pick<HttpAnswer, "status" | "headers">[];
  /** What the engine would do when the answer is out, or the peer is gone. */
  finish(delivery: Delivery): void;
}

export interface FakeRequestOptions {
  readonly method?: string;
  readonly headers?: RawHeaders;
  /** A stream comes as the test pushes it. */
  readonly body?: string | Uint8Array | Readable;
  /** Declared length of the body; default: its real one; null for a chunked one, as of a stream. */
  readonly bodyLength?: number | null;
  readonly remoteAddress?: string;
  readonly upgrade?: string;
}

export function createFakeRequest(target: string, options: FakeRequestOptions = {}): FakeRequest {
  const { method = "GET", headers = ["Host", "relay.test"], body } = options;
  const controller = new AbortController();
  const finished = Promise.withResolvers<Delivery>();
  const informed: Pick<HttpAnswer, "status" | "headers">[] = [];
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body ?? null;
  return {
    method,
    target,
    headers,
    httpVersion: "1.1",
    remoteAddress: options.remoteAddress ?? "192.0.2.1",
    bodyLength: options.bodyLength === undefined ? lengthOf(bytes) : options.bodyLength,
    body: bytes instanceof Uint8Array ? Readable.from([bytes], { objectMode: false }) : bytes,
    trailers: [],
    upgrade: options.upgrade ?? null,
    signal: controller.signal,
    finished: finished.promise,
    inform: (status, fields) => void informed.push({ status, headers: fields }),
    informed,
    finish: (delivery) => {
      finished.resolve(delivery);
      if (delivery === "cut") controller.abort();
    },
  };
}

function lengthOf(body: Uint8Array | Readable | null): number | null {
  return body instanceof Uint8Array ? body.length : null;
}

/** The body of an answer, one character per byte. */
export async function readAnswer(answer: HttpAnswer): Promise<string> {
  if (answer.body === null) return "";
  if (answer.body instanceof Uint8Array) return Buffer.from(answer.body).toString("latin1");
  const chunks: Uint8Array[] = [];
  for await (const chunk of answer.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString("latin1");
}
