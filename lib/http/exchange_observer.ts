/** Watching exchanges from the side: for an access log, or to show what goes on. */

import type { Delivery, HttpRequest } from "./message.ts";

/** An exchange that has begun. */
export interface ObservedExchange {
  readonly request: HttpRequest;
  /** Bytes of the answer's body that were handed to the network so far. */
  readonly bytesSent: () => number;
}

export interface ExchangeEnd {
  /** Null where the peer left before there was an answer. */
  readonly status: number | null;
  readonly delivery: Delivery;
}

/** Told of an exchange as it begins; what it returns is told of the end. Neither may throw. */
export type ObserveExchange = (exchange: ObservedExchange) => (end: ExchangeEnd) => void;

/** What an engine tells of one exchange. */
export interface Observed {
  readonly answered: (status: number) => void;
  /** Undefined where nobody counts. */
  readonly sent: ((bytes: number) => void) | undefined;
}

const UNOBSERVED: Observed = { answered: () => {}, sent: undefined };

/** Begins to observe an exchange; its end is that of the request. */
export function observeExchange(
  request: HttpRequest,
  observe: ObserveExchange | undefined,
): Observed {
  if (observe === undefined) return UNOBSERVED;
  let status: number | null = null;
  let bytesSent = 0;
  const end = observe({ request, bytesSent: () => bytesSent });
  void request.finished.then((delivery) => end({ status, delivery }));
  return {
    answered: (answered) => status = answered,
    sent: (bytes) => bytesSent += bytes,
  };
}
