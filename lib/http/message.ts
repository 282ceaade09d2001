/**
 * The seam between HTTP engines and everything above them. An engine (the listener on node:http, or
 * a server's tunnel) makes a request and sends the answer; a handler turns one into the other and
 * never sees a socket.
 */

import type { Readable } from "node:stream";

/**
 * Header fields as they stand on the wire: name, value, name, value … in order, names as sent,
 * one character per byte (Latin-1) in values. Flat, because engines take and give it so.
 */
export type RawHeaders = readonly string[];

/** What became of an answer: all of it was handed to the network, or the exchange was cut before. */
export type Delivery = "delivered" | "cut";

/** One request. */
export interface HttpRequest {
  /** As sent, upper and lower case kept. */
  readonly method: string;
  /** The raw request target: never decoded, never normalised; one character per byte. */
  readonly target: string;
  readonly headers: RawHeaders;
  readonly httpVersion: "1.0" | "1.1";
  /** The peer's address, without a port; "" where there is none to tell. */
  readonly remoteAddress: string;
  /** Declared length of the body in bytes, or null where it has none or does not say. */
  readonly bodyLength: number | null;
  /**
   * The body, or null where the head announces none. Whoever reads it may stop at any time by
   * `destroy()`, which never cuts the connection: the answer can still be sent.
   */
  readonly body: Readable | null;
  /** Aborts when the peer is gone, or is given up, before its answer was delivered. */
  readonly signal: AbortSignal;
  /** Settles once, when the exchange is over; never rejects. */
  readonly finished: Promise<Delivery>;
}

/** One answer. The engine owns the body from here on: it reads it to the end or destroys it. */
export interface HttpAnswer {
  /** 200 to 599. */
  readonly status: number;
  /** Without hop-by-hop fields. The engine adds Date, and Content-Length for bytes. */
  readonly headers: RawHeaders;
  /**
   * Bytes, a stream, or null for none. A stream with a Content-Length in `headers` must give
   * exactly that many bytes, else the connection is cut; without one it goes out chunked. Never
   * sent for HEAD, 204 and 304.
   */
  readonly body: Uint8Array | Readable | null;
}

/** Turns a request into an answer. A rejection becomes a 500 and a log line. */
export type Handler = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;
