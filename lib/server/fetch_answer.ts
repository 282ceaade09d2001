/** A handler's Response as an answer. Pure. */

import { toMessage } from "../base/errors.ts";
import { endToEndHeaders } from "../http/headers.ts";
import type { HttpAnswer } from "../http/message.ts";
import { textAnswer } from "../http/text_answer.ts";
import { WebBody } from "../http/web_body.ts";

/**
 * The answer that a Response stands for, or 500 where it stands for none. Set-Cookie fields stay
 * apart and in order; the others come as Headers has them: sorted, in lower case, repeated ones
 * joined.
 *
 * `onFault` is told why it is no answer, and if its body fails while it is sent.
 */
export function toFetchAnswer(response: unknown, onFault: (reason: string) => void): HttpAnswer {
  if (!(response instanceof Response)) return refuse("the handler gave no Response", onFault);
  const { status, body, headers, bodyUsed } = response;
  if (bodyUsed || body?.locked === true) return refuse("its body is used already", onFault);
  const fault = findHeadFault(response);
  if (fault !== undefined) {
    // Whether that can be said to a body that nobody will read is of no interest.
    void body?.cancel(new TypeError(`Cannot send Response: ${fault}`)).catch(() => {});
    return refuse(fault, onFault);
  }
  return {
    status,
    // Those of one connection come along when a handler passes on what it has fetched.
    headers: endToEndHeaders([...headers].flat()),
    body: body === null ? null : new WebBody(body, (error) => onFault(toMessage(error))),
  };
}

function refuse(fault: string, onFault: (reason: string) => void): HttpAnswer {
  onFault(fault);
  return textAnswer(500, "Internal error");
}

function findHeadFault({ status, headers }: Response): string | undefined {
  // 0 is that of Response.error(); 101 Deno lets through.
  if (status < 200 || status > 599) return `its status is ${status}`;
  const length = headers.get("content-length");
  return length === null || /^[0-9]{1,15}$/.test(length)
    ? undefined
    : "its Content-Length is no number";
}
