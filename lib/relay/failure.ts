/**
 * Answers that the relay makes itself when an exchange cannot be carried out: one table of status,
 * sentence and error token (RFC 9209 §2.3), so that a program can tell a relay's 502 from one that
 * a server sent.
 */

import type { HttpAnswer } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";

interface FailureKind {
  readonly status: number;
  readonly sentence: string;
  /** The error parameter of Proxy-Status. */
  readonly token: string;
  readonly retryAfterS?: number;
}

const FAILURES = {
  bad_target: {
    status: 400,
    sentence: "The path has characters that a URL cannot hold unescaped",
    token: "http_request_error",
  },
  method_not_carried: {
    status: 400,
    sentence: "Only GET and HEAD reach this server",
    token: "http_request_error",
  },
  no_such_server: {
    status: 404,
    sentence: "There is no server of this name",
    token: "destination_not_found",
  },
  not_connected: {
    status: 503,
    sentence: "The server is not connected",
    token: "destination_unavailable",
    retryAfterS: 10,
  },
  too_many: {
    status: 503,
    sentence: "The server has too many requests to answer",
    token: "connection_limit_reached",
    retryAfterS: 5,
  },
  relay_stopping: {
    status: 503,
    sentence: "The relay is stopping",
    token: "destination_unavailable",
    retryAfterS: 5,
  },
  /** Nobody is there any more to read it. */
  visitor_left: {
    status: 502,
    sentence: "The visitor left",
    token: "connection_terminated",
  },
  head_too_large: {
    status: 431,
    sentence: "The request head is too large",
    token: "http_request_error",
  },
  server_gave_up: {
    status: 502,
    sentence: "The server could not answer",
    token: "http_response_incomplete",
  },
  server_lost: {
    status: 502,
    sentence: "The server's connection broke before it answered",
    token: "connection_terminated",
  },
  bad_answer: {
    status: 502,
    sentence: "The server's answer cannot be understood",
    token: "http_protocol_error",
  },
  answer_timeout: {
    status: 504,
    sentence: "The server did not answer in time",
    token: "http_response_timeout",
  },
} as const satisfies Record<string, FailureKind>;

/** Why an exchange could not be carried out. */
export type Failure = keyof typeof FAILURES;

/** What the visitor is told. */
export function failureAnswer(failure: Failure): HttpAnswer {
  const { status, sentence, token, retryAfterS }: FailureKind = FAILURES[failure];
  return textAnswer(status, sentence, [
    "Proxy-Status",
    `ptth_relay; error=${token}`,
    ...retryAfterS === undefined ? [] : ["Retry-After", String(retryAfterS)],
  ]);
}
