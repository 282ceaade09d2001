/** What a visitor gets of a server's answer (docs/semantics.md, "Headers"). Pure. */

import { ProtocolError } from "../base/errors.ts";
import { forEachEndToEnd, headerPairs, headerValues, isValidHeader } from "../http/headers.ts";
import type { HttpAnswer, RawHeaders } from "../http/message.ts";
import { moveBelowPrefix, type PublicPlace } from "../http/prefix_rewrite.ts";
import { isBodyless } from "../http/send_answer.ts";
import type { ForwardedRequest } from "./exchange.ts";

/** An answer as a server gave it. */
export interface ServerAnswer {
  readonly status: number;
  readonly headers: RawHeaders;
  readonly body: HttpAnswer["body"];
  readonly trailers?: HttpAnswer["trailers"];
}

/** With these a server would give orders to a reverse proxy in front of the relay. */
const PROXY_ORDERS: ReadonlySet<string> = new Set([
  "x-accel-redirect",
  "x-lighttpd-send-file",
  "x-litespeed-location",
  "x-reproxy-file",
  "x-reproxy-url",
  "x-sendfile",
  "x-sendfile2",
]);

/** These speak for all of an origin, which in path mode all servers share. */
const ORIGIN_WIDE: ReadonlySet<string> = new Set([
  "alt-svc",
  "clear-site-data",
  // Browsers would report the URLs of all requests (Network Error Logging).
  "nel",
  "report-to",
  "service-worker-allowed",
  "strict-transport-security",
]);

/** What is wrong with an answer that HTTP cannot carry comes as a ProtocolError. */
export function toVisitorAnswer(
  { status, headers, body, trailers }: ServerAnswer,
  request: ForwardedRequest,
): HttpAnswer | ProtocolError {
  if (status === 101 && !request.wantsUpgrade) {
    return new ProtocolError("The answer switches protocols, and nobody asked for it");
  }
  if (status !== 101 && (status < 200 || status > 599)) {
    return new ProtocolError(`The answer has the status ${status}`);
  }
  const lengths = headerValues(headers, "content-length");
  const [length] = lengths;
  const isOne = lengths.every((other) => other === length);
  if (!isOne || (length !== undefined && !/^[0-9]{1,15}$/.test(length))) {
    return new ProtocolError("The answer has a malformed Content-Length");
  }
  const fields = toVisitorHeaders(headers, request);
  if (fields instanceof ProtocolError) return fields;
  if (status === 101) {
    return { status, headers: [...fields, ...pairOf(headers, "upgrade")], body };
  }
  if (isBodyless(status, request.method === "HEAD")) {
    // RFC 9110 §8.6: never in a 204.
    const declared = length === undefined || status === 204 ? [] : ["Content-Length", length];
    return { status, headers: [...fields, ...declared], body };
  }
  if (length === undefined) {
    return {
      status,
      headers: [...fields, ...pairOf(headers, "trailer")],
      body,
      trailers: () => toVisitorTrailers(trailers?.() ?? [], request),
    };
  }
  if (body instanceof Uint8Array && Number(length) !== body.length) {
    return new ProtocolError(`The answer announces ${length} bytes, its body has ${body.length}`);
  }
  return { status, headers: [...fields, "Content-Length", length], body };
}

/** The fields of an interim answer; undefined where they cannot be carried. */
export function toVisitorHints(
  headers: RawHeaders,
  request: ForwardedRequest,
): RawHeaders | undefined {
  const fields = toVisitorHeaders(headers, request);
  return fields instanceof ProtocolError ? undefined : fields;
}

function toVisitorHeaders(
  headers: RawHeaders,
  { place }: ForwardedRequest,
): RawHeaders | ProtocolError {
  const fields: string[] = [];
  let malformed: string | undefined;
  forEachEndToEnd(headers, (name, key, value) => {
    if (!isValidHeader(name, value)) malformed ??= name;
    if (key !== "content-length" && isOwn(key, value, place)) fields.push(name, value);
  });
  return malformed === undefined
    ? moveBelowPrefix(fields, place)
    : new ProtocolError(`The answer has a malformed header ${JSON.stringify(malformed)}`);
}

function toVisitorTrailers(trailers: RawHeaders, { place }: ForwardedRequest): RawHeaders {
  return [...headerPairs(trailers)]
    .filter(([name, value]) => isOwn(name.toLowerCase(), value, place)).flat();
}

/** True if a server may say so: it speaks for itself alone. */
function isOwn(key: string, value: string, { prefix }: PublicPlace): boolean {
  if (PROXY_ORDERS.has(key)) return false;
  // RFC 9209 §2.1: members are named after who wrote them, and only the relay is the relay.
  if (key === "proxy-status" && value.toLowerCase().includes("ptth_relay")) return false;
  return prefix === "" || !ORIGIN_WIDE.has(key);
}

/** The first field of this name, as it is spelled. */
function pairOf(headers: RawHeaders, name: string): RawHeaders {
  const pair = [...headerPairs(headers)].find(([key]) => key.toLowerCase() === name);
  return pair === undefined || !isValidHeader(...pair) ? [] : pair;
}
