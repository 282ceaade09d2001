/** Why a request brought no answer, in words for the log. */

import { ProtocolError, toMessage } from "../base/errors.ts";

/**
 * - `dns`: the name has no address
 * - `refused`: nobody listens there, or no route leads there
 * - `timeout`: connecting, or the answer, took too long
 * - `silent`: the other end fell silent in the middle
 * - `certificate`: its certificate is not to be trusted
 * - `tls`: what it speaks is no TLS that we know
 * - `proxy`: the proxy cannot be reached, or says no
 * - `stale`: a kept connection was closed by the other end just as it was used again
 * - `cut`: the connection ended before the answer was complete
 * - `protocol`: what came is no HTTP/1.1
 * - `body`: our own body failed or broke its length; the other end is well
 * - `aborted`: the caller's signal, or the client was closed
 */
export type UnreachableKind =
  | "dns"
  | "refused"
  | "timeout"
  | "silent"
  | "certificate"
  | "tls"
  | "proxy"
  | "stale"
  | "cut"
  | "protocol"
  | "body"
  | "aborted";

/** A request came to nothing. The message is a sentence with a hint, no secret. */
export class UnreachableError extends Error {
  override readonly name = "UnreachableError";
  constructor(readonly kind: UnreachableKind, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

// What the system calls it, and what people should read.
const CONNECT_FAULTS: ReadonlyMap<string, readonly [UnreachableKind, string]> = new Map([
  ["ENOTFOUND", ["dns", "its name has no address"]],
  ["EAI_AGAIN", ["dns", "the name service does not answer"]],
  ["ECONNREFUSED", ["refused", "the connection was refused"]],
  ["EHOSTUNREACH", ["refused", "no route leads there"]],
  ["ENETUNREACH", ["refused", "no route leads there"]],
  ["ETIMEDOUT", ["timeout", "nobody answers"]],
  // Of Unix sockets.
  ["ENOENT", ["refused", "there is no such socket"]],
  ["EACCES", ["refused", "its socket is not for this user"]],
]);

/** An error of the network while connecting to `peer`, as in `relay "https://…"`. */
export function toConnectError(error: unknown, peer: string): UnreachableError {
  const [kind, reason] = CONNECT_FAULTS.get(codeOf(error)) ??
    ["cut", toMessage(error) || codeOf(error)] as const;
  return new UnreachableError(kind, `Cannot reach ${peer}: ${reason}`, { cause: error });
}

/** The same on the way to the first hop: the proxy at `proxyAddress` where there is one. */
export function toFirstHopError(
  error: unknown,
  { peer, proxyAddress }: { readonly peer: string; readonly proxyAddress: string | undefined },
): UnreachableError {
  if (error instanceof UnreachableError) return error;
  if (proxyAddress === undefined) return toConnectError(error, peer);
  const { message } = toConnectError(error, `proxy "${proxyAddress}"`);
  return new UnreachableError("proxy", message, { cause: error });
}

const FOREIGN_NAME = "ERR_TLS_CERT_ALTNAME_INVALID";
const UNTRUSTED_REGEXP = /CERT|SIGNATURE|ISSUER|unable to verify|certificate/;

/** An error of TLS. `remedy` says what makes a certificate trusted. */
export function toTlsError(
  error: unknown,
  peer: string,
  remedy = "--ca-file adds one",
): UnreachableError {
  const code = codeOf(error);
  const fail = (kind: UnreachableKind, reason: string): UnreachableError =>
    new UnreachableError(kind, `Cannot reach ${peer}: ${reason}`, { cause: error });
  if (code === FOREIGN_NAME) return fail("certificate", "its certificate is for another name");
  if (!UNTRUSTED_REGEXP.test(code) && !UNTRUSTED_REGEXP.test(toMessage(error))) {
    return fail("tls", `TLS failed: ${toMessage(error)}`);
  }
  const reason = "its certificate is not valid now, or not signed by a known authority";
  return fail("certificate", `${reason}; ${remedy}`);
}

/**
 * An error of a connection that stood, in the middle of a request. The message of a ProtocolError is
 * the reason.
 */
export function toRequestError(error: unknown, peer: string): UnreachableError {
  if (error instanceof ProtocolError) {
    const message = `Cannot use the answer of ${peer}: ${error.message}`;
    return new UnreachableError("protocol", message, { cause: error });
  }
  const isProtocol = codeOf(error).startsWith("HPE_");
  const reason = isProtocol
    ? "what came back is no HTTP/1.1"
    : "the connection was closed before the answer was complete";
  return new UnreachableError(
    isProtocol ? "protocol" : "cut",
    `Cannot complete a request to ${peer}: ${reason}`,
    { cause: error },
  );
}

/** The request was given up by this side. */
export function toAbortError(reason: unknown, peer: string): UnreachableError {
  return new UnreachableError("aborted", `Gave up a request to ${peer}`, { cause: reason });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
