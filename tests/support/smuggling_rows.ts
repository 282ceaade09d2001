/** Requests that two programs might read differently, as bytes, and what is to come of each. */

import { MAX_CHUNK_LINE_BYTES, MAX_TRAILER_BYTES } from "../../lib/base/limits.ts";

/** A request as the origin is to get it. */
export interface ReadRequest {
  readonly method: string;
  /** Default: `/row`. */
  readonly target?: string;
  /** What the relay takes for its host. Default: the one that the rows are for. */
  readonly host?: string;
  /** What stands before its path at the relay. Default: that of path mode. */
  readonly prefix?: string;
  readonly httpVersion?: "1.0";
  /** Field lines of the visitor's that pass, each with its end. Default: none. */
  readonly fields?: string;
  /** Lines that frame the body, or tell of the connection. */
  readonly framing: string;
  /** As it was meant, one character per byte. */
  readonly body: string;
  /** As it is framed. Default: as `body`. */
  readonly bodyBytes?: string;
}

export interface SmugglingRow {
  readonly what: string;
  /** One character per byte. */
  readonly bytes: string;
  /** The status of its refusal; undefined for one that is served, as something unambiguous. */
  readonly refusal?: number;
  /** True where the connection serves the next request after the refusal. Default: it is closed. */
  readonly goesOn?: boolean;
  /** What the origin gets; only of one that is served. */
  readonly reads?: ReadRequest;
  /** What is sent as soon as something has been answered. Default: nothing. */
  readonly later?: string;
  /** True where the connection is closed though the request is served. */
  readonly closes?: boolean;
}

/** For the name by which the relay is known, or what is in front of it. */
export function toSmugglingRows(host: string): readonly SmugglingRow[] {
  const HOST = `Host: ${host}\r\n`;
  const POST = `POST /servers/home/row HTTP/1.1\r\n${HOST}`;
  const GET = `GET /servers/home/row HTTP/1.1\r\n${HOST}`;
  const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;

  /** The request that must never be taken for one. */
  const SMUGGLED = `GET /servers/home/smuggled HTTP/1.1\r\n${HOST}\r\n`;

  const LENGTH = SMUGGLED.length;
  const AS_CHUNK = `${LENGTH.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`;
  const BEHIND_END = `0\r\n\r\n${SMUGGLED}`;

  const NO_BODY: ReadRequest = { method: "GET", framing: "", body: "" };
  const sized = (method: string, body: string): ReadRequest => ({
    method,
    framing: `Content-Length: ${body.length}\r\n`,
    body,
  });
  const chunked = (body: string, trailers = ""): ReadRequest => ({
    method: "POST",
    framing: "Transfer-Encoding: chunked\r\n",
    body,
    bodyBytes: `${body.length.toString(16)}\r\n${body}\r\n0\r\n${trailers}\r\n`,
  });
  const HELLO = sized("POST", "hello");
  const HELLO_CHUNK = chunked("hello");

  /** A body whose length is told in some way; behind a chunked one there is a request as well. */
  const framed = (fields: string, body: string): string => `${POST}${fields}\r\n\r\n${body}`;

  return [
    {
      what: "length, then chunks; read by chunks a request follows (RFC 9112 §6.1)",
      bytes: framed(
        `Content-Length: ${BEHIND_END.length}\r\nTransfer-Encoding: chunked`,
        BEHIND_END,
      ),
      refusal: 400,
    },
    {
      what: "chunks, then length; read by length a request follows",
      bytes: framed("Transfer-Encoding: chunked\r\nContent-Length: 4", AS_CHUNK),
      refusal: 400,
    },
    {
      what: "length 0 and chunks",
      bytes: framed("Content-Length: 0\r\nTransfer-Encoding: chunked", AS_CHUNK),
      refusal: 400,
    },
    {
      what: "two lengths, the first 0 (RFC 9112 §6.3)",
      bytes: framed(`Content-Length: 0\r\nContent-Length: ${LENGTH}`, SMUGGLED),
      refusal: 400,
    },
    {
      what: "two lengths, the last 0",
      bytes: framed(`Content-Length: ${LENGTH}\r\nContent-Length: 0`, SMUGGLED),
      refusal: 400,
    },
    {
      what: "the same length twice",
      bytes: framed("Content-Length: 5\r\nContent-Length: 5", "hello"),
      refusal: 400,
    },
    {
      what: "`Content-Length: 5, 5`",
      bytes: framed("Content-Length: 5, 5", "hello"),
      refusal: 400,
    },
    { what: "`Content-Length: +5`", bytes: framed("Content-Length: +5", "hello"), refusal: 400 },
    { what: "`Content-Length: -5`", bytes: framed("Content-Length: -5", SMUGGLED), refusal: 400 },
    { what: "`Content-Length: 0x5`", bytes: framed("Content-Length: 0x5", SMUGGLED), refusal: 400 },
    { what: "`Content-Length: 5 5`", bytes: framed("Content-Length: 5 5", "hello"), refusal: 400 },
    { what: "`Content-Length: 5.0`", bytes: framed("Content-Length: 5.0", "hello"), refusal: 400 },
    { what: "an empty `Content-Length`", bytes: framed("Content-Length:", SMUGGLED), refusal: 400 },
    {
      what: "a length with zeros before it",
      bytes: framed("Content-Length: 005", "hello"),
      reads: HELLO,
    },
    {
      what: "a length past 2^53",
      bytes: framed(`Content-Length: ${"9".repeat(20)}`, SMUGGLED),
      refusal: 400,
    },
    {
      what: "a length past 2^64 that wraps to 0",
      bytes: framed("Content-Length: 18446744073709551616", SMUGGLED),
      refusal: 400,
    },
    {
      what: "a length of 16 digits",
      bytes: framed("Content-Length: 0000000000000005", "hello"),
      refusal: 400,
    },
    { what: "`Content-Length: 5;`", bytes: framed("Content-Length: 5;", "hello"), refusal: 400 },
    {
      what: "space around a length",
      bytes: framed("Content-Length: \t 5 \t", "hello"),
      reads: HELLO,
    },
    {
      what: "a space before the colon of a length (CVE-2019-16276)",
      bytes: framed(`Content-Length : ${LENGTH}`, SMUGGLED),
      refusal: 400,
    },
    {
      what: "a space before the colon of a coding",
      bytes: framed("Transfer-Encoding : chunked", AS_CHUNK),
      refusal: 400,
    },
    ...[
      ["xchunked", 501],
      ["chunkedx", 501],
      ["identity", 501],
      ["chunked, identity", 501],
      ["identity, chunked", 501],
      ["gzip, chunked", 501],
      ["chunked, chunked", 501],
      ["chunked;q=1", 501],
      ['"chunked"', 501],
      ["\x0bchunked", 400],
      ["chunked\x0c", 400],
      ["\x00chunked", 400],
      ["\xa0chunked", 501],
      ["", 501],
    ].map(([coding, refusal]) => ({
      what: `\`Transfer-Encoding: ${toVisible(String(coding))}\``,
      bytes: framed(`Transfer-Encoding: ${coding}`, AS_CHUNK),
      refusal: Number(refusal),
    })),
    {
      what: "two fields of codings, the last unknown",
      bytes: framed("Transfer-Encoding: chunked\r\nTransfer-Encoding: x", AS_CHUNK),
      refusal: 501,
    },
    {
      what: "two fields of codings, both chunked",
      bytes: framed("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", AS_CHUNK),
      refusal: 501,
    },
    {
      what: "two fields of codings, the first empty",
      bytes: framed("Transfer-Encoding:\r\nTransfer-Encoding: chunked", AS_CHUNK),
      refusal: 501,
    },
    {
      what: "a coding in other case, with space around",
      bytes: framed("tRANSFER-eNCODING: \t Chunked \t", "5\r\nhello\r\n0\r\n\r\n"),
      reads: HELLO_CHUNK,
    },
    {
      what: "a coding of HTTP/1.0 (RFC 9112 §6.1)",
      bytes:
        `POST /servers/home/row HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${AS_CHUNK}`,
      refusal: 400,
    },
    {
      what: "a bare LF behind the request line (RFC 9112 §2.2)",
      bytes: `GET /servers/home/row HTTP/1.1\n${HOST}\r\n`,
      refusal: 400,
    },
    {
      what: "a bare CR behind the request line",
      bytes: `GET /servers/home/row HTTP/1.1\r${HOST}\r\n`,
      refusal: 400,
    },
    { what: "a bare LF behind a field", bytes: `${GET}X: a\nY: b\r\n\r\n`, refusal: 400 },
    {
      what: "a length behind a bare LF in a value",
      bytes: framed(`X: a\nContent-Length: ${LENGTH}`, SMUGGLED),
      refusal: 400,
    },
    { what: "a bare LF as the empty line", bytes: `${GET}\n`, refusal: 400 },
    {
      what: "a coding behind a bare CR in a value",
      bytes: framed("X: a\rTransfer-Encoding: chunked", AS_CHUNK),
      refusal: 400,
    },
    { what: "a bare CR as the empty line", bytes: `${GET}\r\r\n\r\n`, refusal: 400 },
    { what: "NUL in a value", bytes: `${GET}X: a\0b\r\n\r\n`, refusal: 400 },
    { what: "NUL in a field name", bytes: `${GET}X\0: a\r\n\r\n`, refusal: 400 },
    {
      what: "a line that goes on (obs-fold, RFC 9112 §5.2)",
      bytes: `${GET}X: a\r\n b\r\n\r\n`,
      refusal: 400,
    },
    {
      what: "a length on a line that goes on",
      bytes: framed(`Content-Length:\r\n ${LENGTH}`, SMUGGLED),
      refusal: 400,
    },
    {
      what: "a coding in a line that goes on",
      bytes: framed(`X: a\r\n Transfer-Encoding: chunked`, AS_CHUNK),
      refusal: 400,
    },
    {
      what: "a first field that begins with space",
      bytes: `GET /servers/home/row HTTP/1.1\r\n ${HOST}\r\n`,
      refusal: 400,
    },
    { what: "no field name", bytes: `${GET}: a\r\n\r\n`, refusal: 400 },
    { what: "a field name with a space", bytes: `${GET}X Y: a\r\n\r\n`, refusal: 400 },
    { what: "a field name with a bracket", bytes: `${GET}X(Y): a\r\n\r\n`, refusal: 400 },
    { what: "a field name that is no ASCII", bytes: `${GET}X\xc4: a\r\n\r\n`, refusal: 400 },
    { what: "a field without a colon", bytes: `${GET}X\r\n\r\n`, refusal: 400 },
    {
      what: "an underscore in place of a hyphen",
      bytes: framed(`Content_Length: 0\r\nContent-Length: 5`, "hello"),
      reads: { ...HELLO, fields: "Content_Length: 0\r\n" },
    },
    { what: "an empty line before the request line", bytes: `\r\n${GET}\r\n`, reads: NO_BODY },
    { what: "two empty lines before it", bytes: `\r\n\r\n${GET}\r\n`, refusal: 400 },
    { what: "a bare LF before it", bytes: `\n${GET}\r\n`, refusal: 400 },
    { what: "space before the request line", bytes: ` ${GET}\r\n`, refusal: 400 },
    {
      what: "a tab in the request line",
      bytes: `GET\t/servers/home/row\tHTTP/1.1\r\n${HOST}\r\n`,
      refusal: 400,
    },
    {
      what: "a space in the target",
      bytes: `GET /servers/home/row HTTP/1.1 HTTP/1.1\r\n${HOST}\r\n`,
      refusal: 400,
    },
    {
      what: "two spaces in the request line",
      bytes: `GET  /servers/home/row HTTP/1.1\r\n${HOST}\r\n`,
      refusal: 400,
    },
    {
      what: "a space behind the request line",
      bytes: `GET /servers/home/row HTTP/1.1 \r\n${HOST}\r\n`,
      refusal: 400,
    },
    {
      what: "a target that is no ASCII",
      bytes: `GET /servers/home/r\xf6w HTTP/1.1\r\n${HOST}\r\n`,
      refusal: 400,
    },
    {
      what: "a fragment in the target",
      bytes: `GET /servers/home/row#/../../other/ HTTP/1.1\r\n${HOST}\r\n`,
      reads: NO_BODY,
    },
    { what: "HTTP/1.2", bytes: `GET /servers/home/row HTTP/1.2\r\n${HOST}\r\n`, refusal: 505 },
    { what: "HTTP/1.10", bytes: `GET /servers/home/row HTTP/1.10\r\n${HOST}\r\n`, refusal: 505 },
    { what: "HTTP/2.0", bytes: `GET /servers/home/row HTTP/2.0\r\n${HOST}\r\n`, refusal: 505 },
    {
      what: "HTTP/1.0, which ends with its answer",
      bytes: `GET /servers/home/row HTTP/1.0\r\n${HOST}\r\n`,
      reads: { ...NO_BODY, httpVersion: "1.0" },
      closes: true,
    },
    { what: "`http/1.1`", bytes: `GET /servers/home/row http/1.1\r\n${HOST}\r\n`, refusal: 400 },
    { what: "HTTP/0.9", bytes: `GET /servers/home/row\r\n`, refusal: 400 },
    {
      what: "the preface of HTTP/2 (RFC 9113 §3.4)",
      bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      refusal: 505,
    },
    {
      what: "a method that is unknown, with a request in its body",
      bytes:
        `SMUGGLE /servers/home/row HTTP/1.1\r\n${HOST}Content-Length: ${LENGTH}\r\n\r\n${SMUGGLED}`,
      refusal: 501,
    },
    {
      what: "an absolute target, and another Host (RFC 9112 §3.2.2)",
      bytes: `GET http://${host}/servers/home/row HTTP/1.1\r\nHost: other.test\r\n\r\n`,
      reads: NO_BODY,
    },
    {
      what: "an absolute target on a server's own host, and Host of another",
      bytes: `GET http://home.${host}/row HTTP/1.1\r\nHost: other.${host}\r\n\r\n`,
      reads: { ...NO_BODY, host: `home.${host}`, prefix: "" },
    },
    {
      what: "an absolute target on the relay's host, and Host of a server",
      bytes: `GET http://${host}/row HTTP/1.1\r\nHost: home.${host}\r\n\r\n`,
      refusal: 404,
      goesOn: true,
    },
    {
      what: "an absolute target without a host",
      bytes: `GET http:///servers/home/row HTTP/1.1\r\n${HOST}\r\n`,
      refusal: 400,
      goesOn: true,
    },
    {
      what: "an absolute target with a user",
      bytes: `GET http://user@${host}/servers/home/row HTTP/1.1\r\n${HOST}\r\n`,
      refusal: 400,
      goesOn: true,
    },
    {
      what: "two Hosts (RFC 9112 §3.2)",
      bytes: `${GET}Host: other.test\r\n\r\n`,
      refusal: 400,
    },
    { what: "the same Host twice", bytes: `${GET}${HOST}\r\n`, refusal: 400 },
    {
      what: "a space before the colon of Host",
      bytes: `GET /servers/home/row HTTP/1.1\r\nHost : ${host}\r\n\r\n`,
      refusal: 400,
    },
    { what: "no Host", bytes: "GET /servers/home/row HTTP/1.1\r\n\r\n", refusal: 400 },
    {
      what: "an empty Host",
      bytes: "GET /servers/home/row HTTP/1.1\r\nHost:\r\n\r\n",
      reads: { ...NO_BODY, host: "" },
    },
    ...["a b", "x/servers/other/?", "user@relay.test", "relay.test:port", "[::1"].map((
      host,
    ) => ({
      what: `\`Host: ${host}\``,
      bytes: `GET /servers/home/row HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      refusal: 400,
    })),
    {
      what: "an authority as the target",
      bytes: `GET ${host}:80 HTTP/1.1\r\n${HOST}\r\n`,
      refusal: 400,
      // It is clear where it ends.
      goesOn: true,
    },
    {
      what: "`*` as the target",
      bytes: `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
      refusal: 404,
      goesOn: true,
    },
    {
      what: "CONNECT (RFC 9110 §9.3.6)",
      bytes: `CONNECT ${host}:80 HTTP/1.1\r\nHost: ${host}:80\r\n\r\n${SMUGGLED}`,
      refusal: 405,
    },
    {
      what: "TRACE (RFC 9110 §9.3.8)",
      bytes: `TRACE /servers/home/row HTTP/1.1\r\n${HOST}\r\n`,
      refusal: 405,
    },
    {
      what: "an upgrade to h2c, which the next program may know (RFC 9113 §3.1)",
      bytes: `${GET}Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n` +
        "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
      reads: NO_BODY,
    },
    {
      what: "an upgrade to WebSocket or h2c",
      bytes: `${GET}Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n`,
      reads: NO_BODY,
    },
    {
      what: "an upgrade to WebSocket, and in a second field to h2c",
      bytes: `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n\r\n`,
      reads: NO_BODY,
    },
    {
      what: "an upgrade to WebSocket that the application refuses, and a request behind",
      bytes:
        `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\n\r\n` +
        SMUGGLED,
      reads: {
        ...NO_BODY,
        fields: "Sec-WebSocket-Version: 777\r\n",
        framing: "Connection: Upgrade\r\nUpgrade: websocket\r\n",
      },
      closes: true,
    },
    {
      what: "an upgrade to WebSocket with a request as its body",
      bytes:
        `${GET}Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: ${LENGTH}\r\n\r\n` +
        SMUGGLED,
      reads: sized("GET", SMUGGLED),
    },
    {
      what: "an expectation, and the body at once (RFC 9110 §10.1.1)",
      bytes: framed("Expect: 100-continue\r\nContent-Length: 5", "hello"),
      reads: { ...HELLO, fields: "Expect: 100-continue\r\n" },
    },
    {
      what: "an expectation, and the body when it is met",
      bytes: framed("Expect: 100-continue\r\nContent-Length: 5", ""),
      later: "hello",
      reads: { ...HELLO, fields: "Expect: 100-continue\r\n" },
    },
    {
      what: "an expectation that is refused, and a request in place of the body",
      bytes: `POST /servers/nobody/ HTTP/1.1\r\n${HOST}Expect: 100-continue\r\n` +
        `Content-Length: ${LENGTH}\r\n\r\n`,
      later: SMUGGLED,
      refusal: 404,
    },
    {
      what: "a body for a server that there is not, with a request in it",
      bytes:
        `POST /servers/nobody/ HTTP/1.1\r\n${HOST}Content-Length: ${LENGTH}\r\n\r\n${SMUGGLED}`,
      refusal: 404,
      goesOn: true,
    },
    {
      what: "the same, and the request comes when it has been answered",
      bytes: `POST /servers/nobody/ HTTP/1.1\r\n${HOST}Content-Length: ${LENGTH}\r\n\r\n`,
      later: SMUGGLED,
      refusal: 404,
    },
    {
      what: "the same by a chunk",
      bytes: `POST /servers/nobody/ HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`,
      later: AS_CHUNK,
      refusal: 404,
    },
    {
      what: "an expectation without a body (CVE-2024-24791)",
      bytes: `${GET}Expect: 100-continue\r\n\r\n`,
      reads: { ...NO_BODY, fields: "Expect: 100-continue\r\n" },
    },
    {
      what: "an expectation in other case",
      bytes: framed("Expect: 100-Continue\r\nContent-Length: 5", "hello"),
      reads: { ...HELLO, fields: "Expect: 100-Continue\r\n" },
    },
    {
      what: "an expectation behind another word, which some look for anywhere",
      bytes: framed(`Expect: y 100-continue\r\nContent-Length: ${LENGTH}`, SMUGGLED),
      refusal: 417,
    },
    {
      what: "a second expectation that is unknown",
      bytes: framed(
        `Expect: 100-continue\r\nExpect: wonders\r\nContent-Length: ${LENGTH}`,
        SMUGGLED,
      ),
      refusal: 417,
    },
    {
      what: "an expectation with the body of a GET, which is a request",
      bytes: `${GET}Expect: 100-continue\r\nContent-Length: ${LENGTH}\r\n\r\n${SMUGGLED}`,
      reads: { ...sized("GET", SMUGGLED), fields: "Expect: 100-continue\r\n" },
    },
    { what: "an unknown expectation", bytes: `${GET}Expect: wonders\r\n\r\n`, refusal: 417 },
    {
      what: "Connection names what the relay adds (CVE-2021-33197)",
      bytes: `${GET}Connection:\r\nConnection: X-Forwarded-For, Forwarded, Via\r\n\r\n`,
      reads: NO_BODY,
    },
    {
      what: "Connection names that and the end",
      bytes: `${GET}Connection: close, X-Forwarded-For\r\n\r\n`,
      reads: NO_BODY,
      closes: true,
    },
    {
      what: "Connection names the length of the body",
      bytes: framed("Connection: Content-Length\r\nContent-Length: 5", "hello"),
      reads: HELLO,
    },
    {
      what: "Connection names Host",
      bytes: `${GET}Connection: Host\r\n\r\n`,
      reads: NO_BODY,
    },
    {
      what: "Connection names the coding",
      bytes: framed(
        "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
        "5\r\nhello\r\n0\r\n\r\n",
      ),
      reads: HELLO_CHUNK,
    },
    {
      what: "a field that only Connection's second line names",
      bytes: `${GET}Connection: keep-alive\r\nX-Hop: 1\r\nConnection: X-Hop\r\n\r\n`,
      reads: NO_BODY,
    },
    {
      what: "a request as the body of a GET",
      bytes: `${GET}Content-Length: ${LENGTH}\r\n\r\n${SMUGGLED}`,
      reads: sized("GET", SMUGGLED),
    },
    {
      what: "a request as the body of a HEAD",
      bytes:
        `HEAD /servers/home/row HTTP/1.1\r\n${HOST}Content-Length: ${LENGTH}\r\n\r\n${SMUGGLED}`,
      reads: sized("HEAD", SMUGGLED),
    },
    {
      what: "a request as a chunk",
      bytes: `${CHUNKED}${AS_CHUNK}`,
      reads: chunked(SMUGGLED),
    },
    {
      what: "extensions of chunks",
      bytes: `${CHUNKED}5;a=b;c="d;e"\r\nhello\r\n0;f\r\n\r\n`,
      reads: HELLO_CHUNK,
    },
    {
      what: "an extension past its limit",
      bytes: `${CHUNKED}5;a=${"b".repeat(MAX_CHUNK_LINE_BYTES)}\r\nhello\r\n0\r\n\r\n`,
      refusal: 400,
    },
    {
      what: "an extension with a bare LF (CVE-2025-22871)",
      bytes: `${CHUNKED}5;a\nhello\r\n0\r\n\r\n`,
      refusal: 400,
    },
    {
      what: "a size with a bare LF",
      bytes: `${CHUNKED}5\nhello\r\n0\r\n\r\n`,
      refusal: 400,
    },
    {
      what: "a last chunk with a bare LF",
      bytes: `${CHUNKED}5\r\nhello\r\n0\n\r\n${SMUGGLED}`,
      refusal: 400,
    },
    {
      what: "an extension with a bare CR",
      bytes: `${CHUNKED}5;a\rb\r\nhello\r\n0\r\n\r\n`,
      refusal: 400,
    },
    ...[
      "0x5",
      "+5",
      "-5",
      " 5",
      "5 ",
      "5;",
      "5;=",
      "",
      "g",
      "0000000000000000005",
      "10000000000000005",
    ].map((
      size,
    ) => ({
      what: `a chunk of size \`${size}\``,
      bytes: `${CHUNKED}${size}\r\nhello\r\n0\r\n\r\n`,
      refusal: 400,
    })),
    {
      what: "a chunk without a line's end",
      bytes: `${CHUNKED}5\r\nhello0\r\n\r\n${SMUGGLED}`,
      refusal: 400,
    },
    {
      what: "a chunk with other bytes than a line's end behind it",
      bytes: `${CHUNKED}5\r\nhelloXX0\r\n\r\n${SMUGGLED}`,
      refusal: 400,
    },
    {
      what: "a chunk that ends by a bare LF",
      bytes: `${CHUNKED}5\r\nhello\n0\r\n\r\n${SMUGGLED}`,
      refusal: 400,
    },
    {
      what: "trailers of the visitor's own",
      bytes: `${CHUNKED}5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n`,
      reads: chunked("hello", "X-Sum: 1\r\n"),
    },
    {
      what: "trailers that frame, route or authenticate (RFC 9110 §6.5.1)",
      bytes: `${CHUNKED}5\r\nhello\r\n0\r\nContent-Length: 99\r\nTransfer-Encoding: x\r\n` +
        "Host: other.test\r\nX-ApiKey: k\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n",
      reads: HELLO_CHUNK,
    },
    {
      what: "a trailer with a space before its colon",
      bytes: `${CHUNKED}0\r\nX : 1\r\n\r\n`,
      refusal: 400,
    },
    {
      what: "a trailer that goes on",
      bytes: `${CHUNKED}0\r\nX: 1\r\n 2\r\n\r\n`,
      refusal: 400,
    },
    {
      what: "trailers past their limit",
      bytes: `${CHUNKED}0\r\nX: ${"x".repeat(MAX_TRAILER_BYTES)}\r\n\r\n`,
      refusal: 431,
    },
    {
      what: "a trailer line without its end, and a request behind",
      bytes: `${CHUNKED}0\r\nX: 1\n\r\n${SMUGGLED}`,
      refusal: 400,
    },
  ];
}

function toVisible(text: string): string {
  return text.replace(
    /[^\x20-\x7e]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** The very bytes; `rowsHost` is the host that the rows are for. */
export function toOriginBytes(
  request: ReadRequest,
  { rowsHost, originHost }: { readonly rowsHost: string; readonly originHost: string },
): string {
  const { method, target = "/row", host = rowsHost, prefix = "/servers/home", fields = "" } =
    request;
  const { httpVersion = "1.1", framing, body, bodyBytes = body } = request;
  const lines = [
    `${method} ${target} HTTP/1.1`,
    // Where the visitor names none, it is the application's own.
    `Host: ${host === "" ? originHost : host}`,
    `${fields}X-Forwarded-For: 127.0.0.1`,
    "X-Forwarded-Proto: http",
    `X-Forwarded-Host: ${host}`,
    `Forwarded: for=127.0.0.1;host="${host}";proto=http`,
    ...prefix === "" ? [] : [`X-Forwarded-Prefix: ${prefix}`],
    `Via: ${httpVersion} ptth_relay, 1.1 ptth_server`,
    framing,
  ];
  return `${lines.join("\r\n")}\r\n${bodyBytes}`;
}
