/**
 * Answers that the server makes itself when an origin fails: one table of status, sentence and error
 * token (RFC 9209 §2.3), so that a program can tell them from what an origin says.
 */

import type { HttpAnswer } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";
import { UnreachableError } from "../client/unreachable_error.ts";

const FAILURES = {
  refused: [502, "The application is not running", "connection_refused"],
  dns: [502, "The application cannot be found", "dns_error"],
  certificate: [502, "The application's certificate is not to be trusted", "tls_certificate_error"],
  tls: [502, "The application does not speak TLS", "tls_protocol_error"],
  cut: [502, "The application broke off before it answered", "connection_terminated"],
  protocol: [502, "The application's answer cannot be understood", "http_protocol_error"],
  connect_timeout: [504, "The application cannot be reached in time", "connection_timeout"],
  answer_timeout: [504, "The application did not answer in time", "http_response_timeout"],
} as const satisfies Record<string, readonly [number, string, string]>;

/** Why an origin gave no answer. */
export type OriginFailure = keyof typeof FAILURES;

/** What the visitor is told. */
export function originFailureAnswer(failure: OriginFailure): HttpAnswer {
  const [status, sentence, token] = FAILURES[failure];
  return textAnswer(status, sentence, ["Proxy-Status", `ptth_server; error=${token}`]);
}

/** The failure that an error of the connection is. */
export function toOriginFailure(error: unknown): OriginFailure {
  if (!(error instanceof UnreachableError)) return "cut";
  switch (error.kind) {
    case "dns":
    case "refused":
    case "certificate":
    case "tls":
    case "protocol":
      return error.kind;
    case "timeout":
      return "connect_timeout";
    case "silent":
      return "answer_timeout";
    default:
      return "cut";
  }
}
