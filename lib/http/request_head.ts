/** Heads of requests, as strict as RFC 9112 lets a server be. Pure: text in, values out. */

import { METHODS } from "node:http";
import { MAX_HEADER_COUNT, MAX_TARGET_BYTES } from "../base/limits.ts";
import { parseConnectionOptions } from "./connection_options.ts";
import type { RawHeaders } from "./message.ts";

/** Status and one sentence for the peer. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** What a request line says (RFC 9112 §3). */
export interface RequestLine {
  /** One of node:http's METHODS. */
  readonly method: string;
  /** Printable ASCII, not empty; otherwise as it came. */
  readonly target: string;
  readonly httpVersion: "1.0" | "1.1";
}

/** A request line and fields, and what those say about the message itself. */
export interface RequestHead extends RequestLine {
  readonly headers: RawHeaders;
  /** The first Host field; null where there is none. */
  readonly host: string | null;
  readonly hostCount: number;
  /** Declared length of the body in bytes; null where the head does not say. */
  readonly bodyLength: number | null;
  /** True for a chunked body; never together with a length. */
  readonly isChunked: boolean;
  /** The Expect fields, in lower case; null where there is none. */
  readonly expectation: string | null;
  /** The Upgrade fields, where the Connection field names them (RFC 9110 §7.8); else null. */
  readonly upgrade: string | null;
  /** True if the peer may send another request on this connection (RFC 9112 §9.3). */
  readonly keepsAlive: boolean;
}

/** A head that can be understood, and still has to be refused. */
export interface RefusedHead {
  readonly head: RequestHead;
  readonly refusal: Refusal;
}

export const INVALID: Refusal = { status: 400, reason: "The request is not valid HTTP/1.1" };
const FOREIGN_VERSION: Refusal = { status: 505, reason: "This server speaks HTTP/1.1" };
const UNKNOWN_METHOD: Refusal = { status: 501, reason: "The method is not known here" };
const LONG_TARGET: Refusal = {
  status: 414,
  reason: `The target is longer than ${MAX_TARGET_BYTES} bytes`,
};
const LARGE_HEAD: Refusal = { status: 431, reason: "The request head is too large" };
const MANY_FIELDS: Refusal = {
  status: 431,
  reason: `There are more than ${MAX_HEADER_COUNT} header fields`,
};
const BAD_LENGTH: Refusal = { status: 400, reason: "The Content-Length field is not valid" };
const TWO_LENGTHS: Refusal = {
  status: 400,
  reason: "The request says in two ways how long its body is",
};
const OLD_CODING: Refusal = { status: 400, reason: "HTTP/1.0 has no Transfer-Encoding" };
const UNKNOWN_CODING: Refusal = {
  status: 501,
  reason: "Only the transfer coding chunked is known here",
};
const STRAY_PROXY_HEADER: Refusal = {
  status: 400,
  reason: "A PROXY header is not taken from this address",
};

const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);
const LINE_REGEXP = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP\/([0-9]+\.[0-9]+)$/;
/** Of a load balancer that is not known as one. Its second version is no text. */
const PROXY_HEADER_REGEXP = /^PROXY (?:TCP[46]|UNKNOWN)(?: |$)/;

/**
 * Reads a request line, which is without its end.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * assertEquals(parseRequestLine("GET /a HTTP/1.1"), {
 *   method: "GET",
 *   target: "/a",
 *   httpVersion: "1.1",
 * });
 * assertEquals(parseRequestLine("GET /a HTTP/2.0"), {
 *   status: 505,
 *   reason: "This server speaks HTTP/1.1",
 * });
 * ```
 */
export function parseRequestLine(line: string): RequestLine | Refusal {
  const parts = LINE_REGEXP.exec(line);
  if (parts === null) return PROXY_HEADER_REGEXP.test(line) ? STRAY_PROXY_HEADER : INVALID;
  const [, method = "", target = "", version] = parts;
  // The preface of HTTP/2 (RFC 9113 §3.4) looks like a request of one.
  if (method === "PRI") return FOREIGN_VERSION;
  if (!KNOWN_METHODS.has(method)) return UNKNOWN_METHOD;
  if (version === "1.1") return { method, target, httpVersion: "1.1" };
  return version === "1.0" ? { method, target, httpVersion: "1.0" } : FOREIGN_VERSION;
}

/** How a head that is too large is refused, by its first line as far as that has come. */
export function toOverflowRefusal(line: string): Refusal {
  const [, target = ""] = line.split(" ", 2);
  return target.length > MAX_TARGET_BYTES ? LONG_TARGET : LARGE_HEAD;
}

const FIELDS_REGEXP = /(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\u0020-\u007e\u0080-\u00ff]*\r\n)*\r\n/y;

/**
 * Reads field lines and the empty line behind them (RFC 9112 §5), which have to be all of `text`
 * from an offset on: flat, space around values taken off. Undefined where a line is malformed, goes
 * on in the next one, or has space before its colon.
 */
export function parseFieldLines(text: string, from = 0): string[] | undefined {
  FIELDS_REGEXP.lastIndex = from;
  if (!FIELDS_REGEXP.test(text) || FIELDS_REGEXP.lastIndex !== text.length) return undefined;
  const fields: string[] = [];
  const end = text.length - 2;
  for (let at = from; at < end;) {
    const colon = text.indexOf(":", at);
    const lineEnd = text.indexOf("\r\n", colon);
    let start = colon + 1;
    let stop = lineEnd;
    while (start < stop && isSpace(text, start)) start++;
    while (start < stop && isSpace(text, stop - 1)) stop--;
    fields.push(text.slice(at, colon), text.slice(start, stop));
    at = lineEnd + 2;
  }
  return fields;
}

function isSpace(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09;
}

/** What the fields of a request say about the message itself, and how it is refused if they clash. */
export function readRequestHead(
  { method, target, httpVersion }: RequestLine,
  headers: RawHeaders,
): RequestHead | RefusedHead {
  let host: string | null = null;
  let hostCount = 0;
  let length: string | undefined;
  let hasTwoLengths = false;
  let coding: string | undefined;
  let connection: string | undefined;
  let expectation: string | undefined;
  let upgrade: string | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? "";
    const value = headers[i + 1] ?? "";
    // Most names are told apart from these by their length.
    switch (name.length) {
      case 4:
        if (name.toLowerCase() !== "host") break;
        host ??= value;
        hostCount++;
        break;
      case 6:
        if (name.toLowerCase() === "expect") expectation = join(expectation, value);
        break;
      case 7:
        if (name.toLowerCase() === "upgrade") upgrade = join(upgrade, value);
        break;
      case 10:
        if (name.toLowerCase() === "connection") connection = join(connection, value);
        break;
      case 14:
        if (name.toLowerCase() !== "content-length") break;
        hasTwoLengths ||= length !== undefined;
        length = value;
        break;
      case 17:
        if (name.toLowerCase() === "transfer-encoding") coding = join(coding, value);
        break;
    }
  }
  const options = connection === undefined ? NO_OPTIONS : parseConnectionOptions(connection);
  const head: RequestHead = {
    method,
    target,
    httpVersion,
    headers,
    host,
    hostCount,
    bodyLength: length === undefined ? null : Number(length),
    isChunked: coding !== undefined,
    expectation: expectation?.toLowerCase() ?? null,
    upgrade: options.includes("upgrade") ? upgrade ?? null : null,
    keepsAlive: !options.includes("close") &&
      (httpVersion === "1.1" || options.includes("keep-alive")),
  };
  let refusal: Refusal | undefined;
  if (target.length > MAX_TARGET_BYTES) refusal = LONG_TARGET;
  else if (headers.length > 2 * MAX_HEADER_COUNT) refusal = MANY_FIELDS;
  else if (coding !== undefined) {
    // RFC 9112 §6.1, §6.3: whoever stands before us may have heard the other one.
    if (length !== undefined) refusal = TWO_LENGTHS;
    else if (httpVersion === "1.0") refusal = OLD_CODING;
    else if (coding.toLowerCase() !== "chunked") refusal = UNKNOWN_CODING;
  } else if (length !== undefined && (hasTwoLengths || !LENGTH_REGEXP.test(length))) {
    // Twice the same may be taken for one only by whoever hands on one (RFC 9110 §8.6).
    refusal = BAD_LENGTH;
  }
  return refusal === undefined ? head : { head, refusal };
}

// Longer ones are not exact.
const LENGTH_REGEXP = /^[0-9]{1,15}$/;
const NO_OPTIONS: readonly string[] = [];

/** Repeated fields are one list (RFC 9110 §5.3). */
function join(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before},${value}`;
}
