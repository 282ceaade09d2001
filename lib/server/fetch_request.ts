/** A visitor's request in the terms of Fetch, for handlers that speak those. Pure. */

import { headerPairs, headerValue } from "../http/headers.ts";
import { isAuthority } from "../http/host.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { toReadableStream } from "../http/readable_stream.ts";
import { destroyBody } from "../http/send_answer.ts";
import { parseTarget } from "../http/target.ts";
import { textAnswer } from "../http/text_answer.ts";

// Fetch §2.2.1. Nobody can make a Request of them.
const FORBIDDEN_METHODS = /^(?:connect|trace|track)$/i;

/**
 * The request as a handler gets it, or the answer to one that Fetch cannot represent: 501 for a
 * forbidden method; 400 for a target, a host or a field that is malformed, since what is left out
 * could be what matters.
 *
 * `relayUrl` gives the scheme and the host where the request, or a relay of 2.x, tells none.
 */
export function toFetchRequest(request: HttpRequest, relayUrl: URL): Request | HttpAnswer {
  const { method, body, signal } = request;
  if (FORBIDDEN_METHODS.test(method)) return textAnswer(501, `${method} is not supported`);
  const url = toUrl(request, relayUrl);
  if (url === undefined) return textAnswer(400, "The target or the host is malformed");
  // After Upgrade the body is what follows an answer of 101, which no Response can be.
  const hasBody = method !== "GET" && method !== "HEAD" && request.upgrade === null;
  if (!hasBody) destroyBody(body);
  const stream = hasBody && body !== null ? toReadableStream(body) : null;
  const init: RequestInit & { readonly duplex: "half" } = {
    method,
    body: stream,
    signal,
    // Fetch §5.4: the handler may answer, in part or whole, before it has read all.
    duplex: "half",
  };
  try {
    return new Request(url, { ...init, headers: toHeaders(request) });
  } catch (error) {
    // No name or value of a field, or no method: the only parts that are not looked at above.
    if (error instanceof TypeError) return textAnswer(400, "A field of the request is malformed");
    throw error;
  }
}

function toUrl({ target: raw, headers }: HttpRequest, relayUrl: URL): URL | undefined {
  const target = parseTarget(raw);
  if (target.kind !== "origin" && target.kind !== "absolute") return undefined;
  const scheme = firstOf(headerValue(headers, "x-forwarded-proto"))?.toLowerCase() ??
    relayUrl.protocol.slice(0, -1);
  const own = target.kind === "absolute" ? target.authority : headerValue(headers, "host");
  const host = firstOf(headerValue(headers, "x-forwarded-host")) || own || relayUrl.host;
  if (!/^https?$/.test(scheme) || !isAuthority(host)) return undefined;
  // Characters are bytes here; URL takes them for characters, and would encode each as UTF-8.
  const path = (target.path + target.query).replace(
    /[\x80-\xff]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return URL.parse(`${scheme}://${host}${path}`) ?? undefined;
}

function toHeaders({ headers }: HttpRequest): Headers {
  const fields = new Headers();
  for (const [name, value] of headerPairs(headers)) {
    const before = name.toLowerCase() === "cookie" ? fields.get(name) : null;
    // RFC 9113 §8.2.3: cookies in several fields are put together otherwise than lists.
    if (before === null) fields.append(name, value);
    else fields.set(name, `${before}; ${value}`);
  }
  return fields;
}

// Each proxy on the way may add its own; the first one is the visitor's.
function firstOf(value: string | undefined): string | undefined {
  return value?.split(",")[0]?.trim();
}
