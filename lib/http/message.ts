/**
 * The seam between HTTP engines and everything above them. An engine (the listener, or a server's
 * tunnel) makes a request and sends the answer; a handler turns one into the other and never sees a
 * socket.
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
   * `destroy()`, which never cuts the connection: the answer can still be sent. Where `upgrade` is
   * set, it is what the peer sends after an answer of 101.
   */
  readonly body: Readable | null;
  /** Fields behind the body (RFC 9110 §6.5); none until that has been read to its end. */
  readonly trailers: RawHeaders;
  /**
   * The protocol to which the peer asks to switch (RFC 9110 §7.8), as it spells it; null where there
   * is none that the engine would let through. An answer of 101 switches, any other one does not.
   */
  readonly upgrade: string | null;
  /** Aborts when the peer is gone, or is given up, before its answer was delivered. */
  readonly signal: AbortSignal;
  /** Settles once, when the exchange is over; never rejects. */
  readonly finished: Promise<Delivery>;
  /**
   * Sends an interim answer, neither 100 nor 101 (RFC 9110 §15.2); without effect where the peer
   * knows none, or the answer has begun.
   */
  inform(status: number, headers: RawHeaders): void;
}

/** One answer. The engine owns the body from here on: it reads it to the end or destroys it. */
export interface HttpAnswer {
  /** 200 to 599; or 101 to a request with `upgrade`, and then the body is what goes to the peer. */
  readonly status: number;
  /**
   * Without hop-by-hop fields, but for Upgrade in a 101. The engine adds Date, and Content-Length
   * for bytes.
   */
  readonly headers: RawHeaders;
  /**
   * Bytes, a stream, or null for none. A stream with a Content-Length in `headers` must give
   * exactly that many bytes, else the connection is cut; without one it goes out chunked. Never
   * sent for HEAD, 204 and 304.
   */
  readonly body: Uint8Array | Readable | null;
  /** Asked for fields behind a stream, once it has ended; sent only where it goes out chunked. */
  readonly trailers?: (() => RawHeaders) | undefined;
}

/** Turns a request into an answer. A rejection becomes a 500 and a log line. */
export type Handler = (request: HttpRequest) => HttpAnswer | Promise<HttpAnswer>;
