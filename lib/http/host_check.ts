/**
 * Guards a listener on a loopback address against DNS rebinding: a page of a stranger may make its
 * own name point to 127.0.0.1, and then reads what a browser on this computer can reach. The name
 * in the Host field gives it away.
 */

import { headerValue } from "./headers.ts";
import { hostOf, isLoopbackHost } from "./host.ts";
import type { Handler } from "./message.ts";
import { parseTarget } from "./target.ts";
import { textAnswer } from "./text_answer.ts";

export interface HostCheckOptions {
  /** The address that is listened on; on any but a loopback one nothing is checked. */
  readonly boundHost: string;
  /** Further names that are meant for this listener, as they are now. */
  readonly allowedHosts: () => readonly string[];
}

/** `handler`, for requests whose authority is a loopback name or address, or an allowed name. */
export function checkHost(
  handler: Handler,
  { boundHost, allowedHosts }: HostCheckOptions,
): Handler {
  if (!isLoopbackHost(boundHost.toLowerCase())) return handler;
  const isAllowed = (host: string): boolean =>
    allowedHosts().some((name) => name.replace(/\.$/, "").toLowerCase() === host);
  return (request) => {
    const target = parseTarget(request.target);
    // RFC 9112 §3.2.2: the authority of an absolute target wins over the Host field.
    const authority = target.kind === "absolute"
      ? target.authority
      : headerValue(request.headers, "host") ?? "";
    const host = hostOf(authority);
    if (host === "" || isLoopbackHost(host) || isAllowed(host)) return handler(request);
    return textAnswer(421, "This listener is for this computer only");
  };
}
