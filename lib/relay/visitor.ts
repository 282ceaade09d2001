/** P2 and P6: a visitor's request becomes an exchange, and waits for its answer. */

import type { Readable } from "node:stream";
import type { Clock } from "../base/clock.ts";
import { INLINE_REQUEST_BYTES, INLINE_WAIT_MS } from "../base/limits.ts";
import { headerValue } from "../http/headers.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import { gatherSmallBody } from "../http/small_body.ts";
import { createId } from "../wire/create_id.ts";
import { Exchange, type Protocol } from "./exchange.ts";
import type { ExchangeBook } from "./exchange_book.ts";
import { type Failure, failureAnswer } from "./failure.ts";
import { type Provenance, toServerHeaders } from "./forwarding.ts";
import type { RegisteredServer } from "./registry.ts";
import type { VisitRoute } from "./routes.ts";

export interface VisitOptions {
  readonly clock: Clock;
  readonly book: ExchangeBook;
  readonly graceMs: number;
  readonly answerTimeoutMs: Readonly<Record<Protocol, number>>;
  /** Why nobody can be given to the server any more; asked when a body has been waited for. */
  readonly refusal: () => Failure | undefined;
}

export interface Visit {
  readonly server: RegisteredServer;
  readonly route: VisitRoute;
  readonly provenance: Provenance;
  readonly options: VisitOptions;
}

const NO_BODY = new Uint8Array();

/** Carries a visitor's request to `server`; resolves with the answer, or the relay's own. */
export function visit(request: HttpRequest, visited: Visit): Promise<HttpAnswer> {
  const { body } = request;
  if (body === null) return carry(request, NO_BODY, visited);
  if (!isSmall(request)) return carry(request, body, visited);
  return gatherSmallBody(body, {
    clock: visited.options.clock,
    waitMs: INLINE_WAIT_MS,
    maxBytes: INLINE_REQUEST_BYTES,
  }).then((gathered) => {
    const failure = visited.options.refusal();
    return failure === undefined ? carry(request, gathered, visited) : failureAnswer(failure);
  });
}

/** True for a body that may travel in the message, so that no request has to be made for it. */
function isSmall({ bodyLength, upgrade, headers }: HttpRequest): boolean {
  return upgrade === null && bodyLength !== null && bodyLength <= INLINE_REQUEST_BYTES &&
    // Reading it would send the 100 before anybody has asked the server.
    headerValue(headers, "expect") === undefined;
}

function carry(
  request: HttpRequest,
  body: Uint8Array | Readable,
  { server, route, provenance, options }: Visit,
): Promise<HttpAnswer> {
  const { book, clock, graceMs, answerTimeoutMs } = options;
  const { queue } = server;
  const left = (): void => exchange.fail("visitor_left");
  const exchange: Exchange = new Exchange({
    request: {
      id: createId(),
      method: request.method,
      path: route.path,
      query: route.query,
      headers: toServerHeaders(request, provenance),
      address: provenance.address,
      body,
      bodyLength: request.upgrade === null ? request.bodyLength : null,
      wantsUpgrade: request.upgrade !== null,
      place: {
        prefix: provenance.prefix,
        authorities: [provenance.authority.toLowerCase(), provenance.host.toLowerCase()],
        keepsCookieDomain: route.hostSuffix !== undefined,
        sharedHost: route.hostSuffix,
      },
    },
    visitor: request,
    clock,
    graceMs,
    answerTimeoutMs,
    onSettled: (settled) => {
      request.signal.removeEventListener("abort", left);
      queue.remove(settled);
      book.settle(settled);
    },
  });
  request.signal.addEventListener("abort", left);
  book.add(exchange, server);
  if (request.signal.aborted) left();
  else if (!queue.add(exchange)) exchange.fail("too_many");
  return exchange.answer;
}
