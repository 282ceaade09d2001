/** P2 and P6: a visitor's request becomes an exchange, and waits for its answer. */

import { randomBytes } from "node:crypto";
import type { AddressSet } from "../base/cidr.ts";
import type { Clock } from "../base/clock.ts";
import type { HttpAnswer, HttpRequest } from "../http/message.ts";
import type { ClassicMethod } from "../wire/classic.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeBook } from "./exchange_book.ts";
import { failureAnswer } from "./failure.ts";
import { toServerHeaders } from "./forwarding.ts";
import type { RegisteredServer } from "./registry.ts";
import type { VisitRoute } from "./routes.ts";

export interface VisitOptions {
  readonly clock: Clock;
  readonly book: ExchangeBook;
  readonly trustedProxies: AddressSet;
  readonly graceMs: number;
  readonly answerTimeoutMs: number;
}

// What an original server can parse; others it never answers (docs/protocol.md, "Traps").
const CLASSIC_PATH_REGEXP = /^[!$&'()*+,\-./0-9:;=@A-Z[\\\]^_a-z~%]*$/;

/** Carries a visitor's request to `server`; resolves with the answer, or the relay's own. */
export function visit(
  request: HttpRequest,
  { server, route, options }: {
    server: RegisteredServer;
    route: VisitRoute;
    options: VisitOptions;
  },
): Promise<HttpAnswer> | HttpAnswer {
  if (!isClassicMethod(request.method)) return failureAnswer("method_not_carried");
  if (!isClassicPath(route.path)) return failureAnswer("bad_target");
  const { book, clock, graceMs, answerTimeoutMs, trustedProxies } = options;
  const { queue } = server;
  const left = (): void => exchange.fail("visitor_left");
  const exchange: Exchange = new Exchange({
    request: {
      id: createExchangeId(),
      method: request.method,
      uri: route.path,
      headers: toServerHeaders(request, { ...route, trustedProxies }),
    },
    delivery: request.finished,
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

function isClassicPath(path: string): boolean {
  try {
    // Nor does it answer one that is not UTF-8 once decoded.
    decodeURIComponent(path);
  } catch {
    return false;
  }
  return CLASSIC_PATH_REGEXP.test(path);
}

function isClassicMethod(method: string): method is ClassicMethod {
  return method === "GET" || method === "HEAD";
}

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * 128 random bits in the spelling of a ULID, which is what ids look like to an original server. No
 * time in it: the id is what guards an answer, so all of it is random.
 */
function createExchangeId(): string {
  const bytes = randomBytes(26);
  let id = "";
  for (const [i, byte] of bytes.entries()) id += CROCKFORD[byte & (i === 0 ? 7 : 31)];
  return id;
}
